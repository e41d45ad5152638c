/**
 * Carries batches to the disk and keeps memory true to it. Memory has moved before the commit; when that fails,
 * conditions are put back to what is on disk, or, if a later batch of the same condition got through, the lost rows
 * are written after it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock/clock';
import type { Announce } from '../domain/announcements';
import { AlarmflowError, asAlarmflowError, operationalError, toldByRecord } from '../domain/errors';
import type { Log } from '../domain/log';
import { addWrites, type RecordWriter, type RecordWrites } from '../domain/record';
import type { DurableTimers } from '../domain/timers';
import type { GateTimer } from '../gates';
import { newBatch, timerRow } from './batch';
import { type Batch, type Condition, rowOf, type Snapshot } from './condition';
import type { FlowOutbox } from './flow-outbox';

const REPAIR_AGAIN_MS = 1_000;

export interface Commitment {
  /**
   * Resolves when the batch is on disk and its consequences are under way.
   * Rejects with an operational error when it is not; memory is then as the disk.
   */
  commit(batch: Batch): Promise<void>;
  /** Takes back a batch that was never sent, after an error while it was made. */
  abandon(batch: Batch): void;
  /** Resolves when none of the condition's batches is on its way. */
  idle(condition: Condition): Promise<void>;
}

/** The rows of a snapshot whose state is worth a row, or the deletion of a row that is no longer worth it. */
function addStateRow(writes: RecordWrites, condition: Condition, snapshot: Snapshot, kept: boolean): void {
  const { triggerId, key } = condition;
  if (snapshot.kept) {
    writes.gateStates ??= [];
    writes.gateStates.push(rowOf(condition, snapshot));
  } else if (kept) {
    writes.gateStatesDeleted ??= [];
    writes.gateStatesDeleted.push({ triggerId, key });
  }
}

