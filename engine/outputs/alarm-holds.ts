/**
 * The leases follow the life of their alarms. Their rows travel in the alarms' changes, so a change that never
 * reaches the disk has to be noticed here: the alarm then falls back to what it was, and its leases with it.
 */
import { asAlarmflowError, toldByRecord } from '../domain/errors';
import type { AlarmHolds } from '../domain/holds';
import type { Lease } from '../domain/outputs';
import { type Change, emptyChange } from '../domain/record';
import type { Holding } from './holding';
import { countsFromSwitching, endAfterReturn, endAfterStart, isUsedUp } from './leases';
import type { OutputsOptions } from './options';

/** A change that has not been committed after this time is compared with its alarm, in milliseconds. */
export const DOUBT_MS = 5_000;

interface Doubt {
  alarmId: string;
  since: number;
  /** The alarm's leases before the change. */
  before: { lease: Lease; living: boolean }[];
}

export function createAlarmHolds(options: OutputsOptions, holding: Holding): AlarmHolds {
  const { clock, log } = options;
  const { book } = holding;
  const doubts = new Set<Doubt>();
  let looking = false;

  function resumeAll(alarmId: string, now: number, change: Change): void {
    for (const lease of book.ofAlarm(alarmId))
      if (!countsFromSwitching(lease) && (book.isLiving(lease.id) || !isUsedUp(lease, now)))
        holding.hold({ ...lease, endsAt: endAfterReturn(lease) }, change);
  }

  function countDownAll(alarmId: string, at: number, change: Change): void {
    for (const lease of book.ofAlarm(alarmId))
      if (!countsFromSwitching(lease) && book.isLiving(lease.id)) holding.countDown(lease, at, change);
  }

  /**
   * Writes countdowns once more and begins those that a lost change did not. One that runs keeps its end: it has
   * followed the wall clock, the alarm's own time of the clear has not.
   */
  function finishCountDown(alarmId: string, clearedAt: number, change: Change): void {
    const now = clock.now();
    for (const lease of book.ofAlarm(alarmId)) {
      if (countsFromSwitching(lease) || !book.isLiving(lease.id)) continue;
      if (lease.endsAt === endAfterReturn(lease)) holding.countDown(lease, Math.min(clearedAt, now), change);
      else if (lease.endsAt !== null && lease.endsAt <= now) holding.end(lease, change);
      else holding.hold(lease, change);
    }
  }

  /** Holds that every start begins anew; one that is over already is switched on again. */
  function extendAll(alarmId: string, at: number, change: Change): void {
    for (const lease of book.ofAlarm(alarmId)) {
      const living = book.isLiving(lease.id);
      const endsAt = endAfterStart(lease, at);
      if (endsAt === lease.endsAt || endsAt === null || endsAt <= at) continue;
      if (living || !isUsedUp(lease, at)) holding.hold({ ...lease, endsAt }, change);
    }
  }

  /** Writes once more what counts from the switching: the timer of a lost change was never set, its end never told. */
  function repeatAll(alarmId: string, now: number, change: Change): void {
    for (const lease of book.ofAlarm(alarmId)) {
      if (!countsFromSwitching(lease)) continue;
      const over = !book.isLiving(lease.id) || (lease.endsAt !== null && lease.endsAt <= now);
      if (over) holding.end(lease, change);
      else holding.hold(lease, change);
      holding.rewrite(lease.outputId, change);
    }
  }

  function lookLater(): void {
    if (looking) return;
    looking = true;
    clock.after(DOUBT_MS, compare, { background: true });
  }

  /** Watches whether the alarm's change reaches the disk. */
  function watch(alarmId: string, before: Doubt['before'], change: Change): void {
    if (before.length === 0) return;
    const doubt: Doubt = { alarmId, since: clock.monotonic(), before };
    doubts.add(doubt);
    change.afterCommit.push(() => doubts.delete(doubt));
    lookLater();
  }

  const asItIs = (alarmId: string): Doubt['before'] =>
    book.ofAlarm(alarmId).map((lease) => ({ lease, living: book.isLiving(lease.id) }));

  /**
   * When the change is not written, memory falls back at once, as the alarm's does. What a later decision has moved
   * since is left as it is, and to the doubt.
   */
  function undoable(alarmId: string, before: Doubt['before'], change: Change): void {
    const left = new Map(asItIs(alarmId).map((one) => [one.lease.id, one]));
    change.undo?.push(() => {
      for (const { lease, living } of before) {
        const after = left.get(lease.id);
        if (book.get(lease.id) !== after?.lease || (after && book.isLiving(lease.id) !== after.living)) continue;
        if (living) holding.hold(lease, emptyChange());
        else holding.end(lease, emptyChange());
      }
    });
  }

  /** Decides on the alarm's leases in a change that may yet fail to reach the disk. */
  function decide(alarmId: string, change: Change, act: () => void): void {
    const before = asItIs(alarmId);
    watch(alarmId, before, change);
    act();
    undoable(alarmId, before, change);
  }

  function compare(): void {
    looking = false;
    const now = clock.monotonic();
    // A device that repeats itself to a record that cannot be written leaves a doubt each time: one line tells them all.
    const told = new Set<string>();
    for (const doubt of [...doubts]) {
      if (now - doubt.since < DOUBT_MS) continue;
      doubts.delete(doubt);
      void restore(doubt, told.has(doubt.alarmId) ? 'debug' : 'warn');
      told.add(doubt.alarmId);
    }
    if (doubts.size > 0) lookLater();
  }

  /** Makes the leases what the alarm says; for a change that is only slow this repeats what it does. */
  async function restore({ alarmId, before }: Doubt, level: 'debug' | 'warn'): Promise<void> {
    const alarm = options.alarm(alarmId);
    const change = emptyChange();
    if (!alarm) for (const { lease } of before) holding.drop(lease, change);
    else {
      for (const { lease, living } of before) {
        if (book.get(lease.id)) continue;
        if (living) holding.hold(lease, change);
        else holding.end(lease, change);
      }
      if (alarm.state === 'clearing') finishCountDown(alarmId, alarm.clearedAt ?? clock.now(), change);
      else resumeAll(alarmId, clock.now(), change);
      repeatAll(alarmId, clock.now(), change);
    }
    // Watched like the alarm's own change: while the record fails, this is tried again and again.
    watch(alarmId, before, change);
    try {
      await holding.commit(change);
      log[level]('output.leases-restored', {
        alarm: alarmId,
        reason: 'a change of the alarm did not reach the record',
      });
      holding.tellEnded([alarmId]);
    } catch (thrown) {
      // Off is the safe side: a full disk must not keep a siren on.
      for (const { lease } of before) holding.ask(lease.outputId);
      const error = asAlarmflowError(thrown);
      log[toldByRecord(error) ? 'debug' : 'error']('output.leases-not-restored', {
        alarm: alarmId,
        error: error.message,
      });
    }
  }

  return {
    alarmCleared(alarmId, at, change) {
      decide(alarmId, change, () => {
        // A moment that is still to come was named before the wall clock was set back: it is now.
        countDownAll(alarmId, Math.min(at, clock.now()), change);
      });
    },
    alarmResumed(alarmId, at, change) {
      decide(alarmId, change, () => {
        resumeAll(alarmId, Math.max(at, clock.now()), change);
      });
    },
    alarmMerged(alarmId, at, change) {
      if (!book.ofAlarm(alarmId).some((lease) => lease.hold.kind === 'extended')) return;
      decide(alarmId, change, () => {
        extendAll(alarmId, Math.min(at, clock.now()), change);
      });
    },
    alarmEnded(alarmId, _at, change) {
      decide(alarmId, change, () => {
        for (const lease of book.ofAlarm(alarmId)) holding.drop(lease, change);
      });
    },
    holdsFor: holding.livesFor,
  };
}
