/** What bodies for machines may name: what people's texts may, with times in ISO 8601 and numbers as numbers beside. */
import { createHash } from 'node:crypto';
import { isoTime } from '../../clock/clock';
import type { ActionRow } from '../../domain/actions';
import type { AlarmLinks } from '../../domain/mail';
import { momentOf, templateValues } from '../alarm-values';

/** A text, a number, or null where the alarm does not say. */
export type MachineValues = ReadonlyMap<string, string | number | null>;

/** Names whose values are numbers, where a format tells numbers from texts. */
const numbers: ReadonlySet<string> = new Set(['alarm.channel', 'alarm.count', 'heldBackCount']);

/**
 * The identity of a row towards other machines, in the form of a UUID: the same at every try, so that a receiver can
 * tell a repetition from a second alarm (Idempotency-Key).
 */
export function idempotencyKey(row: Pick<ActionRow, 'key'>): string {
  const hex = createHash('sha256').update(`alarmflow:${row.key}`).digest('hex').slice(0, 32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const iso = (at: number | null | undefined): string | null => (at === null || at === undefined ? null : isoTime(at));

/** Whether the condition that the row speaks of is there, as machines ask for it. */
export const isActive = ({ phase }: Pick<ActionRow, 'phase'>): boolean => phase !== 'clear' && phase !== 'end';

/**
 * @param test a person pressed the test button
 * @param links with which a reader answers the alarm; null: none are to be had
 */
export function machineValues(
  row: ActionRow,
  siteName: string,
  test: boolean,
  links: AlarmLinks | null = null,
): MachineValues {
  const { alarm } = row;
  const temperatures = [
    alarm?.event?.temperature,
    ...(alarm?.event?.regions ?? []).map((region) => region.temperature),
  ];
  const temperature = temperatures.find((one) => one?.value !== undefined) ?? temperatures.find(Boolean);
  const values = new Map<string, string | number | null>();
  for (const [name, value] of templateValues(row, siteName))
    values.set(name, value !== null && numbers.has(name) ? Number(value) : value);
  const more: [string, string | number | null][] = [
    ['id', idempotencyKey(row)],
    ['test', test ? 'true' : 'false'],
    ['active', isActive(row) ? 'true' : 'false'],
    ['isoTime', iso(momentOf(row))],
    ['epoch', Math.floor(momentOf(row) / 1_000)],
    ['alarm.isoRaisedAt', iso(alarm?.raisedAt)],
    ['alarm.isoSeenAt', iso(alarm?.seenAt)],
    ['alarm.isoClearedAt', iso(alarm?.clearedAt)],
    ['alarm.isoEndedAt', iso(alarm?.endedAt)],
    ['temperatureValue', temperature?.value ?? null],
    ['temperatureThreshold', temperature?.threshold ?? null],
    ['temperatureUnit', temperature?.unit ?? null],
    ['links.acknowledge', links?.acknowledge ?? null],
    ['links.snooze', links?.snooze ?? null],
    ['links.falseAlarm', links?.falseAlarm ?? null],
  ];
  for (const [name, value] of more) values.set(name, value);
  return values;
}

/** Names that a template may use, for its check before there is an alarm. */
export const nothingKnown: MachineValues = new Map();
