/** Budget (DESIGN §9): at least 100,000 events/s through the gates in process, 90 % of them refused. */
import { parseIsoTime } from '../../engine/clock/clock';
import { armedAlways } from '../../engine/domain/arming';
import type { DeviceEvent } from '../../engine/domain/events';
import type { ArmingSchedule } from '../../engine/domain/schedules';
import { defaultPolicy, type TriggerDefinition } from '../../engine/domain/triggers';
import {
  alarmKey,
  evaluateSchedule,
  filterRefusal,
  type GateState,
  gateMachine,
  initialState,
  nextDue,
  signalOf,
} from '../../engine/gates';
import { cpuTime } from '../support/cpu-time';

const EVENTS = 100_000;
const RUNS = 3;
const CAMERAS = 50;

const night = [{ from: 18 * 60, to: 6 * 60 }];
const schedule: ArmingSchedule = {
  id: 'night',
  name: 'Night',
  timeZone: 'Europe/Berlin',
  week: {
    monday: night,
    tuesday: night,
    wednesday: night,
    thursday: night,
    friday: night,
    saturday: night,
    sunday: night,
  },
};

const trigger: TriggerDefinition = {
  id: 'trigger',
  name: 'Motion at night',
  filter: { types: ['motion'], channels: [1, 2, 3] },
  policy: { ...defaultPolicy, scheduleId: schedule.id, antiDitherMs: 5_000 },
};

/**
 * One event in ten raises or clears; the others are refused: wrong channel, delivered twice, replayed, inside the
 * anti-dither window, outside the schedule.
 */
function makeEvents(): DeviceEvent[] {
  const start = parseIsoTime('2026-06-01T16:00:00Z') ?? 0;
  return Array.from({ length: EVENTS }, (_none, index): DeviceEvent => {
    const turn = index % 20;
    const receivedAt = start + index * 25;
    return {
      id: turn === 2 ? `e${index - 1}` : `e${index}`,
      deviceId: `cam${Math.floor(index / 20) % CAMERAS}`,
      type: 'motion',
      vendorType: 'VMD',
      phase: turn === 1 ? 'stop' : 'start',
      channel: turn > 9 ? 9 : 1,
      deviceTime: '2026-06-01T18:00:00+02:00',
      deviceAt: receivedAt,
      repeat: index,
      receivedAt,
      clockSuspect: false,
      late: turn > 5 && turn < 10,
      pictures: [],
      raw: '',
    };
  });
}

export interface GatesBench {
  eventsPerSecond: number;
  /** The same by the time that this thread had the processor: what others do on the machine does not count. */
  eventsPerCpuSecond: number;
  refusedShare: number;
}

/** Runs the filter, the schedule and the machine over a stream of events, without the record; the best of three. */
export async function runGatesBench(): Promise<GatesBench> {
  const events = makeEvents();
  const machine = gateMachine(trigger.policy);
  const run = (): number => {
    const states = new Map<string, GateState>();
    let refused = 0;
    for (const event of events) {
      const key = alarmKey(trigger.policy.keyParts, event);
      const verdict = evaluateSchedule(schedule, event.receivedAt);
      const context = { arming: armedAlways, schedule: verdict, shelf: null, flood: null };
      let state = states.get(key) ?? initialState;
      for (let due = nextDue(state, event.receivedAt); due !== null; due = nextDue(state, event.receivedAt)) {
        state = machine(state)({ kind: 'timer', name: due.name, at: due.at, context }).state;
      }
      const signal = signalOf(event, trigger.policy, filterRefusal(trigger.filter, event), context);
      const step = machine(state)(signal);
      for (const effect of step.effects) if (effect.kind === 'decide' && effect.outcome === 'refused') refused++;
      state =
        step.state.phase === 'clearing' ? machine(step.state)({ kind: 'released', at: signal.at }).state : step.state;
      states.set(key, state);
    }
    return refused;
  };
  run();
  let refused = 0;
  let fastest = Number.POSITIVE_INFINITY;
  let leastCpu = Number.POSITIVE_INFINITY;
  for (let lap = 0; lap < RUNS; lap++) {
    const cpuBegan = cpuTime();
    const began = process.hrtime.bigint();
    refused = run();
    fastest = Math.min(fastest, Number(process.hrtime.bigint() - began) / 1e9);
    leastCpu = Math.min(leastCpu, (cpuTime() - cpuBegan) / 1e3);
  }
  return {
    eventsPerSecond: Math.round(EVENTS / fastest),
    eventsPerCpuSecond: Math.round(EVENTS / leastCpu),
    refusedShare: refused / EVENTS,
  };
}
