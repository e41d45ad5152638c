/** Why an event raised an alarm or did not, and what would become of one now (REQUIREMENTS: "why it did not fire"). */
import type { ActionStatus } from './actions';
import type { Alarm, Decision, DecisionOutcome, RefusalReason } from './alarms';

/** `waiting`: neither open nor shut, the condition has to hold or to come again. */
export type GateResult = 'passed' | 'refused' | 'waiting' | 'not-asked';

/** A gate, or the entry delay that a raise waits for once it has passed them all. */
export type WhyGate = RefusalReason | 'entry-delay';

/** One gate, in the order of DESIGN §1, with the values that decided. */
export interface GateCheck {
  gate: WhyGate;
  result: GateResult;
  /** A sentence with the gate's values; empty where the gate was not asked. */
  detail: string;
  /** When it opens next (wall milliseconds); null: it is open, or no time is known. */
  opensAt: number | null;
  /** What opens it, in words, also where no time is known; null while it is open. */
  opens: string | null;
}

/** What one trigger made of the event, or would make of one. */
export interface TriggerCheck {
  /** null: no trigger listened at all. */
  triggerId: string | null;
  triggerName: string;
  /**
   * `decided`: it decided on the event; `near`: its filter named the event's device or type, but not both, so it was
   * never asked; `supposed`: an event of it was supposed.
   */
  relation: 'decided' | 'near' | 'supposed';
  /** Which of its conditions, as canonical text; null where that is not known. */
  key: string | null;
  at: number;
  /** null: the trigger was not asked. */
  outcome: DecisionOutcome | null;
  reason: string;
  detail: string;
  alarmId: string | null;
  /** The gate that decided; null when none refused and none made it wait. */
  decidedBy: WhyGate | null;
  gates: GateCheck[];
  /** When, and by what, the gate that decided opens (or would have opened). */
  opensAt: number | null;
  opens: string | null;
  /** What time made of it afterwards: the filtering time that ended, a window that opened. Oldest first. */
  later: Decision[];
}

/** One linkage action of an alarm and what came of it. */
export interface FollowedAction {
  key: string;
  nodeName: string;
  kind: string;
  phase: string;
  status: ActionStatus;
  /** What happened, in words; null while nothing has. */
  summary: string | null;
  errorCode: string | null;
  attempts: number;
  /** Milliseconds that the last attempt took; null while there was none. */
  durationMs: number | null;
  requestedAt: number;
  finishedAt: number | null;
}

/** One output that the alarm holds now. */
export interface FollowedOutput {
  outputId: string;
  name: string;
  /** When the hold ends; null: not before the clear, or not before somebody clears it by hand. */
  endsAt: number | null;
  detail: string;
}

/** An alarm that the event led to, with all that followed. */
export interface FollowedAlarm {
  alarm: Alarm;
  /** Its decisions, oldest first; at most `LONGEST_LIFE`. */
  life: Decision[];
  /** What it waits for; null once it has ended. */
  waitsFor: string | null;
  actions: FollowedAction[];
  outputs: FollowedOutput[];
}

export interface WhyAnswer {
  subject: { kind: 'event' | 'alarm' | 'trigger'; id: string; at: number; title: string };
  /** The answer in one or two sentences for people. */
  verdict: string;
  /** What must be known to read the answer rightly ("the trigger was changed since"). */
  notes: string[];
  /** Triggers that decided first, then those that nearly were concerned. */
  triggers: TriggerCheck[];
  followed: FollowedAlarm[];
}

/** What the answers read of the record, beside events and alarms by id. */
export interface WhyRecord {
  /** Decisions of a trigger (but not of its filter) made after this one, not more than so much later, oldest first. */
  decisionsOf(query: { triggerId: string; after: string; withinMs: number; limit: number }): Promise<Decision[]>;
  /** Alarms that this event began, raised within the span, oldest first. */
  alarmsOfEvent(query: { eventId: string; from: number; until: number; limit: number }): Promise<Alarm[]>;
}
