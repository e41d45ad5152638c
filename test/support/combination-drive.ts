/** Drives the machine of a combination with alarms of operands, and writes down what it signals. */
import type { CombinationRule } from '../../engine/domain/combinations';
import type { DeviceEvent, EventPhase } from '../../engine/domain/events';
import { combinationMachine } from '../../engine/gates';
import { alarmEvent } from './alarm-events';

export const combination = (fields: Partial<CombinationRule> = {}): CombinationRule => ({
  mode: 'any',
  operands: ['a', 'b'],
  withinMs: 10_000,
  count: 3,
  ...fields,
});

let serial = 0;

/** A message of operand `a`, `b` …: of its alarm 1, unless said otherwise. */
export function operandEvent(
  operand: string,
  phase: EventPhase,
  at: number,
  fields: { alarm?: number; messageId?: string; place?: string; pictures?: DeviceEvent['pictures'] } = {},
): DeviceEvent {
  const { alarm = 1, messageId = `m${++serial}`, place, pictures = [] } = fields;
  return alarmEvent({
    deviceId: 'node',
    type: 'message',
    vendorType: 'message',
    phase,
    channel: undefined,
    receivedAt: at,
    pictures,
    operand: { operand, name: operand.toUpperCase(), condition: `${operand}-${alarm}`, messageId, at, place },
  });
}

/** A plain message with a topic. */
export const topicEvent = (topic: string, on: boolean, at: number): DeviceEvent =>
  alarmEvent({
    deviceId: 'node',
    type: 'message',
    vendorType: 'message',
    phase: on ? 'start' : 'stop',
    channel: undefined,
    rule: topic,
    receivedAt: at,
    operand: { operand: topic, name: topic, condition: topic, messageId: `m${++serial}` },
  });

export function driveCombination(rule: CombinationRule) {
  let machine = combinationMachine(rule);
  const self = {
    state: machine.initial,
    /** `12.5 start`-like lines; times in seconds. */
    story: [] as string[],
    said: '',
    durable: false,
    put(event: DeviceEvent): string {
      const { state, signals, why, durable } = machine.step(self.state, event);
      // As it comes back from the disk.
      self.state = JSON.parse(JSON.stringify(state));
      self.durable = durable;
      self.said = signals[0]?.description ?? why ?? '';
      const told = signals.map((signal) => signal.phase).join(' ') || '-';
      if (signals.length > 0) self.story.push(`${event.receivedAt / 1_000} ${told}`);
      return told;
    },
    change(other: CombinationRule): string {
      machine = combinationMachine(other);
      const adopted = machine.adopt?.(self.state);
      if (adopted == null) throw new Error('not adopted');
      self.state = adopted.state;
      return adopted.signals.map((signal) => signal.phase).join(' ') || '-';
    },
  };
  return self;
}
