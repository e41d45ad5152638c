/** Flood control of every area: what it has counted is kept beyond the process, and its notices go out on time. */
import type { Alarm } from '../domain/alarms';
import { conditionType, lifeSafetyTypes } from '../domain/events';
import { type AlarmFlood, defaultFlood, type FloodLimits } from '../domain/flood';
import { sortableId } from '../domain/ids';
import type { FlowMessageRow, StandingRow, TimerRow } from '../domain/record';
import type { DurableTimers } from '../domain/timers';
import type { AlarmPolicy } from '../domain/triggers';
import { carryFlood, duration, type FloodState, floodNotice, floodRaise, noFlood } from '../gates';
import { flowMessage } from './alarm-record';
import type { Batch } from './condition';
import type { FlowOutbox } from './flow-outbox';
import { createStandingBook } from './standing';

/** Kind of the floods' timers and rows. */
const FLOOD_TIMER = 'flood';
/** Stands for the area of triggers that have none. */
const WHOLE_SITE = 'site';

/** One area's count, and the alarm that its next notice is about. */
interface AreaFlood {
  state: FloodState;
  /** The first alarm whose notice was held back since the last one; the last one of the flood when none was. */
  untold: Alarm | null;
}

export interface Floods {
  resume(rows: readonly StandingRow[]): StandingRow[];
  /**
   * A trigger raises an alarm: the mark that it gets, and a clause for its decision; null outside a flood.
   */
  raised(
    batch: Batch,
    policy: Pick<AlarmPolicy, 'areaId' | 'flood'>,
    alarm: Alarm,
  ): { mark: AlarmFlood; detail: string } | null;
  /** Whether notices of that area are grouped now. */
  lasts(areaId: string | null): boolean;
  carryOver(batch: Batch, by: number): void;
  /** Timers that are to run, after a start. */
  timers(): TimerRow[];
}

function readFlood(doc: unknown): AreaFlood | null {
  const { state, untold } = (doc ?? {}) as Partial<AreaFlood>;
  return Array.isArray(state?.recent) && state.flood !== undefined ? { state, untold: untold ?? null } : null;
}

