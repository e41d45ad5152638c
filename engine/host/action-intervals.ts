/**
 * Runs the intervals of the action nodes (REQUIREMENTS M7, M8): keeps what they know in rows that are committed
 * together with the action rows they decide on, and sends the digest when a time is over. `engine/actions/interval.ts`
 * has the rules.
 */
import { endInterval, type IntervalState, intervalType, judgeInterval } from '../actions';
import type { Clock } from '../clock/clock';
import { type ActionInterval, type ActionRow, untried } from '../domain/actions';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import {
  addWrites,
  type Change,
  emptyChange,
  type RecordWriter,
  type StandingRow,
  type TimerRow,
} from '../domain/record';
import type { DurableTimers } from '../domain/timers';

export const INTERVAL_KIND = 'interval';
/** Nodes times types that are kept at once; a device that makes up types must not fill the memory. */
const MOST_INTERVALS = 10_000;

interface Kept {
  nodeId: string;
  type: string;
  interval: ActionInterval;
  state: IntervalState;
}

interface StoredInterval extends Kept {
  version: 1;
}

export interface ActionIntervals {
  /**
   * Takes up what the last run has left.
   * @param setBackMs by how much the wall clock was set back while the process was away
   */
  resume(rows: readonly StandingRow[], setBackMs?: number): void;
  /**
   * Decides on an action that is about to be asked for. The row to write is the given one, with what it has to sum up,
   * or one that says why it is held back; what has to be written with it is added to the change.
   * `undo` takes the decision back when the change does not reach the disk.
   */
  judge(row: ActionRow, interval: ActionInterval | undefined, change: Change): { row: ActionRow; undo(): void };
  /** Forgets the intervals of nodes that are gone, and writes the times of those that a set clock has moved. */
  keepOnly(isThere: (nodeId: string) => boolean): Promise<void>;
}

