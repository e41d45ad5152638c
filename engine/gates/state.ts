import type { AcknowledgedAs, AlarmState, DecisionOutcome, EndReason, RefusalReason } from '../domain/alarms';
import type { ArmingVerdict } from '../domain/arming';
import type { EventLevel, EventPhase } from '../domain/events';

/** Names of a machine's timers. */
export type GateTimer = 'on-delay' | 'repeat' | 'quiet' | 'off-delay' | 'entry' | 'remind';

/** One level of a condition that holds now. */
export interface HeldLevel {
  /** When it began to hold. */
  since: number;
  /** Last time that it was seen. */
  seenAt: number;
  /** The vendor's event name that tells of it; a stop of the same name ends it. */
  stream: string;
  /** Implied stop: over when not seen for this long; null: only a real stop ends it. */
  quietMs: number | null;
  /** The device's rules that it holds by, as far as it named them, and when each was seen last; the latest at the end. */
  rules?: readonly { readonly rule: string; readonly seenAt: number }[];
}

/** What the machine keeps of a running alarm. */
export interface RunningAlarm {
  raisedAt: number;
  /** Highest level that holds, or that held last. */
  level: EventLevel;
  /** Starts and pulses that fell into it, the raising one included. */
  count: number;
  /** How often it has cleared; more than once when it came back. */
  clears: number;
  /** The escalation was told; it is told once. */
  escalated: boolean;
  acknowledged: boolean;
  /** When the condition ended, while the off-delay runs. */
  stoppedAt: number | null;
  /** The end was implied by quiet, not told. */
  implied: boolean;
  /** Reminders told so far. */
  reminders: number;
  /** From when the next reminder counts: the raise, the resumption, the last reminder or the one that was silent. */
  remindFrom: number;
}

/** Anti-dither window from a raise. */
export interface AntiDitherWindow {
  readonly from: number;
  readonly until: number;
  readonly refused: number;
  /** The last start that moved a sliding window; absent: none did. */
  readonly slidAt?: number;
}

/** Why a condition that holds raises nothing. */
export type HeldBack = RefusalReason | 'reset' | 'snapshot';

/**
 * Everything that one machine knows: plain data that can be stored as JSON. Never changed in place.
 * `starts` are the times of the starts that count for N-in-T and for the count of an alarm still pending.
 */
export interface GateState {
  readonly phase: AlarmState;
  readonly levels: { readonly 'pre-alarm'?: HeldLevel; readonly alarm?: HeldLevel };
  /** Since when the condition holds. */
  readonly startedAt: number | null;
  readonly heldBack: HeldBack | null;
  readonly starts: readonly number[];
  readonly alarm: Readonly<RunningAlarm> | null;
  /** Anti-dither window `[from, until)` and the starts that it refused. */
  readonly window: AntiDitherWindow | null;
  /** The raise that waits for the end of an entry delay. */
  readonly entry: { readonly since: number; readonly until: number; readonly level: EventLevel } | null;
  /** Identities of the latest events, to know one that is delivered twice. */
  readonly recent: readonly { readonly eventId: string; readonly identity: string | null; readonly at: number }[];
  /** The timers that are set, with the time at which each is due. */
  readonly timers: { readonly [name in GateTimer]?: number };
}

export const initialState: GateState = {
  phase: 'normal',
  levels: {},
  startedAt: null,
  heldBack: null,
  starts: [],
  alarm: null,
  window: null,
  entry: null,
  recent: [],
  timers: {},
};

/** What an operator holds back, for people and for the gates. */
export interface ShelfVerdict {
  detail: string;
  /** Wall milliseconds; null: until its condition has ended once. */
  until: number | null;
}

/**
 * A stored state as this version knows it: what an older version did not keep gets the value that changes nothing.
 */
export function completeState(stored: Partial<GateState>): GateState {
  const { alarm } = stored;
  return {
    ...initialState,
    ...stored,
    alarm:
      alarm == null
        ? null
        : { ...alarm, reminders: alarm.reminders ?? 0, remindFrom: alarm.remindFrom ?? alarm.raisedAt },
  };
}

/** What surrounds a decision: arming and operators' orders at that moment. */
export interface GateContext {
  /** Whether site, area, device and trigger are armed, by the published order of precedence. */
  arming: ArmingVerdict;
  /** The trigger's schedule, with the sentence that explains it. */
  schedule: { armed: boolean; detail: string /** When it turns; absent: never, or not known. */; to?: number };
  /** Held back by an operator: a sentence, and until when at the latest; null: not shelved. */
  shelf: ShelfVerdict | null;
  /** Verdict of the flood control; null: no objection. */
  flood: string | null;
  /**
   * Whether a hold of the condition's cleared alarm lives; absent: it does. Where none does, the alarm is over but for
   * its paperwork, and a new start has to pass the filtering time before it falls into it.
   */
  held?: boolean;
}