export function createFloods(options: {
  outbox: FlowOutbox;
  timers: DurableTimers;
  isStarted(): boolean;
  change(fill: (batch: Batch) => void): Promise<void>;
  /** Puts the mark on a live alarm; null when it does not live. */
  mark(batch: Batch, alarmId: string, mark: AlarmFlood): Alarm | null;
  now(): number;
  /** Limits of an area, null: its notices are never grouped; undefined: the area does not say. */
  limits(areaId: string | null): FloodLimits | null | undefined;
  areaName(areaId: string | null): string;
  lives(alarmId: string): boolean;
  /** Whether the flows still have this trigger. */
  reaches(triggerId: string): boolean;
}): Floods {
  const book = createStandingBook<AreaFlood>('flood', readFlood);
  const limitsOf = (areaId: string | null): FloodLimits | null => {
    const limits = options.limits(areaId);
    return limits === undefined ? defaultFlood : limits;
  };
  const keyOf = (areaId: string | null): string => (areaId === null ? WHOLE_SITE : `area:${areaId}`);
  const areaOf = (id: string): string | null => (id === WHOLE_SITE ? null : id.slice('area:'.length));

  const timerOf = (id: string, at: number): TimerRow => ({
    id: `flood:${id}`,
    kind: FLOOD_TIMER,
    at,
    payload: { area: id },
  });

  const send = (batch: Batch, row: FlowMessageRow): void => {
    batch.messages.push(row);
    options.outbox.expect(row);
    batch.undo.push(() => options.outbox.cancel(row));
  };

  const notice = (batch: Batch, timer: TimerRow): void => {
    const id = String(timer.payload.area);
    const areaId = areaOf(id);
    const at = Math.max(timer.at, options.now());
    batch.timers.set(timer.id, null);
    const before = book.get(id);
    if (before === undefined || before.state.flood === null) return;
    const { state, tells: raises, over } = floodNotice(before.state, limitsOf(areaId), at);
    if (state === before.state) {
      batch.timers.set(timer.id, timerOf(id, before.state.flood.noticeAt));
      return;
    }
    book.set(batch, id, { state, untold: over ? null : before.untold });
    if (state.flood !== null) batch.timers.set(timer.id, timerOf(id, state.flood.noticeAt));
    const about = before.untold;
    if (raises === 0 || about === null) return;
    const mark: AlarmFlood = {
      area: options.areaName(areaId),
      raises,
      firstOut: before.state.flood.firstOut === about.id,
      grouped: false,
    };
    // As it is now where it still runs, else as it was: then its message must switch nothing on.
    const alarm = options.mark(batch, about.id, mark) ?? about;
    if (!options.reaches(about.triggerId)) return;
    const row = flowMessage({ ...alarm, flood: mark }, 'raise', at);
    const { noticeAt } = before.state.flood;
    const messageId = `${about.id}:flood:${noticeAt}`;
    const payload = options.lives(about.id) && alarm.state === 'active';
    const carried = { ...row.message.alarm, floodNotice: noticeAt };
    send(batch, { ...row, messageId, message: { ...row.message, messageId, payload, alarm: carried } });
    batch.decisions.push({
      id: sortableId(at),
      at,
      eventId: null,
      triggerId: alarm.triggerId,
      alarmId: alarm.id,
      outcome: 'reminded',
      reason: 'flood',
      detail: over
        ? `the flood in ${mark.area} is over: one notice for all of its ${raises} raises`
        : `flood in ${mark.area}: one notice for ${raises} raises`,
    });
  };

  options.timers.onDue(FLOOD_TIMER, async (timer, shiftMs = 0) => {
    // Until the flows run, areas are missing; they arm the timers again when they have started.
    if (!options.isStarted()) return;
    await options.change((batch) => notice(batch, { ...timer, at: timer.at + shiftMs }));
  });

  return {
    resume: (rows) => book.resume(rows),
    raised(batch, policy, alarm) {
      const limits = limitsOf(policy.areaId);
      if (policy.flood === 'exempt' || lifeSafetyTypes.has(conditionType(alarm.type)) || limits === null) return null;
      const id = keyOf(policy.areaId);
      const before = book.get(id) ?? { state: noFlood, untold: null };
      const raise = { at: alarm.raisedAt, alarmId: alarm.id };
      const { state, begins, grouped } = floodRaise(before.state, limits, raise, options.lives);
      const untold = state.flood !== null && grouped && state.flood.untold === 1 ? alarm : before.untold;
      book.set(batch, id, { state, untold: state.flood === null ? null : untold });
      const { flood } = state;
      if (flood === null) return null;
      const area = options.areaName(policy.areaId);
      const { raises } = flood;
      const mark: AlarmFlood = { area, raises, firstOut: flood.firstOut === alarm.id, grouped };
      if (!begins) {
        return { mark, detail: `flood in ${area}, raise ${raises} of it: shown and kept, its notices are grouped` };
      }
      batch.timers.set(timerOf(id, 0).id, timerOf(id, flood.noticeAt));
      if (!mark.firstOut) options.mark(batch, flood.firstOut, { ...mark, firstOut: true });
      const rate = `more than ${limits.raises} raises within ${duration(limits.withinMs)}`;
      return { mark, detail: `a flood begins in ${area} (${rate}): notices are grouped from now on` };
    },
    lasts: (areaId) => book.get(keyOf(areaId))?.state.flood != null,
    timers: () =>
      [...book.entries()].flatMap(([id, { state }]) =>
        state.flood === null ? [] : [timerOf(id, state.flood.noticeAt)],
      ),
    carryOver(batch, by) {
      for (const [id, doc] of [...book.entries()]) {
        const state = carryFlood(doc.state, by);
        book.set(batch, id, { ...doc, state });
        if (state.flood !== null) batch.timers.set(timerOf(id, 0).id, timerOf(id, state.flood.noticeAt));
      }
    },
  };
}
