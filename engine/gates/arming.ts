/**
 * Arming and disarming (REQUIREMENTS S3, S4; DESIGN §1.5): pure, time comes in as an input.
 *
 * Each subject (site, area, device, channel, trigger, action) has a state of its own:
 *
 * disarmed ─arm▶ exit-delay ─its end▶ armed ─entry route▶ entry-delay ─its end▶ armed
 *     ◀──────────────────────────── disarm ────────────────────────────┘
 *
 * Rules inside one subject:
 * - The newest order stands; an edge of the subject's schedule is an order like any other.
 * - A timed order stands for its time, also against the schedule: who says "disarmed for 2 h" does not expect to set
 *   off the alarm after one. An edge meanwhile changes what it goes back to. A newer order ends it.
 * - Arming what is armed restarts no delay and lifts none: a running entry delay is ended by disarming alone.
 * - Where nobody has ever said anything, it is armed.
 */
import type { ArmingPhase, ArmingScope, ArmingSource, ArmingVerdict, ArmingWay, OpenCondition } from '../domain/arming';
import { armedAlways } from '../domain/arming';
import type { AlarmPolicy } from '../domain/triggers';
import { silentAt } from './due';
import type { GateState } from './state';
import { duration } from './words';

/** The order that stands. */
export interface StandingOrder {
  readonly armed: boolean;
  readonly how: ArmingWay;
  readonly source: ArmingSource;
  readonly who: string;
  readonly at: number;
}

/** Everything that is known of one subject: plain data, stored as JSON, never changed in place. */
export interface ArmingState {
  readonly phase: ArmingPhase;
  /** null: nobody has ever given one. */
  readonly order: StandingOrder | null;
  /** End of the exit or entry delay that runs. */
  readonly delayUntil: number | null;
  /** The standing order holds until then; afterwards `back` does, or nothing if that is null. */
  readonly timed: { readonly until: number; readonly back: StandingOrder | null } | null;
  readonly bypassed: readonly OpenCondition[];
}

export const neverOrdered: ArmingState = {
  phase: 'armed',
  order: null,
  delayUntil: null,
  timed: null,
  bypassed: [],
};

export type ArmingEvent =
  | {
      kind: 'order';
      at: number;
      armed: boolean;
      how: ArmingWay;
      source: ArmingSource;
      who: string;
      forMs: number | null;
      exitDelayMs: number;
      /** What is open and stands against arming. */
      open: readonly OpenCondition[];
    }
  | {
      /** What the subject's schedule says at that moment. */
      kind: 'schedule';
      at: number;
      armed: boolean;
      /** Name of the schedule. */
      who: string;
      /** Whether the schedule has turned since then, that moment not included. */
      turnedSince(at: number): boolean;
      how: Exclude<ArmingWay, 'normal'>;
      exitDelayMs: number;
      open: readonly OpenCondition[];
    }
  /** The subject has no schedule any more: what that has ordered stands no longer. */
  | { kind: 'unscheduled'; at: number }
  /** Time has come to `at`. */
  | { kind: 'time'; at: number; how: Exclude<ArmingWay, 'normal'>; open: readonly OpenCondition[] }
  /** The wall clock was set by so much, and reads `at` now: delays and timed orders keep their length. */
  | { kind: 'wall-set'; at: number; byMs: number }
  /** Somebody has come in by an entry route. */
  | { kind: 'entered'; at: number; until: number };

export interface ArmingStep {
  state: ArmingState;
  /** Not empty: the order was refused because of these, and nothing has changed. */
  refused: readonly OpenCondition[];
}

const same = (a: OpenCondition, b: OpenCondition): boolean => a.triggerId === b.triggerId && a.key === b.key;

const union = (known: readonly OpenCondition[], more: readonly OpenCondition[]): readonly OpenCondition[] => {
  const added = more.filter((one) => !known.some((other) => same(one, other)));
  return added.length === 0 ? known : [...known, ...added];
};

const disarmed = { phase: 'disarmed', delayUntil: null, bypassed: [] } as const;

/** The subject after one event; the same object when nothing has changed. Call it with `time` first. */
export function armingStep(state: ArmingState, event: ArmingEvent): ArmingStep {
  switch (event.kind) {
    case 'order':
      return ordered(state, event);
    case 'schedule':
      return { state: scheduled(state, event), refused: [] };
    case 'unscheduled':
      return { state: unscheduled(state), refused: [] };
    case 'time':
      return { state: elapsed(state, event), refused: [] };
    case 'wall-set':
      return { state: carried(state, event.byMs, event.at), refused: [] };
    case 'entered':
      return {
        state:
          state.phase === 'armed' && event.until > event.at
            ? { ...state, phase: 'entry-delay', delayUntil: event.until }
            : state,
        refused: [],
      };
  }
}

type Arms = Pick<ArmingState, 'phase' | 'delayUntil' | 'bypassed'>;

