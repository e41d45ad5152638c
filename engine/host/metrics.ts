/** What Prometheus reads at `/metrics`. Labels come from fixed lists only, so that their number stays small. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { finalActionStatuses } from '../domain/actions';
import type { Announcement } from '../domain/announcements';
import type { DeviceLink } from '../domain/devices';
import { asAlarmflowError } from '../domain/errors';
import type { EventType } from '../domain/events';
import type { Log } from '../domain/log';
import type { ExecutorHealth } from '../executor';
import type { AddressList } from './addresses';
import type { PartHandler } from './http-server';
import { plainSecurityHeaders, sendError, sendText } from './replies';

export interface MetricsOptions {
  version: string;
  /** Read at each scrape. */
  liveAlarms(): number;
  outputs(): { desired: boolean; confirmed: boolean | null; dryRun?: boolean }[];
  /** The whole site makes a dry run. */
  dryRun(): boolean;
  deviceLinks(): DeviceLink[];
  queue(): Promise<ExecutorHealth>;
  /** Events can be kept; else devices are refused. */
  recordWritable(): boolean;
  /** Who may read without a login, beside this machine. */
  allowed: AddressList;
  log: Log;
}

export interface Metrics {
  handle: PartHandler;
  /** Give it to the site's `subscribe`. */
  observe(announcement: Announcement): void;
  /** From the receipt of an event to its consequence on disk. */
  observeCommit(seconds: number): void;
  /** Give it to `createIngest` as `answered`. */
  ingestAnswered(answer: { status: number; durationMs: number; bytes: number }): void;
  text(): Promise<string>;
}

const links: readonly DeviceLink[] = ['connecting', 'online', 'offline', 'refused'];

/** A maker's own event names are without number; they count as one. */
const typeLabel = (type: EventType): string => (type.startsWith('vendor:') ? 'vendor' : type);

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  new Gauge({ name: 'alarmflow_build', help: 'Always 1; the version is its label', labelNames: ['version'], registers })
    .labels(options.version)
    .set(1);
  const events = new Counter({
    name: 'alarmflow_events_total',
    help: 'Decisions on device events, by type and outcome',
    labelNames: ['type', 'outcome'],
    registers,
  });
  const refusals = new Counter({
    name: 'alarmflow_refusals_total',
    help: 'Events that raised nothing, by the gate that refused',
    labelNames: ['reason'],
    registers,
  });
  const settled = new Counter({
    name: 'alarmflow_actions_total',
    help: 'Actions that have their outcome, by kind and status',
    labelNames: ['kind', 'status'],
    registers,
  });
  const ingest = new Counter({
    name: 'alarmflow_ingest_requests_total',
    help: 'Pushes of devices, by the status they were answered with (499: the device hung up)',
    labelNames: ['status'],
    registers,
  });
  const ingestBytes = new Counter({
    name: 'alarmflow_ingest_bytes_total',
    help: 'Bytes of pushes taken in',
    registers,
  });
  const ingestSeconds = new Histogram({
    name: 'alarmflow_ingest_duration_seconds',
    help: 'From the head of a push to its answer',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers,
  });
  const commit = new Histogram({
    name: 'alarmflow_event_commit_seconds',
    help: 'From the receipt of an event to its consequence on disk',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers,
  });
  const alarms = new Gauge({ name: 'alarmflow_alarms_live', help: 'Alarms that have not ended', registers });
  const outputsOn = new Gauge({ name: 'alarmflow_outputs_on', help: 'Outputs that should be on', registers });
  const outputsOff = new Gauge({
    name: 'alarmflow_outputs_unconfirmed',
    help: 'Outputs whose device has not confirmed the state they should have',
    registers,
  });
  const dryRun = new Gauge({
    name: 'alarmflow_dry_run',
    help: '1 while the site only writes down what it would do',
    registers,
  });
  const dryOutputs = new Gauge({
    name: 'alarmflow_outputs_dry_run',
    help: 'Outputs that are held and not driven, because the site or their nodes make a dry run',
    registers,
  });
  const devices = new Gauge({
    name: 'alarmflow_devices',
    help: 'Devices by their link',
    labelNames: ['link'],
    registers,
  });
  const recordWritable = new Gauge({
    name: 'alarmflow_record_writable',
    help: '1 while the record can be written; 0: pushes are refused and devices asked to come again',
    registers,
  });
  const queueUp = new Gauge({
    name: 'alarmflow_queue_up',
    help: '1 while the queue answers',
    labelNames: ['backend'],
    registers,
  });
  const jobs = new Gauge({
    name: 'alarmflow_queue_jobs',
    help: 'Jobs in the queue by state',
    labelNames: ['state'],
    registers,
  });
  const warnings = new Gauge({
    name: 'alarmflow_queue_warnings',
    help: 'Settings of the queue server that need a look',
    registers,
  });

  async function readQueue(): Promise<void> {
    queueUp.reset();
    try {
      const health = await options.queue();
      queueUp.labels(health.backend).set(health.answers ? 1 : 0);
      warnings.set(health.warnings.length);
      // What is not known is not told: 0 jobs would look like a queue that is idle.
      jobs.reset();
      if (!health.answers) return;
      for (const state of ['waiting', 'active', 'delayed', 'failed'] as const) jobs.labels(state).set(health[state]);
    } catch (error) {
      queueUp.labels('unknown').set(0);
      options.log.debug('metrics.queue-silent', { error: asAlarmflowError(error).message });
    }
  }

  async function text(): Promise<string> {
    alarms.set(options.liveAlarms());
    const outputs = options.outputs();
    outputsOn.set(outputs.filter((output) => output.desired && !output.dryRun).length);
    // What is not driven has nothing to confirm.
    outputsOff.set(outputs.filter((output) => !output.dryRun && output.confirmed !== output.desired).length);
    dryRun.set(options.dryRun() ? 1 : 0);
    dryOutputs.set(outputs.filter((output) => output.dryRun).length);
    recordWritable.set(options.recordWritable() ? 1 : 0);
    const present = options.deviceLinks();
    for (const link of links) devices.labels(link).set(present.filter((each) => each === link).length);
    await readQueue();
    return registry.metrics();
  }

  return {
    async handle(request, response, { identity, peer }) {
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return sendText(response, 405, 'Only GET and HEAD are known here.', { allow: 'GET, HEAD' });
      if (!identity && !peer.local && !options.allowed.includes(peer.address))
        return sendText(response, 401, 'Log in, or let this address read with --metrics-from.');
      try {
        const body = Buffer.from(await text());
        response.writeHead(200, {
          ...plainSecurityHeaders,
          'content-type': registry.contentType,
          'cache-control': 'no-store',
          'content-length': String(body.length),
        });
        response.end(request.method === 'HEAD' ? undefined : body);
      } catch (error) {
        sendError(response, error, options.log);
      }
    },
    observe(announcement) {
      if (announcement.kind === 'event') {
        const { event, decisions } = announcement.data;
        for (const { outcome, reason } of decisions) {
          events.labels(typeLabel(event.type), outcome).inc();
          if (outcome === 'refused') refusals.labels(reason).inc();
        }
      } else if (announcement.kind === 'action') {
        const { kind, status } = announcement.data;
        if (finalActionStatuses.includes(status)) settled.labels(kind, status).inc();
      }
    },
    observeCommit: (seconds) => commit.observe(seconds),
    ingestAnswered({ status, durationMs, bytes }) {
      ingest.labels(String(status)).inc();
      ingestBytes.inc(bytes);
      ingestSeconds.observe(durationMs / 1000);
    },
    text,
  };
}