/** An event, as the gates see it. */
export interface GateSignal {
  kind: 'signal';
  at: number;
  phase: EventPhase;
  eventId: string;
  /** The same for one device event that is delivered twice; null where the device gives nothing to tell it by. */
  identity: string | null;
  stream: string;
  /** The device's rule; absent: it names none, or has an alarm of its own. */
  rule?: string;
  level: EventLevel;
  /** Quiet time known of the source; null when it tells its ends. */
  quietMs: number | null;
  /** Why it is late, or null. */
  late: string | null;
  /** A late stop that is older than the condition that holds: it ended another one. */
  outdated?: boolean;
  /** Why the filter refuses it, or null. */
  filter: string | null;
  context: GateContext;
}

export type GateInput =
  | GateSignal
  /** A timer is due; `at` is its own time, also when it is handled late. */
  | { kind: 'timer'; name: GateTimer; at: number; context: GateContext }
  /** The arming may have changed: site armed or disarmed, a window opened or closed, start of the engine. */
  | { kind: 'arming'; at: number; context: GateContext }
  /** Nothing holds the cleared alarm any more. */
  | { kind: 'released'; at: number }
  | { kind: 'acknowledge'; at: number; who: string; as?: AcknowledgedAs }
  | { kind: 'reset'; at: number; who: string }
  /** The policy is another than the one that made the state. */
  | { kind: 'policy'; at: number; context: GateContext }
  /** The wall clock was set, forward (`by` > 0) or back: what the state has measured is carried over. */
  | { kind: 'clock'; at: number; by: number }
  /** The trigger is gone or no longer listens to this condition. */
  | { kind: 'removed'; at: number; detail: string };

/** What made an alarm rise. */
export type RaisedBy = EventPhase | 'on-delay' | 'repeat' | 'window-open' | 'entry-delay';

export type GateEffect =
  | { kind: 'start-timer'; name: GateTimer; at: number }
  | { kind: 'cancel-timer'; name: GateTimer }
  | { kind: 'raise'; at: number; level: EventLevel; count: number; by: RaisedBy }
  /** `told` is false when the flow has heard of an escalation of this alarm before. */
  | { kind: 'escalate'; at: number; level: EventLevel; told: boolean }
  | { kind: 'de-escalate'; at: number; level: EventLevel }
  /** A further start fell into the alarm. */
  | { kind: 'merge'; at: number; count: number }
  /** The condition was seen again; nothing counts. */
  | { kind: 'seen'; at: number }
  /** It came back before its end: the holds' countdowns are cancelled. */
  | { kind: 'resume'; at: number }
  | { kind: 'clear'; at: number; clears: number }
  /** The alarm lasts: the `n`th reminder, from 1. */
  | { kind: 'remind'; at: number; n: number }
  /** An entry route was entered: the raise waits until then. */
  | { kind: 'entry'; at: number; until: number }
  | { kind: 'acknowledge'; at: number; who: string; as?: AcknowledgedAs }
  | { kind: 'end'; at: number; reason: EndReason }
  | { kind: 'decide'; at: number; outcome: DecisionOutcome; reason: string; detail: string };

export interface GateStep {
  state: GateState;
  effects: GateEffect[];
}

/** Whether any level of the condition holds. */
export const holds = (state: GateState): boolean =>
  state.levels.alarm !== undefined || state.levels['pre-alarm'] !== undefined;

/** Highest level that holds, or null. */
export const highestLevel = (levels: GateState['levels']): EventLevel | null =>
  levels.alarm !== undefined ? 'alarm' : levels['pre-alarm'] !== undefined ? 'pre-alarm' : null;

/** Whether the state carries something that a restart must not lose. */
export const worthKeeping = (state: GateState, at: number): boolean =>
  state.phase !== 'normal' ||
  holds(state) ||
  (state.window !== null && at >= state.window.from && at < state.window.until);

/** At one moment the end of a condition is taken before the delay that asks whether it holds. */
const tieOrder: readonly GateTimer[] = ['quiet', 'off-delay', 'on-delay', 'repeat', 'entry'];

/**
 * The timer that must be handled before anything that happens at `at`: the earliest one due, with its own time.
 * Null when none is due.
 */
export function nextDue(state: GateState, at: number): { name: GateTimer; at: number } | null {
  let next: { name: GateTimer; at: number } | null = null;
  for (const name of tieOrder) {
    const due = state.timers[name];
    if (due !== undefined && due <= at && (next === null || due < next.at)) next = { name, at: due };
  }
  const { remind } = state.timers;
  // A reminder speaks of the present: an overdue one is told once, now, and only if the alarm still runs by then.
  if (next === null && remind !== undefined && remind <= at) return { name: 'remind', at };
  return next;
}