export function createActionIntervals(parts: {
  writer: RecordWriter;
  clock: Clock;
  log: Log;
  timers: DurableTimers;
  /** Whether the alarm is still running. */
  isLive(alarmId: string): boolean;
  /** How long after its request an action of a node's kind still makes sense. */
  deadlineMs(row: Pick<ActionRow, 'kind'>): number;
  /** The row that says why a digest is not sent, or null when it is. */
  refused(row: ActionRow): ActionRow | null;
  /** A digest's row is on disk. */
  recorded(row: ActionRow): Promise<void>;
}): ActionIntervals {
  const { clock, log, timers, writer } = parts;
  const all = new Map<string, Kept>();
  /** Intervals whose times are others than on disk: the wall clock was set back while the process was away. */
  const moved = new Set<string>();
  const idOf = (nodeId: string, type: string): string => `${INTERVAL_KIND}:${nodeId}:${type}`;

  const timerOf = (id: string, kept: Kept): TimerRow => ({
    id,
    kind: INTERVAL_KIND,
    at: kept.state.until,
    payload: { nodeId: kept.nodeId, type: kept.type },
  });

  /** Puts a state, or its end, into memory and into a change. */
  function put(id: string, kept: Kept | null, change: Change): void {
    const before = all.get(id);
    if (kept === null) {
      all.delete(id);
      addWrites(change, 'standingDeleted', id);
      addWrites(change, 'timersDeleted', id);
      change.afterCommit.push(() => timers.disarm(id));
      return;
    }
    all.set(id, kept);
    const stored: StoredInterval = { version: 1, ...kept };
    addWrites(change, 'standing', { id, kind: INTERVAL_KIND, doc: stored });
    if (before?.state.until === kept.state.until || kept.state.until === 0) return;
    const timer = timerOf(id, kept);
    addWrites(change, 'timers', timer);
    change.afterCommit.push(() => timers.arm(timer));
  }

  async function commit(change: Change): Promise<void> {
    if (Object.keys(change.writes).length === 0) return;
    await writer.commit(change.writes);
    for (const follow of change.afterCommit) follow();
  }

  async function over(timer: TimerRow): Promise<void> {
    const kept = all.get(timer.id);
    if (kept === undefined) return writer.commit({ timersDeleted: [timer.id] });
    const at = clock.now();
    const change = emptyChange();
    const { state, digest } = endInterval(kept.state, kept.interval, at, parts.isLive);
    const row = digest === null ? null : digestRow(kept, digest, at);
    put(timer.id, state === null ? null : { ...kept, state }, change);
    if (state !== null && row === null) addWrites(change, 'timersDeleted', timer.id);
    if (row !== null) addWrites(change, 'actions', row);
    try {
      await commit(change);
    } catch (thrown) {
      all.set(timer.id, kept);
      throw thrown;
    }
    if (row !== null) await parts.recorded(row);
  }
  timers.onDue(INTERVAL_KIND, over);

  function digestRow(
    kept: Kept,
    { of, heldBack }: NonNullable<ReturnType<typeof endInterval>['digest']>,
    at: number,
  ): ActionRow {
    const row: ActionRow = {
      ...of,
      key: `digest:${kept.nodeId}:${kept.type}:${kept.state.until}`,
      params: { ...of.params, heldBack, digest: true },
      requestedAt: at,
      deadlineAt: at + parts.deadlineMs(of),
      ...untried,
    };
    return parts.refused(row) ?? row;
  }

  timers.onWallSet?.((byMs) => {
    const change = emptyChange();
    for (const [id, kept] of all) {
      if (kept.state.until === 0) continue;
      put(id, { ...kept, state: { ...kept.state, until: kept.state.until + byMs } }, change);
    }
    commit(change).catch((thrown: unknown) => {
      log.warn('action.intervals-not-moved', { byMs, error: asAlarmflowError(thrown).message });
    });
  });

  return {
    resume(rows, setBackMs = 0) {
      for (const { id, kind, doc } of rows) {
        if (kind !== INTERVAL_KIND) continue;
        const stored = doc as Partial<StoredInterval> | null;
        if (stored?.version !== 1 || !stored.state || !stored.interval || !stored.nodeId || !stored.type) {
          log.warn('action.interval-unknown', { id });
          continue;
        }
        const { nodeId, type, interval, state } = stored;
        // Never longer than a whole interval from now.
        const until = Math.min(state.until - setBackMs, clock.now() + interval.everyMs);
        const late = state.until !== 0 && until < state.until;
        const kept: Kept = { nodeId, type, interval, state: late ? { ...state, until } : state };
        all.set(id, kept);
        if (!late) continue;
        moved.add(id);
        timers.arm(timerOf(id, kept));
      }
    },

    judge(row, interval, change) {
      timers.watchWall?.();
      const type = intervalType(row.alarm);
      const id = idOf(row.nodeId, type);
      const before = all.get(id);
      const unchanged = { row, undo: () => undefined };
      if (!interval || interval.everyMs <= 0) {
        if (before) put(id, null, change);
        return unchanged;
      }
      if (!before && all.size >= MOST_INTERVALS) {
        log.warn('action.too-many-intervals', { node: row.nodeId, most: MOST_INTERVALS });
        return unchanged;
      }
      const verdict = judgeInterval(before?.state ?? null, interval, row, row.requestedAt);
      if (verdict.state !== null && verdict.state !== before?.state)
        put(id, { nodeId: row.nodeId, type, interval, state: verdict.state }, change);
      const after = all.get(id);
      const undo = (): void => {
        // What was decided meanwhile stands; without the memory the next action goes out, which is the safe side.
        if (before && all.get(id) === after) all.set(id, before);
        else all.delete(id);
      };
      if (verdict.acts) {
        const { carries } = verdict;
        return { row: carries === null ? row : { ...row, params: { ...row.params, heldBack: carries } }, undo };
      }
      const held: ActionRow = {
        ...row,
        status: 'skipped',
        summary: verdict.reason,
        finishedAt: row.requestedAt,
        durationMs: 0,
      };
      return { row: held, undo };
    },

    async keepOnly(isThere) {
      const change = emptyChange();
      for (const [id, kept] of all) {
        if (!isThere(kept.nodeId)) put(id, null, change);
        else if (moved.has(id)) {
          put(id, kept, change);
          addWrites(change, 'timers', timerOf(id, kept));
        }
      }
      moved.clear();
      await commit(change);
    },
  };
}
