/** What a simulation tells: one entry for each thing that would have happened. Plain data; times are wall milliseconds. */
import type { ActionKind, ActionRow } from '../domain/actions';
import type { AlarmPhase, DecisionOutcome } from '../domain/alarms';
import type { OutputKind } from '../domain/outputs';

/** A decision of the gates: on an event, or because time passed or a person ordered it. */
export interface DecisionEntry {
  kind: 'decision';
  at: number;
  outcome: DecisionOutcome;
  reason: string;
  detail: string;
  triggerId: string | null;
  trigger: string | null;
  /** Number of the alarm in this simulation, counted from 1 in the order of the raises; null without one. */
  alarm: number | null;
  device: string | null;
  /** Type of the event or of the alarm; null where neither is known. */
  type: string | null;
  /** Channel, input, rule and the like, for people. */
  place: string;
  /** Which condition of the trigger; empty where the trigger was asked as a whole. */
  key: string;
  /** Where the event stood in the input. */
  line: number | null;
}

/** An alarm's message on its way to the action nodes. */
export interface MessageEntry {
  kind: 'message';
  at: number;
  phase: AlarmPhase;
  triggerId: string;
  trigger: string;
  alarm: number | null;
  device: string;
  type: string;
  place: string;
  /** Which reminder, which step of an escalation, how many raises a flood notice stands for. */
  detail: string;
}

/** An action that would have been sent, or why it would not. */
export interface ActionEntry {
  kind: 'action';
  at: number;
  action: ActionKind;
  nodeId: string;
  node: string;
  phase: ActionRow['phase'];
  alarm: number | null;
  trigger: string | null;
  device: string | null;
  /** Receivers, preset, text: what the action would have carried, for people. */
  detail: string;
  /** Why it is held back or skipped (interval, disarmed); null: it would have been sent. */
  heldBack: string | null;
  params: Record<string, unknown>;
}

/** An output that would have been switched, or be on in another way. */
export interface OutputEntry {
  kind: 'output';
  at: number;
  id: string;
  name: string;
  device: string;
  on: boolean;
  /** `relay`, `siren` … */
  what: OutputKind;
  /** How it is on, in words ("sound 3"); of a camera that is off: where it returns to. Empty: in no special way. */
  manner: string;
}

/** A message that reached a node which the simulation leaves out. */
export interface LeftOutEntry {
  kind: 'left-out';
  at: number;
  nodeId: string;
  node: string;
  type: string;
  why: 'outside' | 'clock' | 'unknown';
}

/** A node said something went wrong; a person would find it in the log. */
export interface ComplaintEntry {
  kind: 'complaint';
  at: number;
  text: string;
}

export type ReportEntry = DecisionEntry | MessageEntry | ActionEntry | OutputEntry | LeftOutEntry | ComplaintEntry;

/** One alarm from its raise to its end. */
export interface SimulatedAlarm {
  alarm: number;
  triggerId: string;
  trigger: string;
  /** What told it from the trigger's other alarms. */
  key: string;
  device: string;
  type: string;
  place: string;
  level: string;
  count: number;
  raisedAt: number;
  clearedAt: number | null;
  endedAt: number | null;
  endReason: string | null;
}

/** Times during which one output was on. */
export interface OutputSpans {
  id: string;
  name: string;
  device: string;
  /** `to` is null while it is still on at the end. */
  spans: { from: number; to: number | null }[];
  onMs: number;
}

export interface SimulationSummary {
  from: number;
  to: number;
  events: number;
  orders: number;
  raised: number;
  escalated: number;
  reminded: number;
  cleared: number;
  ended: number;
  merged: number;
  /** How often an event was refused, by reason. */
  refused: Record<string, number>;
  /** Events that no trigger listens to. */
  unheard: number;
  /** Actions by kind. */
  actions: Record<string, number>;
  /** Actions that were held back or skipped, by kind. */
  heldBack: Record<string, number>;
  outputs: OutputSpans[];
  /** Messages that reached nodes which are left out, by node. */
  leftOut: { nodeId: string; node: string; type: string; why: LeftOutEntry['why']; messages: number }[];
}

export interface SimulationResult {
  /** What stood at the beginning of a recorded period and what is not known of it, a sentence each. */
  beginning?: string[];
  summary: SimulationSummary;
  alarms: SimulatedAlarm[];
  /** Actions by time, without their parameters; for comparisons. */
  actions: Pick<ActionEntry, 'at' | 'action' | 'nodeId' | 'node' | 'phase' | 'alarm' | 'detail'>[];
  /** What a person has to know before trusting the report. */
  warnings: string[];
}