/** The subject's own state after an order that arms it. */
function arms(
  state: ArmingState,
  at: number,
  how: ArmingWay,
  exitDelayMs: number,
  open: readonly OpenCondition[],
): Arms {
  const { phase, delayUntil, bypassed } = state;
  if (phase === 'disarmed') {
    return {
      phase: exitDelayMs > 0 ? 'exit-delay' : 'armed',
      delayUntil: exitDelayMs > 0 ? at + exitDelayMs : null,
      bypassed: how === 'bypass' ? open : [],
    };
  }
  const then = how === 'force' ? [] : how === 'bypass' ? union(bypassed, open) : bypassed;
  return { phase, delayUntil, bypassed: then };
}

function ordered(state: ArmingState, event: Extract<ArmingEvent, { kind: 'order' }>): ArmingStep {
  const { at, armed, how, source, who, forMs, exitDelayMs, open } = event;
  if (armed && how === 'normal' && state.phase === 'disarmed' && open.length > 0) return { state, refused: open };
  const base = state.timed === null ? state.order : state.timed.back;
  return {
    state: {
      ...(armed ? arms(state, at, how, exitDelayMs, open) : disarmed),
      order: { armed, how, source, who, at },
      timed: forMs === null ? null : { until: at + forMs, back: base },
    },
    refused: [],
  };
}

/** Whether what the schedule says now replaces an order. */
function replaces(order: StandingOrder | null, event: Extract<ArmingEvent, { kind: 'schedule' }>): boolean {
  if (order === null) return !event.armed;
  // What it ordered itself it may correct at any time, e.g. after its periods were changed.
  if (order.source === 'schedule') return order.armed !== event.armed;
  return event.turnedSince(order.at);
}

function scheduled(state: ArmingState, event: Extract<ArmingEvent, { kind: 'schedule' }>): ArmingState {
  const { at, armed, how, who, exitDelayMs, open } = event;
  const order: StandingOrder = { armed, how, source: 'schedule', who, at };
  if (state.timed !== null) {
    const { until, back } = state.timed;
    return replaces(back, event) ? { ...state, timed: { until, back: order } } : state;
  }
  if (!replaces(state.order, event)) return state;
  return { ...(armed ? arms(state, at, how, exitDelayMs, open) : disarmed), order, timed: null };
}

function unscheduled(state: ArmingState): ArmingState {
  const { timed, order } = state;
  if (timed !== null) return timed.back?.source === 'schedule' ? { ...state, timed: { ...timed, back: null } } : state;
  return order?.source === 'schedule' ? { ...neverOrdered, bypassed: state.bypassed } : state;
}

function elapsed(state: ArmingState, event: Extract<ArmingEvent, { kind: 'time' }>): ArmingState {
  const { at, how, open } = event;
  let now = state;
  if (now.delayUntil !== null && at >= now.delayUntil) {
    // What was left open on the way out is bypassed with the rest, if that was the order.
    const bypassed =
      now.phase === 'exit-delay' && now.order?.how === 'bypass' ? union(now.bypassed, open) : now.bypassed;
    now = { ...now, phase: 'armed', delayUntil: null, bypassed };
  }
  if (now.timed !== null && at >= now.timed.until) {
    const { back } = now.timed;
    // Nobody goes out by the clock: no exit delay.
    now = {
      ...((back?.armed ?? true) ? arms(now, at, now.phase === 'disarmed' ? how : 'normal', 0, open) : disarmed),
      order: back,
      timed: null,
    };
  }
  return now;
}

function carried(state: ArmingState, byMs: number, at: number): ArmingState {
  const { delayUntil, timed, order } = state;
  // An order out of the future would keep out every edge of the schedule until then.
  const early = order !== null && order.at > at;
  if (delayUntil === null && timed === null && !early) return state;
  return {
    ...state,
    delayUntil: delayUntil === null ? null : delayUntil + byMs,
    timed: timed === null ? null : { ...timed, until: timed.until + byMs },
    order: early ? { ...order, at } : order,
  };
}

/** When the next delay or timed order of a subject ends; null: none runs. */
export function armingDue(state: ArmingState): number | null {
  const { delayUntil, timed } = state;
  if (delayUntil === null) return timed?.until ?? null;
  return timed === null ? delayUntil : Math.min(delayUntil, timed.until);
}

/** The phase at a moment, whether or not the end of a delay has been told yet. */
export function phaseAt(state: ArmingState, at: number): ArmingPhase {
  const { phase, delayUntil, timed } = state;
  if (timed !== null && at >= timed.until) {
    if (!(timed.back?.armed ?? true)) return 'disarmed';
    if (phase === 'disarmed') return 'armed';
  }
  return delayUntil !== null && at >= delayUntil ? 'armed' : phase;
}

/** Whether a condition holds at a moment, as far as arming asks: what has been quiet for too long holds no more. */
export function openAt(state: GateState, at: number): boolean {
  const { alarm, 'pre-alarm': pre } = state.levels;
  for (const level of [alarm, pre]) {
    if (level === undefined) continue;
    const silent = silentAt(level);
    if (silent === null || silent > at) return true;
  }
  return false;
}

