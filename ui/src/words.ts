/** Words and times for people. */
import type { ActionRow, Alarm, DeviceRow, ExplainedEvent, GateCheck, Words } from '../../engine/host/console-api';

let typeWords: Readonly<Record<string, string>> = {};

/** Takes the engine's words for event types; called once before anything is shown. */
export function learnWords(words: Words): void {
  typeWords = words.types;
}

/** Names and labels of the event types that all makers share, as people look for them. */
export const knownTypes = (): [name: string, label: string][] =>
  Object.entries(typeWords).sort(([, a], [, b]) => a.localeCompare(b));

/** A maker's own event stays as the device spells it. */
export const typeLabel = (type: string): string => typeWords[type] ?? type.replace(/^vendor:/, '');

export function place(where: { channel?: number; input?: string; rule?: string }): string {
  return [
    where.channel === undefined ? null : `channel ${where.channel}`,
    where.input === undefined ? null : `input ${where.input}`,
    where.rule === undefined ? null : `rule ${where.rule}`,
  ]
    .filter((part) => part !== null)
    .join(' · ');
}

const units = { celsius: '°C', fahrenheit: '°F', kelvin: 'K' } as const;

export function temperature(alarm: Alarm['event']): string | null {
  const reading = alarm.temperature;
  if (reading?.value === undefined) return null;
  const limit = reading.threshold === undefined ? '' : ` (limit ${reading.threshold} ${units[reading.unit]})`;
  return `${reading.value} ${units[reading.unit]}${limit}`;
}

export const clockTime = (ms: number): string =>
  new Date(ms).toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });

export const dayAndTime = (ms: number): string =>
  new Date(ms).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });

/** The time of day of a moment, with its day where that is another than the one it is told of. */
export const moment = (ms: number, beside: number): string =>
  new Date(ms).toDateString() === new Date(beside).toDateString() ? `at ${clockTime(ms)}` : dayAndTime(ms);

/** "12 s", "3 min 5 s", "2 h 4 min", "3 d 2 h". */
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

export type Tone = 'alarm' | 'warn' | 'good' | 'quiet';

export function alarmTone(alarm: Alarm): Tone {
  if (alarm.endedAt !== null) return 'quiet';
  if (alarm.state === 'clearing') return 'good';
  return alarm.level === 'pre-alarm' || alarm.state === 'pending' ? 'warn' : 'alarm';
}

export function alarmState(alarm: Alarm): string {
  if (alarm.endedAt !== null) return 'ended';
  if (alarm.state === 'clearing')
    return alarm.latched && alarm.acknowledgedAt === null ? 'cleared, latched' : 'cleared, post-alarm';
  return alarm.level === 'pre-alarm' ? 'pre-alarm' : alarm.state;
}

const outcomeWords: Record<string, { word: string; tone: Tone }> = {
  raised: { word: 'raised', tone: 'alarm' },
  escalated: { word: 'escalated', tone: 'alarm' },
  merged: { word: 'merged', tone: 'warn' },
  pending: { word: 'pending', tone: 'warn' },
  refused: { word: 'refused', tone: 'quiet' },
  cleared: { word: 'cleared', tone: 'good' },
  clearing: { word: 'clearing', tone: 'good' },
  ended: { word: 'ended', tone: 'good' },
  reminded: { word: 'reminded', tone: 'warn' },
  acknowledged: { word: 'acknowledged', tone: 'good' },
  'no-trigger': { word: 'no trigger', tone: 'quiet' },
  'no-alarm': { word: 'no alarm', tone: 'quiet' },
  noted: { word: 'note', tone: 'warn' },
};

export const gateLabel = (gate: GateCheck['gate']): string => gateWords[gate];

export const outcomeLabel = (outcome: string): string => outcomeWords[outcome]?.word ?? outcome;

/** Gates are called after what they refuse; beside a tick that would say the opposite of what is meant. */
const gateWords: Record<GateCheck['gate'], string> = {
  disabled: 'switch',
  filter: 'filter',
  late: 'lateness',
  duplicate: 'duplicates',
  shelved: 'shelf',
  disarmed: 'arming',
  'not-armed': 'schedule',
  'on-delay': 'filtering',
  'anti-dither': 'anti-dither',
  'entry-delay': 'entry delay',
  flood: 'flood',
};

/** The order in which the gates ask: of two refusals, that of the trigger which was nearer to its alarm says more. */
const gateOrder = Object.keys(gateWords);

/** The chip of an event: the strongest outcome among its decisions. */
export function fate({ decisions }: ExplainedEvent): { word: string; tone: Tone } {
  const order = ['raised', 'escalated', 'merged', 'pending', 'cleared', 'clearing', 'ended', 'refused'];
  const best = [...decisions].sort(
    (a, b) =>
      rank(order, a.outcome) - rank(order, b.outcome) ||
      gateOrder.indexOf(b.reason ?? '') - gateOrder.indexOf(a.reason ?? ''),
  )[0];
  if (!best) return { word: 'no trigger', tone: 'quiet' };
  const { word, tone } = outcomeWords[best.outcome] ?? { word: best.outcome, tone: 'quiet' as const };
  return best.outcome === 'refused' ? { word: `refused: ${best.reason}`, tone } : { word, tone };
}

function rank(order: string[], outcome: string): number {
  const index = order.indexOf(outcome);
  return index < 0 ? order.length : index;
}

export function linkTone(device: DeviceRow): Tone {
  if (device.status.link === 'online') return 'good';
  return device.status.link === 'connecting' ? 'warn' : 'alarm';
}

export function actionTone(action: ActionRow): Tone {
  if (action.status === 'done') return 'good';
  if (action.status === 'failed' || action.status === 'expired') return 'alarm';
  return action.status === 'retrying' ? 'warn' : 'quiet';
}

const actionWords: Record<string, string> = {
  email: 'E-mail',
  'ptz-preset': 'PTZ preset',
  snapshot: 'Snapshot',
  record: 'Recording',
  'record-clip': 'Clip',
  log: 'Log',
  notify: 'Notice to alarm centre',
  'mqtt-publish': 'MQTT message',
  'modbus-write': 'Modbus write',
  'device-trigger': 'Device trigger',
  'sftp-upload': 'Upload',
  upload: 'Upload',
  'snmp-trap': 'SNMP',
  'show-message': 'Message',
  'web-push': 'Web push',
};

const took = (ms: number): string => (ms < 100 ? `${Math.ceil(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** What of an action's outcome is told beside its status: error, tries, time. */
export function actionFigures({
  errorCode,
  attempts,
  durationMs,
}: Pick<ActionRow, 'errorCode' | 'attempts' | 'durationMs'>): string {
  const parts = [
    errorCode ?? '',
    attempts > 1 ? `${attempts} tries` : '',
    attempts > 0 && durationMs ? took(durationMs) : '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

export const actionLabel = (action: ActionRow): string => actionWords[action.kind] ?? action.kind;

const MOST_HOLDERS = 3;

/** Many alarms hold a buzzer at once in a flood: each name once, and no more than fit into a line or two. */
export function holdersInShort(labels: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const groups = [...counts];
  const named = groups
    .slice(0, MOST_HOLDERS)
    .map(([label, count]) => (count > 1 ? `${label} × ${count}` : label))
    .join(', ');
  const rest = groups.slice(MOST_HOLDERS).reduce((sum, [, count]) => sum + count, 0);
  return rest === 0 ? named : `${named} and ${rest} more`;
}
