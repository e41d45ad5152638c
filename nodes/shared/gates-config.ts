import type { AlarmKeyPart, AlarmPolicy } from '../../engine/index';
import { defaultPolicy } from '../../engine/index';
import type { Fields } from './fields';

/** Longest time that a gate may be set to: one day. */
export const MAX_GATE_SECONDS = 86_400;

/** What the gates section of a new node's dialog shows; times in seconds. */
export const gatesDefaults = {
  enabled: true,
  schedule: '',
  windowOpen: 'raise',
  windowClose: 'let-run',
  raiseMode: 'hold',
  filteringTime: 0,
  repeatCount: 3,
  repeatWithin: 60,
  antiDither: 5,
  antiDitherMode: 'fixed',
  offDelay: 0,
  quietMode: 'driver',
  quietTime: 30,
  lateEvents: 'record',
  latched: false,
} as const;

/** Reads the gates section that triggers and the linkage node share. */
export function readGates(fields: Fields): Omit<AlarmPolicy, 'keyParts'> {
  const raiseMode = fields.choice('raiseMode', 'Raise', ['hold', 'repeat'] as const);
  const filteringTime = fields.seconds('filteringTime', 'Filtering time', 0, MAX_GATE_SECONDS);
  const repeat = {
    count: fields.number('repeatCount', 'Starts', { min: 2, max: 1000, integer: true }),
    withinMs: fields.seconds('repeatWithin', 'within', 1, MAX_GATE_SECONDS),
  };
  const quietMode = fields.choice('quietMode', 'Ends', ['driver', 'never', 'after'] as const);
  const quietTime = fields.seconds('quietTime', 'Quiet time', 1, MAX_GATE_SECONDS);
  return {
    enabled: fields.flag('enabled', 'Enabled'),
    scheduleId: fields.reference('schedule', 'Arming schedule', 'alarmflow-schedule', true),
    onDelayMs: raiseMode === 'hold' ? filteringTime : 0,
    repeat: raiseMode === 'repeat' ? repeat : null,
    antiDitherMs: fields.seconds('antiDither', 'Anti-dither', 0, MAX_GATE_SECONDS),
    antiDitherMode: fields.choice('antiDitherMode', 'Anti-dither window', ['fixed', 'sliding'] as const),
    offDelayMs: fields.seconds('offDelay', 'Tolerance', 0, MAX_GATE_SECONDS),
    quietMs: quietMode === 'driver' ? null : quietMode === 'never' ? 0 : quietTime,
    late: fields.choice('lateEvents', 'Late events', ['record', 'act'] as const),
    atWindowOpen: fields.choice('windowOpen', 'Period begins', ['raise', 'ignore'] as const),
    atWindowClose: fields.choice('windowClose', 'Period ends', ['let-run', 'end'] as const),
    latched: fields.flag('latched', 'Latch'),
    areaId: null,
    arming: 'follow',
    entry: 'none',
    remind: null,
    flood: 'control',
  };
}

/** What tells one alarm of a trigger from another, as the dialog offers it. */
export const alarmPerChoices = ['condition', 'rule', 'target'] as const;

/** The key parts of a device trigger: device, channel or input and type always; rule or target on request. */
export function readKeyParts(fields: Fields): AlarmKeyPart[] {
  const per = fields.choice('alarmPer', 'One alarm per', alarmPerChoices);
  return per === 'condition' ? [...defaultPolicy.keyParts] : [...defaultPolicy.keyParts, per];
}