/**
 * The published order of precedence (docs/arming.md): every scope must be armed for a raise, and the first of these
 * that is not is the reason on record. `always` tells whether it counts for a 24-hour trigger.
 */
export const armingPrecedence: readonly { scope: ArmingScope | 'schedule'; always: boolean }[] = [
  { scope: 'site', always: false },
  { scope: 'area', always: false },
  { scope: 'device', always: false },
  { scope: 'channel', always: false },
  { scope: 'trigger', always: true },
  { scope: 'schedule', always: true },
  { scope: 'action', always: true },
];

const countsForAlways = new Set(armingPrecedence.filter((row) => row.always).map((row) => row.scope));

/** One scope around a trigger, with what stands there. */
export interface ArmingAround {
  scope: ArmingScope;
  /** What people call it, e.g. `area "Hall"`. */
  name: string;
  state: ArmingState;
  atDisarm: 'end' | 'let-run';
  /** When its schedule arms it again, where one has disarmed it. */
  scheduleArmsAt?: number | null;
}

export interface ArmingQuestion {
  at: number;
  /** Scopes in the published order; one of which nothing is known may be left out. */
  around: readonly ArmingAround[];
  policy: Pick<AlarmPolicy, 'arming' | 'entry'>;
  /** Where the entry delay counts: the trigger's area, or the site for a trigger without one. */
  entry: { state: ArmingState; entryDelayMs: number } | null;
  /** The condition that is to raise; null: the trigger as such. */
  condition: { triggerId: string; key: string } | null;
}

/** Who gave an order, for people. */
export function bywhom(order: StandingOrder): string {
  switch (order.source) {
    case 'schedule':
      return `by schedule "${order.who}"`;
    case 'input':
      return `by input ${order.who}`;
    case 'node':
      return `by node "${order.who}"`;
    default:
      return `by ${order.who}`;
  }
}

function objection(around: ArmingAround, question: ArmingQuestion): string | null {
  const { name, state } = around;
  const { at, condition } = question;
  const phase = phaseAt(state, at);
  if (phase === 'disarmed') {
    const whom = state.order === null || state.order.armed ? '' : ` ${bywhom(state.order)}`;
    const left =
      state.timed !== null && at < state.timed.until && (state.timed.back?.armed ?? true)
        ? `, for another ${duration(state.timed.until - at)}`
        : '';
    return `${name} is disarmed${whom}${left}`;
  }
  if (phase === 'exit-delay') return `${name}: exit delay: ${duration((state.delayUntil ?? at) - at)} left`;
  if (condition === null || state.bypassed.length === 0) return null;
  const bypassed = state.bypassed.some((one) => one.triggerId === condition.triggerId && one.key === condition.key);
  if (!bypassed) return null;
  return `bypassed when ${name} was armed${state.order === null ? '' : ` ${bywhom(state.order)}`}`;
}

function opensAt(around: ArmingAround, at: number): number | null {
  const { state } = around;
  const phase = phaseAt(state, at);
  if (phase === 'exit-delay') return state.delayUntil;
  if (phase !== 'disarmed') return null;
  if (state.timed !== null) return (state.timed.back?.armed ?? true) ? state.timed.until : null;
  return state.order?.source === 'schedule' ? (around.scheduleArmsAt ?? null) : null;
}

/** What all scopes around a trigger say together. */
export function armingVerdict(question: ArmingQuestion): ArmingVerdict {
  const { at, around, policy } = question;
  let detail: string | null = null;
  let atDisarm: 'end' | 'let-run' = 'let-run';
  let armsAt: number | null = null;
  for (const one of around) {
    if (policy.arming === 'always' && !countsForAlways.has(one.scope)) continue;
    const why = objection(one, question);
    if (why === null) continue;
    const own = opensAt(one, at);
    armsAt = detail === null ? own : armsAt === null || own === null ? null : Math.max(armsAt, own);
    detail ??= why;
    // A running alarm ends if any scope that is disarmed says so, whichever is the reason on record.
    if (phaseAt(one.state, at) === 'disarmed' && one.atDisarm === 'end') atDisarm = 'end';
  }
  if (detail !== null) return { armed: false, detail, atDisarm, entryUntil: null, armsAt };
  const entryUntil = policy.arming === 'always' ? null : entryEnd(question);
  return entryUntil === null ? armedAlways : { ...armedAlways, detail: 'armed', entryUntil };
}

function entryEnd({ at, policy, entry }: ArmingQuestion): number | null {
  if (entry === null || policy.entry === 'none') return null;
  const { state, entryDelayMs } = entry;
  if (phaseAt(state, at) === 'entry-delay') return state.delayUntil;
  return policy.entry === 'starts' && entryDelayMs > 0 ? at + entryDelayMs : null;
}
