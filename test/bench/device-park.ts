/**
 * A park of simulated devices in a process of its own, so that the measured site has its processor to itself. Parent
 * and park talk over the IPC channel: see `ParkOrder` and `ParkReport`. All times are taken here, on one clock: when
 * a device spoke, and when the relay that its alarm moves got the command.
 */
import { Agent, request } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startDahuaSimulator } from '../../engine/drivers/dahua';
import { startHikvisionSimulator } from '../../engine/drivers/hikvision';
import { startHttpPushSimulator } from '../../engine/drivers/http-push';
import { startModbusSimulator } from '../../engine/drivers/modbus';
import { startOnvifSimulator } from '../../engine/drivers/onvif';
import { startVivotekSimulator } from '../../engine/drivers/vivotek';
import { deviceCredentials, thermalAlert } from '../support/linkage-flow';

/** How a camera floods: one condition told again and again, or ever other conditions that begin and end. */
export type FloodKind = 'repeats' | 'edges';
export interface Flood {
  by: 'stream' | 'push';
  kind: FloodKind;
  perSecond: number;
}

export type ParkOrder =
  /** Where each device pushes, by its id. */
  | { targets: Record<string, string> }
  | { flood: Flood | null }
  /** Every source reports a start and an end in turns, spread over the time. */
  | { measure: { seconds: number; perSecond: number } };

export interface ParkDevice {
  id: string;
  /** As it is counted in figures; `hikvision push` is another than `hikvision`. */
  group: string;
  driver: string;
  receive: 'stream' | 'push' | 'both';
  port: number;
  login: boolean;
}

export interface ParkFigures {
  /** Milliseconds from the device's word to the command at the relay, by group. */
  lateness: Record<string, number[]>;
  /** Reports whose command never came. */
  missing: number;
  /** Flooding events sent while it was measured, and pushes of them that were refused or failed. */
  flooded: number;
  refused: number;
  /** Delays of this process' own event loop, p99, in milliseconds: what is above the product's share. */
  ownP99Ms: number;
}

export type ParkReport = { ready: { relay: ParkDevice; flooding: ParkDevice; sources: ParkDevice[] } } | ParkFigures;

