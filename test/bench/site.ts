/** Measures a whole site as a process of its own: device bytes in, relay command out. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHikvisionSimulator } from '../../engine/drivers/hikvision/simulator';
import { type AlarmflowProcess, eventually, startAlarmflow } from '../support/alarmflow-process';
import { DEVICE_NODE, deviceCredentials, linkageFlow, thermalAlert, writeFlowFiles } from '../support/linkage-flow';
import { openRudeServer } from '../support/smtp-post-office';

const CONNECTIONS = 64;

export interface SiteSetting {
  /** DATABASE_URL and REDIS_URL, or nothing for the embedded databases. */
  env: Record<string, string>;
}

export const quantile = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resident memory in MiB. */
async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** What a measurement has started; a measurement that fails must not leave a process that disturbs the next. */
const started: { kill(signal?: NodeJS.Signals): Promise<unknown> }[] = [];

async function startSite(options: Parameters<typeof startAlarmflow>[0]): Promise<AlarmflowProcess> {
  const site = await startAlarmflow(options);
  started.push(site);
  return site;
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-bench-'));
  try {
    return await work(folder);
  } finally {
    for (const site of started.splice(0)) await site.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

/** A device's push over kept connections; resolves with the status. */
function pusher(url: string): { push(body: string): Promise<number>; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  return {
    push: (body) =>
      new Promise((resolve, reject) => {
        const outgoing = request(url, { method: 'POST', agent }, (answer) => {
          answer.resume();
          answer.on('end', () => resolve(answer.statusCode ?? 0));
        });
        outgoing.on('error', reject);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}

export interface StartFigures {
  usableEditorMs: number;
  idleMiB: number;
}

/** `npm start` on a fresh folder with the demo, to an editor that answers; and the memory of an idle site without it. */
export async function measureStart(fresh: () => Promise<SiteSetting>): Promise<StartFigures> {
  const usableEditorMs = await withFolder(async (dataDir) => {
    const { env } = await fresh();
    const begun = performance.now();
    const site = await startSite({ args: ['start', '--port', '0'], dataDir, env });
    await eventually('the editor', async () => (await fetch(new URL('/editor/', site.url))).ok);
    return performance.now() - begun;
  });
  const idleMiB = await withFolder(async (dataDir) => {
    const { env } = await fresh();
    const site = await startSite({ args: ['start', '--no-demo', '--port', '0'], dataDir, env });
    await pause(10_000);
    return await residentMiB(site.child.pid!);
  });
  return { usableEditorMs, idleMiB };
}

export interface LatencyFigures {
  commands: number;
  /** Pushes whose command never went out. */
  missing: number;
  /** Slowest push of the first two seconds after a start, in milliseconds. */
  slowestOfFirst: number;
  p50Ms: number;
  p99Ms: number;
}

/** The code of a process that has just started is not compiled yet: its first alarms are told apart. */
const WARM_UP_SECONDS = 2;

/** A hundred relays, each with its own trigger; 100 pushes a second, every one moves one relay. */
export async function measureLatency(setting: SiteSetting, seconds = 20): Promise<LatencyFigures> {
  const relays = 100;
  return await withFolder(async (dataDir) => {
    /** When each relay was moved, by what it was moved to: filled as the commands arrive. */
    const moved = new Map<string, number[]>();
    const camera = await startHikvisionSimulator({
      ...deviceCredentials,
      model: 'thermal',
      outputs: relays,
      onCommand(command) {
        moved.set(command, [...(moved.get(command) ?? []), performance.now()]);
      },
    });
    const [tab, device, trigger, relay] = linkageFlow({ devicePort: camera.port, log: false, postAlarmSeconds: 0 });
    const flow = [tab!, device!];
    for (let rule = 1; rule <= relays; rule++) {
      flow.push(
        { ...trigger!, id: `trigger-${rule}`, rule: String(rule), wires: [[`relay-${rule}`]] },
        { ...relay!, id: `relay-${rule}`, output: String(rule) },
      );
    }
    const files = await writeFlowFiles(flow);
    const site = await startSite({
      args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0'],
      dataDir,
      env: setting.env,
    });
    const { push, close } = pusher(await site.ingestUrl(DEVICE_NODE));
    await eventually('all relays to be driven off', () => moved.size >= relays, 60_000);
    moved.clear();

    const sent = new Map<string, number[]>();
    const gapMs = 10;
    const pushes = (WARM_UP_SECONDS + seconds) * (1000 / gapMs);
    const first = performance.now();
    for (let i = 0; i < pushes; i++) {
      const rule = (i % relays) + 1;
      const round = Math.floor(i / relays);
      const on = round % 2 === 0;
      await pause(Math.max(0, first + i * gapMs - performance.now()));
      const command = `output ${rule} ${on ? 'on' : 'off'}`;
      sent.set(command, [...(sent.get(command) ?? []), performance.now()]);
      void push(thermalAlert({ rule, state: on ? 'active' : 'inactive', count: round + 1 }));
    }
    await pause(1_500);
    close();
    const warm = first + WARM_UP_SECONDS * 1000;
    const lateness: number[] = [];
    let slowestOfFirst = 0;
    let missing = 0;
    for (const [command, times] of sent) {
      const arrivals = moved.get(command) ?? [];
      for (const [turn, at] of times.entries()) {
        // A relay that is told off before its on has gone out is rightly not switched at all: that counts as missed.
        const before = times[turn + 1] ?? Number.POSITIVE_INFINITY;
        const arrival = arrivals.find((moment) => moment >= at && moment < before);
        if (arrival === undefined) missing++;
        else if (at >= warm) lateness.push(arrival - at);
        else slowestOfFirst = Math.max(slowestOfFirst, arrival - at);
      }
    }
    await site.kill('SIGTERM');
    await camera.close();
    lateness.sort((a, b) => a - b);
    return {
      commands: lateness.length,
      missing,
      slowestOfFirst,
      p50Ms: quantile(lateness, 0.5),
      p99Ms: quantile(lateness, 0.99),
    };
  });
}

/** One value of the site's metrics; 0 while it has none. */
async function metric(site: AlarmflowProcess, name: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', site.url))).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}

const doneLogs = (site: AlarmflowProcess): Promise<number> =>
  metric(site, 'alarmflow_actions_total{kind="log",status="done"}');

async function startQuietSite(dataDir: string, setting: SiteSetting, quietSeconds: number) {
  const files = await writeFlowFiles(linkageFlow({ devicePort: 9, relay: false, quietSeconds }));
  const start = (): Promise<AlarmflowProcess> =>
    startSite({
      args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0'],
      dataDir,
      env: { ...setting.env, ALARMFLOW_INGEST_RATE_PER_SECOND: '0', ALARMFLOW_LOG_LEVEL: 'error' },
    });
  return { start };
}

async function pushMany(url: string, count: number): Promise<number> {
  const { push, close } = pusher(url);
  let next = 1;
  let refused = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (next <= count) if ((await push(thermalAlert({ rule: next++ }))) !== 200) refused++;
    }),
  );
  close();
  return refused;
}

export interface ThroughputFigures {
  perSecond: number;
  lost: number;
  /** Processor time of the whole site for one alarm with its action, in milliseconds. */
  cpuMs: number;
}

/** Raises, each with one action, from the first push to the last outcome. */
export async function measureThroughput(setting: SiteSetting, alarms = 6_000): Promise<ThroughputFigures> {
  return await withFolder(async (dataDir) => {
    const { start } = await startQuietSite(dataDir, setting, 0);
    const site = await start();
    try {
      // An alarm that is active already is not raised again: its action would be waited for in vain.
      const live = await metric(site, 'alarmflow_alarms_live');
      if (live > 0) throw new Error(`the record has ${live} live alarms: a measurement needs a record of its own`);
      const url = await site.ingestUrl(DEVICE_NODE);
      const cpuBefore = await metric(site, 'process_cpu_seconds_total');
      const begun = performance.now();
      const refused = await pushMany(url, alarms);
      await eventually('every action to be done', async () => (await doneLogs(site)) >= alarms - refused, 120_000);
      const seconds = (performance.now() - begun) / 1000;
      const cpuSeconds = (await metric(site, 'process_cpu_seconds_total')) - cpuBefore;
      const done = alarms - refused;
      return { perSecond: done / seconds, lost: refused, cpuMs: (cpuSeconds * 1000) / done };
    } finally {
      await site.kill('SIGTERM');
    }
  });
}

export interface RestartFigures {
  timers: number;
  armedMs: number;
  kept: number;
}

/** Kills a site with many timers pending and measures until it is armed again. */
export async function measureRestart(setting: SiteSetting, timers = 10_000): Promise<RestartFigures> {
  return await withFolder(async (dataDir) => {
    const { start } = await startQuietSite(dataDir, setting, 3_600);
    const first = await start();
    await pushMany(await first.ingestUrl(DEVICE_NODE), timers);
    await eventually('every action to be done', async () => (await doneLogs(first)) >= timers, 120_000);
    await first.kill('SIGKILL');
    const begun = performance.now();
    const second = await start();
    const armedMs = performance.now() - begun;
    const kept = await metric(second, 'alarmflow_alarms_live');
    await second.kill('SIGTERM');
    return { timers, armedMs, kept };
  });
}

/** Kills the process in the middle of a mail and measures until the mail is tried again by the next. */
export async function measureRerun(setting: SiteSetting): Promise<{ rerunMs: number }> {
  return await withFolder(async (dataDir) => {
    let greetings = 0;
    // Takes the connection and never answers.
    const office = await openRudeServer(() => {
      greetings++;
    });
    const files = await writeFlowFiles(linkageFlow({ devicePort: 9, mailPort: office.port, relay: false, log: false }));
    const start = (): Promise<AlarmflowProcess> =>
      startSite({
        args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0'],
        dataDir,
        env: setting.env,
      });
    const first = await start();
    const { push, close } = pusher(await first.ingestUrl(DEVICE_NODE));
    await push(thermalAlert({ rule: 1 }));
    await eventually('the mail to be under way', () => greetings > 0);
    await first.kill('SIGKILL');
    const begun = performance.now();
    const before = greetings;
    const second = await start();
    await eventually('the mail to be tried again', () => greetings > before, 60_000);
    const rerunMs = performance.now() - begun;
    close();
    await second.kill('SIGKILL');
    await office.close();
    return { rerunMs };
  });
}

/** A camera that goes silent with its connection open. */
export async function measureDeadCamera(setting: SiteSetting): Promise<{ noticedMs: number }> {
  return await withFolder(async (dataDir) => {
    const camera = await startHikvisionSimulator({ ...deviceCredentials, model: 'thermal' });
    const files = await writeFlowFiles(linkageFlow({ devicePort: camera.port, receive: 'stream' }));
    const site = await startSite({
      args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0'],
      dataDir,
      env: setting.env,
    });
    const link = async (): Promise<string | undefined> => {
      const { devices } = await site.api<{ devices: { status: { link: string } }[] }>('/api/v1/devices');
      return devices[0]?.status.link;
    };
    await eventually('the camera to be online', async () => (await link()) === 'online');
    // Long enough for the driver to learn the camera's heart-beat.
    await pause(4_000);
    camera.faults.set('half-open', true);
    const begun = performance.now();
    await eventually('the camera to be missed', async () => (await link()) === 'offline', 60_000);
    const noticedMs = performance.now() - begun;
    await site.kill('SIGTERM');
    await camera.close();
    return { noticedMs };
  });
}
