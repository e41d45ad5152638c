import { DEFAULT_PRIORITY, type HoldPolicy, type OutputKind, type OutputManner, userError } from '../../engine/index';
import { readDryRun } from './action-node';
import type { NodeKind, NodeSite } from './define-node';
import type { Fields } from './fields';
import { alarmOf, conditionOf, messageIdOf, topicOf } from './messages';
import type { Migration } from './migrations';
import { testable } from './node-test';
import type { FlowMessage, RawConfig } from './runtime-api';

/** REQUIREMENTS M4: alarm output time 0–86400 s. */
const MAX_SECONDS = 86_400;
/** Targets of one node. */
export const MOST_TARGETS = 64;

/** Defaults of the dialog parts `hold` and `priority`. */
export const heldDefaults = {
  hold: 'after-clear',
  onTime: 10,
  postAlarm: 10,
  untilCleared: false,
  cap: '',
  priority: DEFAULT_PRIORITY,
  dryRun: false,
};

/** The dialog part `hold`. */
export function readHold(fields: Fields): HoldPolicy {
  const afterClearMs = fields.seconds('postAlarm', 'Post-alarm', 0, MAX_SECONDS);
  const cap = fields.number('cap', 'Longest time on', { min: 1, max: MAX_SECONDS, unit: 'seconds', optional: true });
  const kind = fields.choice('hold', 'Hold', ['after-clear', 'fixed', 'extended'] as const);
  const onMs = fields.seconds('onTime', 'Alarm output time', 0, MAX_SECONDS);
  return {
    afterClearMs: fields.flag('untilCleared', 'Until cleared') ? null : afterClearMs,
    capMs: cap === null ? null : Math.round(cap * 1000),
    ...(kind === 'after-clear' ? {} : { kind, onMs }),
  };
}

/** The dialog part `priority`. */
const readPriority = (fields: Fields): number =>
  fields.number('priority', 'Priority', { min: 0, max: 100, integer: true });

/** One row of a node's list of targets. */
export interface TargetRow {
  deviceId: string;
  /** What else the row says. */
  given: Record<string, unknown>;
}

/**
 * The list of a dialog's targets. Rows whose device is gone are left out and kept as issues, so that the others go on
 * working; when all are gone the node cannot mean anything.
 *
 * @param local ids of devices that belong to the site and not to the flow
 */
export function readTargets(fields: Fields, label: string, local: readonly string[] = []): TargetRow[] {
  const value = fields.raw('targets');
  const least = `a list of 1 to ${MOST_TARGETS}`;
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_TARGETS) fields.refuse(label, value, least);
  const rows = value.map((row: unknown): TargetRow => {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) fields.refuse(label, row, least);
    const { device, ...given } = row as Record<string, unknown>;
    if (typeof device !== 'string' || device === '' || device.length > 64)
      fields.refuse(label, row, 'a list in which each entry names a device');
    return { deviceId: device, given };
  });
  const there = rows.filter(
    ({ deviceId }) => local.includes(deviceId) || fields.isThere(deviceId, 'Device', 'alarmflow-device'),
  );
  const [gone] = fields.issues;
  if (there.length === 0 && gone !== undefined) throw userError('E_REFERENCE_GONE', gone);
  return there;
}

/** A text or number of a row; '' when absent. */
export function rowText(fields: Fields, label: string, value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (value ?? '');
  if (typeof text !== 'string' || text.trim().length > 64)
    fields.refuse(label, value, 'a text of at most 64 characters');
  return text.trim();
}

/** A whole number of a row. */
export function rowNumber(fields: Fields, label: string, value: unknown, least: number, most: number): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > most)
    fields.refuse(label, value, `a whole number from ${least} to ${most}`);
  return number;
}

/** An output that a node holds. */
export interface HeldTarget {
  deviceId: string;
  kind: OutputKind;
  output: string;
  manner: OutputManner;
}

export interface HeldConfig {
  name: string;
  targets: HeldTarget[];
  hold: HoldPolicy;
  priority: number;
  dryRun?: true;
}

/**
 * A node that holds outputs while an alarm lasts. The leases follow their alarm inside the engine: clear, end and
 * reminders need no command of their own. A plain message holds them while its payload is true.
 */
export const heldKind = (kind: {
  type: string;
  title: string;
  defaults: Readonly<RawConfig>;
  migrations: readonly Migration[];
  /** How the dialog calls the list of targets. */
  label: string;
  read(fields: Fields, label: string): Pick<HeldConfig, 'name' | 'targets'>;
}): NodeKind<HeldConfig> =>
  testable(
    {
      type: kind.type,
      title: kind.title,
      defaults: kind.defaults,
      migrations: kind.migrations,
      read: (fields) => ({
        ...once(fields, kind.label, kind.read(fields, kind.label)),
        hold: readHold(fields),
        priority: readPriority(fields),
        ...readDryRun(fields),
      }),
      async start({ name, targets, priority, dryRun }, site) {
        const all = targets.map((target) =>
          site.engine.defineOutput({ nodeId: site.id, name, priority, ...target, ...(dryRun ? { dryRun } : {}) }),
        );
        await everyOne(all);
      },
      async input(message, config, site) {
        await hold(message, config, site);
        return message;
      },
    },
    ({ targets, dryRun }) => targets.map((target) => ({ output: { ...target, ...(dryRun ? { dryRun } : {}) } })),
  );

/** What one node asks of one output twice would be a riddle: the first row would count. */
function once<T extends Pick<HeldConfig, 'targets'>>(fields: Fields, label: string, config: T): T {
  const names = config.targets.map(({ deviceId, output, manner }) =>
    JSON.stringify([deviceId, output, manner.move?.move === 'aux' ? manner.move.number : null]),
  );
  const twice = config.targets.find((_target, at) => names.indexOf(names[at]!) !== at);
  if (twice) fields.refuse(label, `${twice.deviceId}, ${twice.output}`, 'a list that has each target once');
  return config;
}

async function hold(message: FlowMessage, config: HeldConfig, site: NodeSite): Promise<void> {
  const alarm = alarmOf(message, site.subject);
  if (alarm && alarm.phase !== 'raise' && alarm.phase !== 'escalate') return;
  const asked = {
    nodeId: site.id,
    nodeName: config.name,
    alarm,
    messageId: messageIdOf(message, site.subject),
    condition: alarm ? true : conditionOf(message.payload, site.subject),
    topic: alarm ? alarm.topic : topicOf(message, site.subject),
    hold: config.hold,
    priority: config.priority,
    ...(config.dryRun ? { dryRun: true } : {}),
  };
  await everyOne(config.targets.map((target) => site.engine.requestOutput({ ...asked, ...target })));
}

/** One target that fails must not keep the others from being asked; the first failure is told. */
async function everyOne(work: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(work);
  for (const one of settled) if (one.status === 'rejected') throw one.reason;
}
