import { type AlarmMessage, type AlarmPhase, jsonCopy, userError } from '../../engine/index';
import type { FlowMessage } from './runtime-api';

const phases: readonly AlarmPhase[] = ['raise', 'escalate', 'remind', 'clear', 'end'];

/** An alarm's message as it goes along the wire; a copy, because downstream nodes may change what they are given. */
export const toFlowMessage = (message: AlarmMessage): FlowMessage => ({
  _msgid: message.messageId,
  payload: message.payload,
  topic: message.topic,
  alarm: jsonCopy(message.alarm),
});

/**
 * The alarm of a message, or null for a plain message.
 * Throws a user error for a `msg.alarm` that alarmflow cannot have made, because acting on half of one is worse.
 */
export function alarmOf(message: FlowMessage, subject: string): AlarmMessage['alarm'] | null {
  const { alarm } = message;
  if (alarm === undefined || alarm === null) return null;
  const candidate = alarm as Partial<AlarmMessage['alarm']>;
  if (
    typeof alarm !== 'object' ||
    typeof candidate.id !== 'string' ||
    candidate.id === '' ||
    typeof candidate.deviceId !== 'string' ||
    !phases.some((phase) => phase === candidate.phase)
  )
    throw userError(
      'E_BAD_ALARM',
      `${subject} got a message whose msg.alarm is not an alarm of alarmflow: leave msg.alarm as the trigger made it, or delete it to send a plain message`,
    );
  return alarm as AlarmMessage['alarm'];
}

const trueForms: readonly unknown[] = [true, 1, 'true', 'on', '1'];
const falseForms: readonly unknown[] = [false, 0, 'false', 'off', '0'];

/** The condition that a payload tells: true/false, 1/0, "true"/"false", "on"/"off", "1"/"0" in any case of letters. */
export function conditionOf(payload: unknown, subject: string): boolean {
  const form = typeof payload === 'string' ? payload.trim().toLowerCase() : payload;
  if (trueForms.includes(form)) return true;
  if (falseForms.includes(form)) return false;
  const found = payload === undefined ? 'no payload' : `the payload ${JSON.stringify(payload)?.slice(0, 60)}`;
  throw userError(
    'E_BAD_PAYLOAD',
    `${subject} got ${found}; it understands true/false, 1/0 and "on"/"off": set msg.payload to one of these, for example with a change node`,
  );
}

/** `msg.topic` as the name of a condition; '' when there is none. */
export function topicOf(message: FlowMessage, subject: string): string {
  const { topic } = message;
  if (topic === undefined || topic === null) return '';
  if (typeof topic !== 'string' && typeof topic !== 'number')
    throw userError(
      'E_BAD_TOPIC',
      `${subject} got a msg.topic that is neither a text nor a number: set it to the name of the condition, or delete it`,
    );
  const text = String(topic);
  if (text.length > 512)
    throw userError(
      'E_BAD_TOPIC',
      `${subject} got a msg.topic of ${text.length} characters; at most 512 are allowed: shorten it`,
    );
  return text;
}

/** Unique id of a message. Node-RED gives one to every message that goes along a wire. */
export function messageIdOf(message: FlowMessage, subject: string): string {
  const { _msgid } = message;
  if (typeof _msgid === 'string' && _msgid !== '' && _msgid.length <= 256) return _msgid;
  throw userError(
    'E_BAD_MESSAGE',
    `${subject} got a message without a usable _msgid: send the message on as it came, or let Node-RED give it a new one by deleting _msgid`,
  );
}
