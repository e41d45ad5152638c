import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { DeviceLink } from '../../engine/domain/devices';
import { operationalError } from '../../engine/domain/errors';
import type { EventType } from '../../engine/domain/events';
import { silentLog } from '../../engine/domain/log';
import type { ExecutorHealth } from '../../engine/executor';
import { addressList } from '../../engine/host/addresses';
import type { Auth } from '../../engine/host/auth';
import { createHealth, type PartHealth } from '../../engine/host/health';
import { createMetrics, type Metrics } from '../../engine/host/metrics';
import { addEveryRole, memoryAuth, openDoor, PASSWORD } from '../support/host-door';

let auth: Auth;
let door: Awaited<ReturnType<typeof openDoor>>;
let metrics: Metrics;
let queue: () => Promise<ExecutorHealth>;
let writable: boolean;
let parts: Record<string, () => PartHealth | Promise<PartHealth>>;

async function open(allowed: string[] = [], trustedProxies: string[] = []): Promise<void> {
  ({ auth } = await memoryAuth());
  await addEveryRole(auth);
  metrics = createMetrics({
    version: '1.2.3',
    liveAlarms: () => 3,
    outputs: () => [
      { desired: true, confirmed: true },
      { desired: true, confirmed: null },
      { desired: false, confirmed: false },
      { desired: true, confirmed: null, dryRun: true },
    ],
    dryRun: () => true,
    deviceLinks: () => ['online', 'online', 'offline'] as DeviceLink[],
    queue: () => queue(),
    recordWritable: () => writable,
    allowed: addressList(allowed),
    log: silentLog,
  });
  door = await openDoor(auth, { trustedProxies });
  door.server.mount({ metrics: metrics.handle, health: createHealth({ version: '1.2.3', parts, clock: systemClock }) });
}
beforeEach(() => {
  writable = true;
  queue = async () => ({
    backend: 'pglite',
    answers: true,
    waiting: 1,
    active: 2,
    delayed: 3,
    failed: 4,
    warnings: ['x'],
  });
  parts = {
    record: () => ({ ok: true, detail: 'the detail' }),
    queue: async () => ({ ok: true, facts: { waiting: 1 } }),
  };
});
afterEach(() => door?.server.close());

const event = (type: EventType, outcome: string, reason = '') =>
  metrics.observe({ kind: 'event', data: { event: { type }, decisions: [{ outcome, reason }] } } as never);
const get = (path: string, headers: Record<string, string> = {}) => fetch(`${door.url}${path}`, { headers });

describe('/metrics', () => {
  it('tells the state of the site and counts what was announced', async () => {
    await open();
    event('motion', 'raised');
    event('motion', 'refused', 'anti-dither');
    event('vendor:a', 'no-trigger');
    event('vendor:b', 'no-trigger');
    metrics.observe({ kind: 'action', data: { kind: 'email', status: 'done' } } as never);
    metrics.observe({ kind: 'action', data: { kind: 'email', status: 'running' } } as never);
    metrics.observeCommit(0.004);
    metrics.ingestAnswered({ status: 200, durationMs: 3, bytes: 10 });
    const text = await (await get('/metrics')).text();
    for (const line of [
      'alarmflow_build{version="1.2.3"} 1',
      'alarmflow_events_total{type="motion",outcome="raised"} 1',
      'alarmflow_events_total{type="vendor",outcome="no-trigger"} 2',
      'alarmflow_refusals_total{reason="anti-dither"} 1',
      'alarmflow_actions_total{kind="email",status="done"} 1',
      'alarmflow_event_commit_seconds_bucket{le="0.005"} 1',
      'alarmflow_ingest_requests_total{status="200"} 1',
      'alarmflow_ingest_bytes_total 10',
      'alarmflow_alarms_live 3',
      'alarmflow_outputs_on 2',
      'alarmflow_outputs_unconfirmed 1',
      'alarmflow_dry_run 1',
      'alarmflow_outputs_dry_run 1',
      'alarmflow_devices{link="online"} 2',
      'alarmflow_devices{link="refused"} 0',
      'alarmflow_record_writable 1',
      'alarmflow_queue_up{backend="pglite"} 1',
      'alarmflow_queue_jobs{state="failed"} 4',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).not.toContain('status="running"');
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('still answers when the queue does not', async () => {
    queue = () => Promise.reject(operationalError('E_QUEUE', 'away'));
    await open();
    expect(await (await get('/metrics')).text()).toContain('alarmflow_queue_up{backend="unknown"} 0');
  });

  it('tells a queue that does not answer, and no counts of it', async () => {
    const well = await queue();
    queue = async () => ({ ...well, answers: false, waiting: 0 });
    await open();
    const text = await (await get('/metrics')).text();
    expect(text).toContain('alarmflow_queue_up{backend="pglite"} 0');
    expect(text).not.toContain('alarmflow_queue_jobs{');
  });

  it('tells a record that cannot be written', async () => {
    writable = false;
    await open();
    expect(await (await get('/metrics')).text()).toContain('alarmflow_record_writable 0');
  });

  it.each([
    ['this machine', [], {}, 200],
    ['another one', [], { 'x-forwarded-for': '192.0.2.1' }, 401],
    ['one on the list', ['192.0.2.0/24'], { 'x-forwarded-for': '192.0.2.1' }, 200],
  ])('lets %s read without a login: %j', async (_who, allowed, headers, status) => {
    await open(allowed as string[], ['127.0.0.1']);
    expect((await get('/metrics', headers as Record<string, string>)).status).toBe(status);
  });
});

describe('/healthz', () => {
  it('is short for whoever is not logged in', async () => {
    await open();
    const response = await get('/healthz');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok', parts: { record: { ok: true }, queue: { ok: true } } });
  });

  it('tells details to users', async () => {
    await open();
    const { token } = await auth.login('vera', PASSWORD, null);
    expect(await (await get('/healthz', { cookie: `alarmflow_session=${token}` })).json()).toMatchObject({
      status: 'ok',
      version: '1.2.3',
      parts: { record: { ok: true, detail: 'the detail' }, queue: { ok: true, facts: { waiting: 1 } } },
    });
  });

  it('is 503 with the part that fails, and keeps the insides of a bug', async () => {
    parts.record = () => {
      throw new Error('secret insides');
    };
    parts.queue = () => Promise.reject(operationalError('E_QUEUE', 'Redis does not answer'));
    await open();
    const { token } = await auth.login('vera', PASSWORD, null);
    const response = await get('/healthz', { cookie: `alarmflow_session=${token}` });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      status: 'failing',
      parts: { record: { ok: false, detail: 'E_UNEXPECTED' }, queue: { ok: false, detail: 'Redis does not answer' } },
    });
  });

  it('does not wait for a part for ever', async () => {
    const clock = new VirtualClock(1_790_000_000_000);
    const health = createHealth({ version: '1', parts: { record: () => new Promise(() => {}) }, clock });
    await open();
    door.server.mount({ health });
    const response = get('/healthz');
    while (clock.nextAt() === null) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(2_000);
    expect((await response).status).toBe(503);
  });
});
