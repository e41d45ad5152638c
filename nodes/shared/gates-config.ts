import type { AlarmKeyPart, AlarmPolicy } from '../../engine/index';
import { defaultPolicy } from '../../engine/index';
import type { Fields } from './fields';

/** Longest time that a gate may be set to: one day. */
export const MAX_GATE_SECONDS = 86_400;

/** Longest time between two reminders (REQUIREMENTS M5). */
const MAX_REMINDER_SECONDS = 1_800;

/** What the gates section of a new node's dialog shows; times in seconds. */
export const gatesDefaults = {
  enabled: true,
  schedule: '',
  area: '',
  armingMode: 'follow',
  entryRoute: 'none',
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
  remindMode: 'none',
  remindEvery: 10,
  remindMost: 0,
  floodMode: 'area',
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
  const areaId = fields.reference('area', 'Area', 'alarmflow-area', true);
  const floodMode = fields.choice('floodMode', 'Flood control', ['area', 'control', 'exempt'] as const);
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
    areaId,
    arming: fields.choice('armingMode', 'Armed', ['follow', 'always'] as const),
    entry: fields.choice('entryRoute', 'Entry route', ['none', 'starts', 'follows'] as const),
    remind: readReminders(fields),
    // A trigger without an area, as every flow had before there were areas, is left alone unless somebody asks.
    flood: floodMode === 'control' || (floodMode === 'area' && areaId !== null) ? 'control' : 'exempt',
  };
}

function readReminders(fields: Fields): AlarmPolicy['remind'] {
  const until = fields.choice('remindMode', 'Remind', ['none', 'acknowledged', 'cleared'] as const);
  const everyMs = fields.seconds('remindEvery', 'Remind every', 1, MAX_REMINDER_SECONDS);
  const most = fields.number('remindMost', 'Reminders at most', { min: 0, max: 1000, integer: true });
  return until === 'none' ? null : { everyMs, until, most: most === 0 ? null : most };
}

/** What tells one alarm of a trigger from another, as the dialog offers it. */
export const alarmPerChoices = ['condition', 'rule', 'target', 'object'] as const;

/** The key parts of a device trigger: device, channel or input and type always; rule, target or object on request. */
export function readKeyParts(fields: Fields): AlarmKeyPart[] {
  const per = fields.choice('alarmPer', 'One alarm per', alarmPerChoices);
  return per === 'condition' ? [...defaultPolicy.keyParts] : [...defaultPolicy.keyParts, per];
}
