import type { Alarm, Decision } from '../domain/alarms';
import type { DeviceEvent } from '../domain/events';
import type { Change, FlowMessageRow, GateStateRow, TimerRow } from '../domain/record';
import { completeState, type GateState, initialState } from '../gates';
import type { HeldEvent } from './alarm-record';

/** Everything known of one condition at one moment; replaced, never changed in place. */
export interface Snapshot {
  readonly state: GateState;
  /** The event that began a condition without an alarm; an alarm keeps its own. */
  readonly event: HeldEvent | null;
  readonly alarm: Alarm | null;
  /** The record has a row of it. */
  readonly kept: boolean;
}

/** One alarm key of one trigger. */
export interface Condition {
  readonly triggerId: string;
  readonly key: string;
  /** As the latest input left it, on disk or on its way there. */
  now: Snapshot;
  /** As it is on disk. */
  disk: Snapshot;
  /** Sequence number of the batch that `disk` came with. */
  diskSequence: number;
  /** Batches on their way to the disk. */
  inFlight: number;
  /** Batches that did not reach it since the last moment at which none was on its way. */
  lost: Batch[];
  /** Called when nothing is on its way any more. */
  waiting: (() => void)[];
}

/** One change in the making: all that follows from one input of the engine. */
export interface Batch {
  readonly sequence: number;
  /** What others add, and in the end everything. */
  readonly change: Change;
  /** The event that led to it; null also for one that is not worth a line in the journal. */
  event: DeviceEvent | null;
  /** Conditions that it moved, with what they were before. */
  readonly touched: Map<Condition, Snapshot>;
  readonly decisions: Decision[];
  /** Alarms that it changed, each as it is now. */
  readonly alarms: Map<string, { alarm: Alarm; condition: Condition }>;
  readonly messages: FlowMessageRow[];
  /** Timers by id: the row to set, or null to delete. */
  readonly timers: Map<string, TimerRow | null>;
  /** Takes back, in memory, what parts beside the conditions have changed; called backwards if nothing is written. */
  readonly undo: (() => void)[];
}

const nothing: Snapshot = { state: initialState, event: null, alarm: null, kept: false };

export function newCondition(triggerId: string, key: string, snapshot: Snapshot = nothing): Condition {
  return {
    triggerId,
    key,
    now: snapshot,
    disk: snapshot,
    diskSequence: 0,
    inFlight: 0,
    lost: [],
    waiting: [],
  };
}

/** What a gate state row carries. */
interface StoredState {
  version: 1;
  state: GateState;
  event: HeldEvent | null;
}

export function rowOf(condition: Condition, snapshot: Snapshot): GateStateRow {
  const stored: StoredState = { version: 1, state: snapshot.state, event: snapshot.event };
  return { triggerId: condition.triggerId, key: condition.key, state: stored };
}

/** A resumed row as a snapshot, or null when it is of a form that this version does not know. */
export function snapshotOf(row: GateStateRow, alarm: Alarm | null): Snapshot | null {
  const stored = row.state as Partial<StoredState> | null;
  if (stored === null || typeof stored !== 'object' || stored.version !== 1 || stored.state === undefined) return null;
  return { state: completeState(stored.state), event: stored.event ?? null, alarm, kept: true };
}

/** State of an alarm whose own was lost: it is cleared and ends when nothing holds it any more. */
export function orphanedState(alarm: Alarm): GateState {
  return {
    ...initialState,
    phase: 'clearing',
    alarm: {
      raisedAt: alarm.raisedAt,
      level: alarm.level,
      count: alarm.count,
      clears: 1,
      escalated: true,
      acknowledged: alarm.acknowledgedAt !== null,
      stoppedAt: null,
      implied: false,
      reminders: 0,
      remindFrom: alarm.raisedAt,
    },
  };
}