interface Source extends ParkDevice {
  report(active: boolean): unknown;
  target?(url: string): void;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const counts = { hikvision: 12, 'hikvision push': 10, dahua: 10, onvif: 10, vivotek: 8, 'http-push': 8, modbus: 4 };
const FLOOD_CONNECTIONS = 8;
const LONGEST_LATENESS_MS = 3_000;

async function source(group: string, id: string): Promise<Source> {
  const device = { id, group, driver: group, receive: 'stream' as const, login: true };
  switch (group) {
    case 'dahua': {
      const sim = await startDahuaSimulator({ ...deviceCredentials });
      return { ...device, port: sim.port, report: (active) => sim.setInput(0, active) };
    }
    case 'onvif': {
      const sim = await startOnvifSimulator({ ...deviceCredentials });
      const token = sim.state().inputs[0]!.token;
      return { ...device, port: sim.port, report: (active) => sim.setInput(token, active) };
    }
    case 'vivotek': {
      const sim = await startVivotekSimulator({ ...deviceCredentials });
      return {
        ...device,
        receive: 'push',
        port: sim.port,
        report: (active) => sim.fire({ event: 'di', phase: active ? 'start' : 'stop', medium: 'none' }),
        target: (url) => sim.setTarget(url),
      };
    }
    case 'http-push': {
      const sim = await startHttpPushSimulator();
      return {
        ...device,
        receive: 'push',
        login: false,
        port: 80,
        report: (active) => sim.fire('json', { type: 'digital-input', phase: active ? 'start' : 'stop' }),
        target: (url) => sim.setTarget(url),
      };
    }
    case 'modbus': {
      const sim = await startModbusSimulator();
      return { ...device, login: false, port: sim.port, report: (active) => sim.setInput(1, active) };
    }
    default: {
      const byPush = group === 'hikvision push';
      const sim = await startHikvisionSimulator({ ...deviceCredentials });
      return {
        ...device,
        driver: 'hikvision',
        receive: byPush ? 'push' : 'stream',
        port: sim.port,
        report: (active) => sim.fire({ scene: 'alarm-input', input: 1, state: active ? 'active' : 'inactive' }),
        ...(byPush ? { target: (url: string) => sim.addListener(url) } : {}),
      };
    }
  }
}

async function main(): Promise<void> {
  const sources: Source[] = [];
  for (const [group, count] of Object.entries(counts))
    for (let n = 1; n <= count; n++) sources.push(await source(group, `source-${sources.length + 1}`));

  const moved = new Map<string, number[]>();
  const relay = await startHikvisionSimulator({
    ...deviceCredentials,
    outputs: sources.length,
    onCommand(command) {
      const times = moved.get(command);
      if (times) times.push(performance.now());
      else moved.set(command, [performance.now()]);
    },
  });
  const flooding = await startHikvisionSimulator({ ...deviceCredentials, model: 'thermal' });

  let floodUrl = '';
  let flood: Flood | null = null;
  let flooded = 0;
  let refused = 0;

  /** One alert of the flood: rule 1 over and over, or 200 rules that begin and end in turns. */
  const alert = (kind: FloodKind, n: number): string =>
    kind === 'repeats'
      ? thermalAlert({ rule: 1, count: n + 1 })
      : thermalAlert({ rule: (n % 200) + 1, state: Math.floor(n / 200) % 2 === 0 ? 'active' : 'inactive' });

  async function runFlood(mine: Flood): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: FLOOD_CONNECTIONS });
    const begun = performance.now();
    let under = 0;
    for (let n = 0; flood === mine; ) {
      const due = Math.floor(((performance.now() - begun) / 1000) * mine.perSecond);
      for (; n < due; n++) {
        const text = alert(mine.kind, n);
        if (mine.by === 'stream') {
          flooding.fireRaw(text);
          flooded++;
          continue;
        }
        // A camera holds only so much: what it cannot get rid of it forgets.
        if (under >= 500) continue;
        under++;
        flooded++;
        const outgoing = request(floodUrl, { method: 'POST', agent }, (answer) => {
          if (answer.statusCode !== 200) refused++;
          answer.resume();
          answer.on('close', () => under--);
        });
        outgoing.on('error', () => {
          refused++;
          under--;
        });
        outgoing.end(text);
      }
      await pause(2);
    }
    agent.destroy();
  }

  async function measure(seconds: number, perSecond: number): Promise<ParkFigures> {
    const own = monitorEventLoopDelay({ resolution: 1 });
    own.enable();
    moved.clear();
    flooded = 0;
    refused = 0;
    const sent: { group: string; command: string; at: number }[] = [];
    const begun = performance.now();
    // Whole rounds of a start and an end each: the next measurement begins with starts again.
    const round = 2 * sources.length;
    const reports = Math.max(1, Math.round((seconds * perSecond) / round)) * round;
    for (let i = 0; i < reports; i++) {
      await pause(Math.max(0, begun + (i * 1000) / perSecond - performance.now()));
      const at = i % sources.length;
      const one = sources[at]!;
      const active = Math.floor(i / sources.length) % 2 === 0;
      sent.push({ group: one.group, command: `output ${at + 1} ${active ? 'on' : 'off'}`, at: performance.now() });
      Promise.resolve(one.report(active)).catch(() => undefined);
    }
    await pause(LONGEST_LATENESS_MS);
    own.disable();
    const lateness: Record<string, number[]> = {};
    let missing = 0;
    for (const { group, command, at } of sent) {
      const arrival = (moved.get(command) ?? []).find((time) => time >= at && time - at < LONGEST_LATENESS_MS);
      if (arrival === undefined) missing++;
      else lateness[group] = [...(lateness[group] ?? []), arrival - at];
    }
    return { lateness, missing, flooded, refused, ownP99Ms: own.percentile(99) / 1e6 };
  }

  const tell = (report: ParkReport): void => void process.send?.(report);
  process.on('message', (order: ParkOrder) => {
    if ('targets' in order) {
      for (const one of sources) one.target?.(order.targets[one.id] ?? '');
      floodUrl = order.targets.flooding ?? '';
    } else if ('flood' in order) {
      flood = order.flood;
      if (flood) void runFlood(flood);
    } else void measure(order.measure.seconds, order.measure.perSecond).then(tell);
  });
  process.once('disconnect', () => process.exit(0));
  const camera = { group: 'hikvision', driver: 'hikvision', receive: 'stream' as const, login: true };
  tell({
    ready: {
      relay: { ...camera, id: 'relay-board', port: relay.port },
      flooding: { ...camera, id: 'flooding', receive: 'both', port: flooding.port },
      sources: sources.map(({ report: _report, target: _target, ...plain }) => plain),
    },
  });
}

void main();
