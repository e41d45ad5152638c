import type { DeviceEvent } from '../domain/events';
import { emptyChange, type TimerRow } from '../domain/record';
import type { GateTimer } from '../gates';
import type { Batch, Condition } from './condition';

let sequence = 0;

export function newBatch(event: DeviceEvent | null = null): Batch {
  sequence++;
  const undo: Batch['undo'] = [];
  return {
    sequence,
    change: { ...emptyChange(), undo },
    event,
    touched: new Map(),
    decisions: [],
    alarms: new Map(),
    messages: [],
    timers: new Map(),
    undo,
  };
}

/** Kind under which the alarms' timers are kept. */
export const ALARM_TIMER = 'alarm';

export function timerRow(condition: Condition, name: GateTimer, at: number): TimerRow {
  const { triggerId, key } = condition;
  return { id: timerId(condition, name), kind: ALARM_TIMER, at, payload: { triggerId, key, name } };
}

export const timerId = (condition: Condition, name: GateTimer): string =>
  `${condition.triggerId}|${condition.key}:${name}`;
