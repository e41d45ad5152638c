/** Measures a site with 64 devices while one of them floods it. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AlarmflowProcess, eventually, startAlarmflow } from '../support/alarmflow-process';
import { forkTypescript } from '../support/fork-typescript';
import { deviceCredentials, linkageFlow } from '../support/linkage-flow';
import type { Flood, ParkDevice, ParkFigures, ParkOrder, ParkReport } from './device-park';
import { quantile, type SiteSetting } from './site';

/** Alarms of the quiet devices together; 31 of them begin, as many end. */
const QUIET_PER_SECOND = 62;
/** Modbus boards are polled ten times a second: their figures say when they were asked, not how fast we are. */
const polled = new Set(['modbus']);
const WARM_UP_SECONDS = 4;

export interface FloodFigures {
  p50Ms: number;
  p99Ms: number;
  /** p99 of each group of devices. */
  groups: Record<string, number>;
  alarms: number;
  missing: number;
  /** Events that the flooding camera got rid of, per second. */
  floodedPerSecond: number;
  refusedPerSecond: number;
  /** Resident memory of the site at the end, highest since its start, in MiB. */
  memoryMiB: number;
  peakMiB: number;
  /** Share of one core that the site used. */
  cpu: number;
  /** The machine's load at the end, and p99 of the delays in the devices' own process. */
  load: number;
  ownP99Ms: number;
}

export interface FloodSite {
  site: AlarmflowProcess;
  /** Lets the camera flood from now on; null: it stops. */
  flood(flood: Flood | null): void;
  /** @param perSecond alarms of the quiet devices together; 31 of 62 begin, as many end */
  measure(seconds: number, perSecond?: number): Promise<FloodFigures>;
}

/** A site with 64 simulated devices, all online. */
export async function withFloodSite<T>(setting: SiteSetting, work: (site: FloodSite) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-bench-'));
  const park = forkTypescript('test/bench/device-park.ts');
  const errors: string[] = [];
  park.stderr?.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  let site: AlarmflowProcess | null = null;
  try {
    const { ready } = (await reportOf(park, errors)) as Extract<ParkReport, { ready: unknown }>;
    const devices = [ready.relay, ready.flooding, ...ready.sources];
    const flowFile = join(folder, 'flow.json');
    const credentialsFile = join(folder, 'credentials.json');
    const logins = devices.filter(({ login }) => login).map(({ id }) => [id, deviceCredentials]);
    await writeFile(flowFile, JSON.stringify(flowOf(ready.relay, ready.flooding, ready.sources)));
    await writeFile(credentialsFile, JSON.stringify(Object.fromEntries(logins)), { mode: 0o600 });
    site = await startAlarmflow({
      args: ['run', flowFile, '--credentials', credentialsFile, '--port', '0'],
      dataDir: join(folder, 'site'),
      env: { ...setting.env, ALARMFLOW_LOG_LEVEL: 'warn' },
    });
    const running = site;
    const targets: Record<string, string> = {};
    for (const { id, receive } of devices) if (receive !== 'stream') targets[id] = await running.ingestUrl(id);
    const order = (one: ParkOrder): void => void park.send(one);
    order({ targets });
    await eventually(
      'all devices to be online',
      async () => {
        const { devices: told } = await running.api<{ devices: { id: string; status: { link: string } }[] }>(
          '/api/v1/devices',
        );
        // Who only pushes and has no login is online with its first push.
        const away = told.filter(({ status }) => status.link !== 'online').map(({ id }) => id);
        return away.every((id) => devices.some((d) => d.id === id && !d.login));
      },
      90_000,
    );
    const measured = async (seconds: number, perSecond = QUIET_PER_SECOND): Promise<ParkFigures> => {
      order({ measure: { seconds, perSecond } });
      return (await reportOf(park, errors)) as ParkFigures;
    };
    await measured(WARM_UP_SECONDS);
    return await work({
      site: running,
      flood: (flood) => order({ flood }),
      async measure(seconds, perSecond) {
        const pid = running.child.pid!;
        const cpuBefore = await cpuSeconds(pid);
        const begun = performance.now();
        const figures = await measured(seconds, perSecond);
        const took = (performance.now() - begun) / 1000;
        const { memoryMiB, peakMiB } = await memoryOf(pid);
        const cpu = ((await cpuSeconds(pid)) - cpuBefore) / took;
        const load = loadavg()[0]!;
        const prompt = Object.entries(figures.lateness).flatMap(([group, all]) => (polled.has(group) ? [] : all));
        return {
          p50Ms: quantile(sorted(prompt), 0.5),
          p99Ms: quantile(sorted(prompt), 0.99),
          groups: Object.fromEntries(
            Object.entries(figures.lateness).map(([group, all]) => [group, quantile(sorted(all), 0.99)]),
          ),
          alarms: prompt.length,
          missing: figures.missing,
          floodedPerSecond: figures.flooded / took,
          refusedPerSecond: figures.refused / took,
          memoryMiB,
          peakMiB,
          cpu,
          load,
          ownP99Ms: figures.ownP99Ms,
        };
      },
    });
  } finally {
    await site?.kill('SIGKILL');
    park.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

const sorted = (values: number[]): number[] => [...values].sort((a, b) => a - b);

async function reportOf(park: ChildProcess, errors: string[]): Promise<ParkReport> {
  const over = new AbortController();
  const gone = once(park, 'exit', { signal: over.signal }).then(() => {
    throw new Error(`the devices' process ended by itself: ${errors.join('').slice(-2_000)}`);
  });
  gone.catch(() => undefined);
  try {
    const [report] = (await Promise.race([once(park, 'message'), gone])) as [ParkReport];
    return report;
  } finally {
    over.abort();
  }
}

async function memoryOf(pid: number): Promise<{ memoryMiB: number; peakMiB: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
  return { memoryMiB: kib('VmRSS') / 1024, peakMiB: kib('VmHWM') / 1024 };
}

/** Processor time of a process and its threads. */
async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Each source's alarm input moves a relay of its own; the flooding camera's thermal alarms are kept, no more. */
function flowOf(relay: ParkDevice, flooding: ParkDevice, sources: ParkDevice[]): Record<string, unknown>[] {
  const [tab, device, thermal, relayOut] = linkageFlow({ devicePort: 9, log: false, postAlarmSeconds: 0 });
  const flow: Record<string, unknown>[] = [tab!];
  for (const { id, driver, receive, port } of [relay, flooding, ...sources])
    flow.push({ ...device!, id, name: `Device ${id}`, driver, receive, port });
  flow.push({ ...thermal!, id: 'trigger-flooding', devices: [flooding.id], wires: [[]] });
  for (const [at, { id }] of sources.entries()) {
    const {
      types: _types,
      minimumLevel: _level,
      minimumCelsius: _celsius,
      channel: _channel,
      rule: _rule,
      ...gates
    } = thermal as Record<string, unknown>;
    flow.push(
      {
        ...gates,
        id: `trigger-${id}`,
        type: 'alarmflow-alarm-input',
        devices: [id],
        alarmPer: 'condition',
        input: '',
        wires: [[`relay-${id}`]],
      },
      { ...relayOut!, id: `relay-${id}`, device: relay.id, output: String(at + 1) },
    );
  }
  return flow;
}
