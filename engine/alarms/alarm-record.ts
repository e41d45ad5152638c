import { randomBytes } from 'node:crypto';
import type { Alarm, AlarmMessage, AlarmPhase } from '../domain/alarms';
import { conditionType, type DeviceEvent, type EventLevel } from '../domain/events';
import type { FlowMessageRow } from '../domain/record';
import type { TriggerDefinition } from '../domain/triggers';

/** An event without its payload, as alarms and waiting conditions keep it. */
export type HeldEvent = Omit<DeviceEvent, 'raw'>;

export function withoutRaw(event: DeviceEvent): HeldEvent {
  const { raw: _raw, ...held } = event;
  return held;
}

const RANDOM_BYTES = 8;
/** Random bytes are fetched in bulk: one by one they cost more than the rest of a raise. */
let random = randomBytes(0);
let used = 0;

/** 16 hexadecimal digits that nobody can foresee. */
function randomDigits(): string {
  if (used === random.length) {
    random = randomBytes(512 * RANDOM_BYTES);
    used = 0;
  }
  used += RANDOM_BYTES;
  return random.toString('hex', used - RANDOM_BYTES, used);
}

/**
 * A new id for an alarm, sorting by the time of the raise (9 characters of time, 16 random). It is made once and kept
 * with the alarm; nothing of the raise can stand for it, because a clock that is set back lets one event raise again in
 * the same millisecond.
 */
export function newAlarmId(raisedAt: number): string {
  return `${Math.floor(raisedAt).toString(36).padStart(9, '0')}${randomDigits()}`;
}

/** One level of a topic: no separators or wildcards of MQTT, no blanks, no control characters. */
export function topicLevel(text: string): string {
  const slug = text
    .normalize('NFC')
    .trim()
    .replace(/[\s/+#$:\p{Cc}]+/gu, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 100);
  return slug === '' ? '-' : slug;
}

/** `site/device/channel/type`; an input stands in the channel's place as `input-3`, the device itself as `0`. */
export function topicOf(siteName: string, deviceName: string, event: HeldEvent): string {
  const place = event.channel !== undefined ? String(event.channel) : event.input ? `input-${event.input}` : '0';
  return [siteName, deviceName, place, conditionType(event.type)].map(topicLevel).join('/');
}

/** A new alarm as it is at its raise. */
export function raisedAlarm(options: {
  trigger: TriggerDefinition;
  key: string;
  at: number;
  level: EventLevel;
  count: number;
  event: HeldEvent;
  siteName: string;
  deviceName: string;
}): Alarm {
  const { trigger, key, at, level, count, event, siteName, deviceName } = options;
  return {
    id: newAlarmId(at),
    triggerId: trigger.id,
    triggerName: trigger.name,
    key,
    topic: topicOf(siteName, deviceName, event),
    deviceId: event.deviceId,
    deviceName,
    type: event.type,
    level,
    ...(event.channel !== undefined && { channel: event.channel }),
    ...(event.input !== undefined && { input: event.input }),
    ...(event.rule !== undefined && { rule: event.rule }),
    ...(event.target !== undefined && { target: event.target }),
    state: 'active',
    count,
    raisedAt: at,
    seenAt: at,
    clearedAt: null,
    endedAt: null,
    endReason: null,
    latched: trigger.policy.latched,
    acknowledgedAt: null,
    acknowledgedBy: null,
    event,
  };
}

/** Phases whose message says that the condition is on. */
const payloadOf: Record<AlarmPhase, boolean> = {
  raise: true,
  escalate: true,
  remind: true,
  clear: false,
  end: false,
};

/**
 * The message of a phase, as it is kept until the flow has surely had it. Its id is the same however often it is built.
 *
 * @param repetition which one of its phase it is; an alarm that came back clears more than once
 */
export function flowMessage(alarm: Alarm, phase: AlarmPhase, at: number, repetition = 1): FlowMessageRow {
  const messageId = repetition === 1 ? `${alarm.id}:${phase}` : `${alarm.id}:${phase}:${repetition}`;
  const message: AlarmMessage = {
    messageId,
    payload: payloadOf[phase],
    topic: alarm.topic,
    alarm: { ...alarm, phase, ...(phase === 'remind' && { reminder: repetition }) },
  };
  return { messageId, triggerId: alarm.triggerId, alarmId: alarm.id, createdAt: at, message };
}
