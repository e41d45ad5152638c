import type { ActionRow } from '../domain/actions';
import { eventTypeLabel } from '../domain/event-words';
import type { EventTemperature } from '../domain/events';
import { unitSign } from '../domain/temperature';
import { heldBackLines, heldBackOf } from './held-back';
import { localTime } from './local-time';
import { phaseWord, stepWord } from './phase-words';
import { oneLine, type TemplateValues } from './template';

const degrees = (temperature: EventTemperature | undefined, value: number | undefined): string | null =>
  temperature && value !== undefined ? `${Math.round(value * 10) / 10} ${unitSign[temperature.unit]}` : null;

/** `2 h 5 min`, `48 s`. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The moment that the phase speaks of; the same at every try. */
export function momentOf(row: ActionRow): number {
  const { alarm } = row;
  if (!alarm) return row.requestedAt;
  if (row.phase === 'raise') return alarm.raisedAt;
  if (row.phase === 'clear') return alarm.clearedAt ?? row.requestedAt;
  if (row.phase === 'end') return alarm.endedAt ?? row.requestedAt;
  return row.phase === 'escalate' ? alarm.seenAt : row.requestedAt;
}

/** Whose value is made by us and has several lines. */
const LISTS: ReadonlySet<string> = new Set(['heldBack']);

/**
 * What templates may name; null where the alarm does not say. Each is one line: a name or a description that a device
 * sends must not look like lines of ours, with a link of its own among them.
 */
export const templateValues = (row: ActionRow, siteName: string): TemplateValues =>
  new Map(
    [...rawValues(row, siteName)].map(([name, value]): [string, string | null] => [
      name,
      value === null || LISTS.has(name) ? value : oneLine(value) || null,
    ]),
  );

function rawValues(row: ActionRow, siteName: string): TemplateValues {
  const { alarm } = row;
  const moment = momentOf(row);
  const heldBack = heldBackOf(row);
  const event = alarm?.event;
  const measured = [event?.temperature, ...(event?.regions ?? []).map((region) => region.temperature)];
  const temperature = measured.find((one) => one?.value !== undefined) ?? measured.find((one) => one !== undefined);
  const last = alarm?.endedAt ?? alarm?.clearedAt ?? null;
  const time = (at: number | null | undefined): string | null =>
    at === null || at === undefined ? null : localTime(at);
  return new Map<string, string | null>([
    ['site', siteName],
    ['node', row.nodeName || row.nodeId],
    ['phase', row.phase],
    ['phaseText', stepWord(row) ?? phaseWord(row.phase)],
    ['time', localTime(moment)],
    // Fit for file names: no colons, no blanks.
    ['date', localTime(moment).slice(0, 10)],
    ['clock', localTime(moment).slice(11, 19).replaceAll(':', '-')],
    ['heldBack', heldBack === null ? null : heldBackLines(heldBack).join('\n')],
    ['heldBackCount', heldBack === null ? null : String(heldBack.count)],
    ['temperature', degrees(temperature, temperature?.value)],
    ['threshold', degrees(temperature, temperature?.threshold)],
    ['duration', alarm && last !== null ? duration(last - alarm.raisedAt) : null],
    ['alarm.id', alarm?.id ?? null],
    ['alarm.triggerName', alarm?.triggerName ?? null],
    ['alarm.topic', alarm?.topic ?? null],
    ['alarm.deviceId', alarm?.deviceId ?? null],
    ['alarm.deviceName', alarm?.deviceName ?? null],
    ['alarm.type', alarm?.type ?? null],
    ['alarm.typeText', alarm ? eventTypeLabel(alarm.type) : null],
    ['alarm.level', alarm?.level ?? null],
    ['alarm.channel', alarm?.channel === undefined ? null : String(alarm.channel)],
    ['alarm.channelName', event?.channelName || null],
    ['alarm.input', alarm?.input ?? null],
    ['alarm.rule', alarm?.rule ?? null],
    ['alarm.target', alarm?.target ?? null],
    ['alarm.state', alarm?.state ?? null],
    ['alarm.count', alarm ? String(alarm.count) : null],
    ['alarm.description', event?.description || null],
    ['alarm.raisedAt', time(alarm?.raisedAt)],
    ['alarm.seenAt', time(alarm?.seenAt)],
    ['alarm.clearedAt', time(alarm?.clearedAt)],
    ['alarm.endedAt', time(alarm?.endedAt)],
    ['alarm.endReason', alarm?.endReason ?? null],
    ['alarm.acknowledgedBy', alarm?.acknowledgedBy ?? null],
  ]);
}
