import type { OutputState } from '../domain/outputs';

/** One output in memory: its row, who defines it, and how far it has been driven. */
export interface ManagedOutput {
  /** Replaced, never changed in place, at every change. */
  state: OutputState;
  /** Nodes that define it. */
  definers: Set<string>;
  /** No node defines it any more: it is driven off and then forgotten. */
  retiring: boolean;
  /** Counts the reasons to send the state again although it has not changed (device came back, start, manual mode). */
  demand: number;
  /** What the device has confirmed, as generation and demand; null before the first time in this run. */
  settled: { generation: number; demand: number } | null;
  /** The drive that is under way: never two commands of one output at once. */
  driving: Promise<void> | null;
}

export const isSettled = (output: ManagedOutput): boolean =>
  output.settled !== null &&
  output.settled.generation === output.state.generation &&
  output.settled.demand === output.demand;
