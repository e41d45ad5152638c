import type { Alarm } from '../domain/alarms';
import type { OperandMessage } from '../domain/combinations';
import type { DeviceEvent } from '../domain/events';
import { sortableId } from '../domain/ids';
import type { OfferedMessage } from '../index';

/** Where an alarm comes from, for people. */
const placeOf = (alarm: Alarm): string =>
  alarm.channel === undefined ? alarm.deviceName : `${alarm.deviceName}, channel ${alarm.channel}`;

/** What the engine itself knows of the alarm goes before what the message says of it. */
function operandOf(message: OfferedMessage, alarm: Alarm | undefined): OperandMessage | undefined {
  const { operand, condition, messageId } = message;
  if (operand === undefined) return undefined;
  const at = condition ? alarm?.raisedAt : alarm?.clearedAt;
  return {
    operand: operand.id,
    name: alarm?.triggerName ?? operand.name,
    condition: operand.alarmId ?? operand.id,
    messageId,
    ...(at != null && { at }),
    ...(alarm !== undefined && { place: placeOf(alarm) }),
  };
}

/**
 * The event that a message offered to a linkage or combination node becomes; the node stands for its device.
 *
 * @param alarm the live alarm that the message is about, if there is one
 */
export function messageEvent(
  nodeId: string,
  message: OfferedMessage,
  alarm: Alarm | undefined,
  now: number,
): DeviceEvent {
  const operand = operandOf(message, alarm);
  const { messageId, condition, topic, description } = message;
  return {
    id: sortableId(now),
    deviceId: nodeId,
    type: 'message',
    vendorType: 'message',
    phase: condition ? (message.goesOn ? 'refresh' : 'start') : 'stop',
    rule: topic,
    description,
    ...(operand !== undefined && { operand }),
    deviceTime: null,
    deviceAt: null,
    receivedAt: now,
    clockSuspect: false,
    late: false,
    pictures: condition && operand !== undefined ? (alarm?.event.pictures ?? []) : [],
    raw: JSON.stringify({ messageId, payload: condition, topic, ...(operand && { operand: operand.operand }) }),
  };
}