export function createCommitment(options: {
  writer: RecordWriter;
  clock: Clock;
  log: Log;
  timers: DurableTimers;
  outbox: FlowOutbox;
  announce: Announce;
  put(condition: Condition, snapshot: Snapshot): void;
  /** The snapshot with its `kept` as it should be on disk. */
  judged(condition: Condition, before: Snapshot): Snapshot;
  /** Adds what follows from the alarms that the batch has changed. */
  follow(batch: Batch): void;
  /** These triggers' notices may have changed. */
  noticed(triggerIds: Set<string>): void;
}): Commitment {
  const { writer, clock, log, timers, outbox, announce, put } = options;

  const gather = (batch: Batch): void => {
    options.follow(batch);
    const { change, event } = batch;
    if (event !== null) addWrites(change, 'events', event);
    if (batch.decisions.length > 0) addWrites(change, 'decisions', ...batch.decisions);
    if (batch.messages.length > 0) addWrites(change, 'flowMessages', ...batch.messages);
    for (const { alarm, condition } of batch.alarms.values()) {
      // What only saw its condition again is told from memory; the row follows with the next change.
      const before = batch.touched.get(condition)?.alarm;
      if (before === undefined || before === null || !onlySeen(before, alarm)) addWrites(change, 'alarms', alarm);
    }
    for (const [condition, before] of batch.touched) {
      const snapshot = options.judged(condition, before);
      put(condition, snapshot);
      if (!isMinor(before, snapshot)) addStateRow(change.writes, condition, snapshot, before.kept);
    }
    const { writes } = change;
    for (const [id, row] of batch.timers) {
      if (row === null) addWrites(change, 'timersDeleted', id);
      else {
        writes.timers ??= [];
        writes.timers.push(row);
      }
    }
  };

  const consequences = (batch: Batch): void => {
    for (const [id, row] of batch.timers) {
      if (row === null) timers.disarm(id);
      else timers.arm(row);
    }
    for (const then of batch.change.afterCommit) guarded('after-commit', then);
    for (const row of batch.messages) outbox.committed(row);
    const { event, decisions } = batch;
    if (event !== null) {
      const explained = decisions.filter((decision) => decision.eventId === event.id);
      guarded('announce', () => announce({ kind: 'event', data: { event, decisions: explained } }));
    }
    for (const decision of decisions) {
      if (decision.eventId === null) guarded('announce', () => announce({ kind: 'decision', data: decision }));
    }
    for (const { alarm } of batch.alarms.values()) {
      guarded('announce', () => announce({ kind: 'alarm', data: alarm }));
    }
    options.noticed(new Set([...batch.touched.keys()].map((condition) => condition.triggerId)));
  };

  /** What is on disk stays done; whoever watches and fails must not undo it. */
  const guarded = (what: string, run: () => void): void => {
    try {
      run();
    } catch (thrown) {
      log.error('alarm.consequence-failed', { what, error: asAlarmflowError(thrown) });
    }
  };

  const settle = (condition: Condition): void => {
    if (condition.inFlight > 0) return;
    for (const resolve of condition.waiting.splice(0)) resolve();
    const lost = condition.lost.splice(0);
    if (lost.length === 0) return;
    put(condition, condition.disk);
    const behind = lost.filter((batch) => batch.sequence < condition.diskSequence);
    for (const batch of lost) {
      if (behind.includes(batch)) continue;
      for (const row of messagesOf(batch, condition)) outbox.cancel(row);
    }
    options.noticed(new Set([condition.triggerId]));
    if (behind.length > 0) repair(condition, behind);
  };

  /** A later batch got through and builds on lost ones: their rows are written after it. */
  const repair = (condition: Condition, lost: Batch[]): void => {
    const batch = newBatch();
    const { change } = batch;
    for (const former of lost) {
      if (former.event !== null) addWrites(change, 'events', former.event);
      const decisions = former.decisions.filter((decision) => decision.triggerId === condition.triggerId);
      if (decisions.length > 0) addWrites(change, 'decisions', ...decisions);
      for (const entry of former.alarms.values()) {
        if (entry.condition === condition) batch.alarms.set(entry.alarm.id, entry);
      }
      batch.messages.push(...messagesOf(former, condition));
    }
    const { alarm, state } = condition.now;
    if (alarm !== null) batch.alarms.set(alarm.id, { alarm, condition });
    for (const name of Object.keys(state.timers) as GateTimer[]) {
      const row = timerRow(condition, name, state.timers[name] ?? 0);
      batch.timers.set(row.id, row);
    }
    // Shown as the opposite of what is, so that its row is written, or deleted, whatever the disk has.
    batch.touched.set(condition, { ...condition.now, alarm: null, kept: !condition.now.kept });
    commit(batch).catch((error: unknown) => {
      log.error('alarm.repair-failed', { trigger: condition.triggerId, key: condition.key, error });
      clock.after(REPAIR_AGAIN_MS, () => repair(condition, lost), { background: true });
    });
  };

  const takeBack = (batch: Batch): void => {
    for (const undo of batch.undo.splice(0).reverse()) guarded('undo', undo);
  };

  const failed = (batch: Batch, taken: Iterable<Condition>): void => {
    takeBack(batch);
    for (const condition of taken) {
      condition.lost.push(batch);
      settle(condition);
    }
  };

  const commit = async (batch: Batch): Promise<void> => {
    gather(batch);
    if (Object.keys(batch.change.writes).length === 0) return consequences(batch);
    const taken = [...batch.touched.keys()].map((condition) => ({ condition, snapshot: condition.now }));
    for (const { condition } of taken) condition.inFlight++;
    try {
      await writer.commit(batch.change.writes);
    } catch (thrown) {
      for (const { condition } of taken) condition.inFlight--;
      failed(batch, batch.touched.keys());
      const cause = asAlarmflowError(thrown);
      log[toldByRecord(cause) ? 'debug' : 'error']('alarm.commit-failed', { error: cause });
      if (cause instanceof AlarmflowError && cause.family === 'operational') throw cause;
      throw operationalError('E_RECORD_WRITE', `The record did not take the change: ${cause.message}`, { cause });
    }
    for (const { condition, snapshot } of taken) {
      condition.inFlight--;
      if (batch.sequence >= condition.diskSequence) {
        condition.disk = snapshot;
        condition.diskSequence = batch.sequence;
      }
    }
    consequences(batch);
    for (const { condition } of taken) settle(condition);
  };

  return {
    commit,
    abandon(batch) {
      for (const [condition, before] of batch.touched) put(condition, before);
      takeBack(batch);
      for (const row of batch.messages) outbox.cancel(row);
    },
    idle: (condition) =>
      condition.inFlight === 0
        ? Promise.resolve()
        : new Promise<void>((resolve) => {
            condition.waiting.push(resolve);
          }),
  };
}

const messagesOf = (batch: Batch, condition: Condition): Batch['messages'] =>
  batch.messages.filter((row) => row.triggerId === condition.triggerId && row.message.alarm.key === condition.key);

function onlySeen(before: NonNullable<Snapshot['alarm']>, after: NonNullable<Snapshot['alarm']>): boolean {
  for (const field of Object.keys(after) as (keyof typeof after)[]) {
    if (field !== 'seenAt' && before[field] !== after[field]) return false;
  }
  return true;
}

/** Nothing that a restart would miss: a condition without an alarm was only seen again. */
function isMinor(before: Snapshot, after: Snapshot): boolean {
  if (before.kept !== after.kept) return false;
  if (!after.kept) return true;
  const was = before.state;
  const is = after.state;
  // Every condition is asked at the start of the flows; most of them stay as they were.
  if (before.event === after.event && isDeepStrictEqual(was, is)) return true;
  return (
    was.phase === 'normal' &&
    is.phase === 'normal' &&
    was.heldBack === is.heldBack &&
    was.timers === is.timers &&
    was.startedAt === is.startedAt &&
    was.window?.until === is.window?.until &&
    silence(was) === silence(is)
  );
}

/** When its levels count as ended without news, as text: after a restart a condition must not be thought silent early. */
const silence = ({ levels }: Snapshot['state']): string =>
  [levels['pre-alarm'], levels.alarm]
    .map((level) => (level?.quietMs == null ? '' : level.seenAt + level.quietMs))
    .join();
