/** What a health mail tells of the site. Nothing here may fail: what cannot be told is told so. */
import { statfs } from 'node:fs/promises';
import type { ActionRow } from '../domain/actions';
import type { Alarm } from '../domain/alarms';
import type { ArmingRow } from '../domain/arming';
import type { DeviceDefinition, DeviceStatus } from '../domain/devices';
import { asAlarmflowError } from '../domain/errors';
import type { HealthReport } from '../domain/mail';
import type { OutputState } from '../domain/outputs';

/** Rows looked at for one report. */
const MOST_ROWS = 1_000;
/** Entries of one list at most; their count is told in full. */
const MOST_LISTED = 50;
const LONGEST_DETAIL = 300;

export interface HealthReportParts {
  now(): number;
  dataDir: string;
  devices(): DeviceDefinition[];
  deviceStatus(id: string): DeviceStatus | null;
  deviceName(id: string): string;
  outputs(): OutputState[];
  armingRows(): ArmingRow[];
  liveAlarms(): Alarm[];
  alarms(limit: number): Promise<Alarm[]>;
  failedActions(limit: number): Promise<ActionRow[]>;
  queue(): Promise<{ waiting: number; active: number; delayed: number; warnings: string[] }>;
  broken(): string | null;
}

const short = (text: string): string => text.slice(0, LONGEST_DETAIL);

export async function makeHealthReport(
  parts: HealthReportParts,
  since: number,
  everyMs: number,
): Promise<HealthReport> {
  const problems: string[] = [];
  const told = async <T>(what: string, ask: () => T | Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await ask();
    } catch (thrown) {
      problems.push(`${what} could not be read: ${short(asAlarmflowError(thrown).message)}`);
      return otherwise;
    }
  };

  const broken = parts.broken();
  if (broken !== null) problems.push(short(broken));
  const devices = await told('The devices', () => parts.devices(), []);
  const away = devices.flatMap((device) => {
    const status = parts.deviceStatus(device.id);
    return status?.link === 'online'
      ? []
      : [{ name: device.name || device.host, detail: short(status?.detail ?? 'not connected yet') }];
  });
  const outputs = await told('The outputs', () => parts.outputs(), []);
  const unconfirmed = outputs
    .filter(({ confirmed, desired }) => confirmed !== desired)
    .map(({ deviceId, name, output, desired, lastError }) => ({
      name: `${parts.deviceName(deviceId)}, ${name || output}`,
      detail: short(`should be ${desired ? 'on' : 'off'}${lastError ? `: ${lastError}` : ''}`),
    }));
  const failed = (await told('The failed actions', () => parts.failedActions(MOST_ROWS), [])).filter(
    ({ finishedAt }) => finishedAt !== null && finishedAt >= since,
  );
  const queue = await told('The queue', () => parts.queue(), { waiting: 0, active: 0, delayed: 0, warnings: [] });
  problems.push(...queue.warnings.map(short));
  const disk = await told<HealthReport['disk']>(
    'The disk',
    async () => {
      const { bavail, blocks, bsize } = await statfs(parts.dataDir);
      return { free: bavail * bsize, total: blocks * bsize };
    },
    null,
  );
  const arming = await told('The arming', () => parts.armingRows(), []);
  const raised = (await told('The alarms', () => parts.alarms(MOST_ROWS), [])).filter(
    ({ raisedAt }) => raisedAt >= since,
  );
  if (raised.length === MOST_ROWS) problems.push(`There were more than ${MOST_ROWS} alarms: only the last are counted`);
  return {
    at: parts.now(),
    since,
    everyMs,
    arming: arming
      .filter(({ subject }) => subject.scope === 'site' || subject.scope === 'area')
      .slice(0, MOST_LISTED)
      .map(({ name, detail }) => short(`${name}: ${detail}`)),
    devices: devices.length,
    away: away.slice(0, MOST_LISTED),
    outputs: outputs.length,
    unconfirmed: unconfirmed.slice(0, MOST_LISTED),
    failed: failed.slice(0, MOST_LISTED).map(({ nodeName, nodeId, summary }) => ({
      name: nodeName || nodeId,
      detail: short(summary ?? 'failed'),
    })),
    failedCount: failed.length,
    waiting: queue.waiting + queue.delayed,
    disk,
    alarms: byType(raised),
    live: parts.liveAlarms().length,
    problems,
  };
}

/** @param alarms newest first */
function byType(alarms: Alarm[]): HealthReport['alarms'] {
  const types = new Map<string, HealthReport['alarms'][number]>();
  for (const { type, raisedAt, deviceName } of alarms) {
    const known = types.get(type);
    if (known) known.count++;
    else types.set(type, { type, count: 1, last: { at: raisedAt, deviceName } });
  }
  return [...types.values()].sort((a, b) => b.count - a.count).slice(0, MOST_LISTED);
}
