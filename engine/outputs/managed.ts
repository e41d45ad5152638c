import { DEFAULT_PRIORITY, type OutputManner, type OutputState } from '../domain/outputs';
import type { PtzTurn } from '../domain/ptz-outcomes';

/** How a node would have an output on; for one that is set on by hand. */
export interface DefinedManner {
  manner?: OutputManner;
  priority?: number;
}

/** One output in memory: its row, who defines it, and how far it has been driven. */
export interface ManagedOutput {
  /** Replaced, never changed in place, at every change. */
  state: OutputState;
  /** Nodes that define it, by id. */
  definers: Map<string, DefinedManner>;
  /** No node defines it any more: it is driven off and then forgotten. */
  retiring: boolean;
  /** Counts the reasons to send the state again although it has not changed (device came back, start, manual mode). */
  demand: number;
  /** What the device has confirmed, as generation and demand; null before the first time in this run. */
  settled: { generation: number; demand: number } | null;
  /** Until when the device's own timer was told to keep it on, in wall milliseconds; null: it was told no end. */
  netUntil: number | null;
  /** From when the device was told to count the times of its sound, in wall milliseconds; null: it counts none. */
  soundsSince: number | null;
  /** It has been told to be on and not been proven off since, here and now: as its device is found today. */
  mayBeOn: boolean;
  /** It was not switched off because another output wants its contact on. */
  leftToAnother: boolean;
  /** A dry run has kept it from being driven to its desired state. */
  undriven: boolean;
  /** The camera that was moved last is being looked at, until it rests. Absent: none is. */
  looking?: { stop: AbortController; overtaken(): boolean } | undefined;
  /** Looks after the last move that was sent, if its camera tells. Absent: it does not. */
  arrival?: PtzTurn['arrival'];
  /** How often the camera has not moved on the way back, and for which change of the desired state. Absent: never. */
  misses?: { generation: number; count: number } | undefined;
  /** The drive that is under way: never two commands of one output at once. */
  driving: Promise<void> | null;
}

export const isSettled = (output: ManagedOutput): boolean =>
  output.settled !== null &&
  output.settled.generation === output.state.generation &&
  output.settled.demand === output.demand;

/** Of the nodes that define an output the one with the highest priority; of several the first id. */
export function definedManner({ definers }: ManagedOutput): OutputManner | undefined {
  const [first] = [...definers].sort(
    ([a, x], [b, y]) => (y.priority ?? DEFAULT_PRIORITY) - (x.priority ?? DEFAULT_PRIORITY) || (a < b ? -1 : 1),
  );
  return first?.[1].manner;
}
