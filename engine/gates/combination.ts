/**
 * The machine of a combination (REQUIREMENTS T16): pure, the only time is that of the messages.
 *
 * What makes the combined condition, and what ends it:
 * - `any`: the first operand that begins; over when none holds any more. Each further start counts as a start.
 * - `all`: every operand holds at once; over when the first of them ends.
 * - `sequence`: the operands begin in their order, the last one at most `withinMs` after the first. A repeated start
 *   takes the place of the former, and every start serves one sequence only. Over when the last operand's condition
 *   that completed it ends. The same object is not required.
 * - `count`: `count` starts, of whichever operand, that lie at most `withinMs` apart. They are used up by it. Over when
 *   no operand holds any more.
 * A source that tells no end leaves the end to the trigger's quiet time.
 *
 * Order and time: a sequence is judged in the order of arrival, with the times that the messages tell; equal times
 * count, a later time of the earlier operand does not. Starts further from the present one than `withinMs`, before or
 * after, are forgotten, so that a clock that was set back completes nothing by itself.
 * The start of an alarm counts once: its escalation, a repeated message and a start that arrives after its end do not.
 */
import {
  type CombinationRule,
  combinationModes,
  LONGEST_COMBINATION_MS,
  MOST_COMBINED_STARTS,
  MOST_OPERANDS,
  type OperandMessage,
} from '../domain/combinations';
import type { DeviceEvent, PictureRef } from '../domain/events';
import type { DerivedSignal, SourceMachine } from '../domain/triggers';
import { duration } from './words';

/** Conditions that one combination follows at once; the oldest gives way. */
const MOST_HELD = 500;
/** Messages and alarms that are over, remembered to know them when they come again. */
const MOST_RECENT = 64;
const MOST_PICTURES = 4;
/** Operands that a description names. */
const MOST_NAMED = 5;

/** One start of an operand, or its condition while it holds. */
interface Part {
  readonly operand: string;
  readonly condition: string;
  readonly name: string;
  readonly place?: string;
  readonly at: number;
  readonly pictures: readonly PictureRef[];
}

/** Plain data that can be stored as JSON; never changed in place. */
export interface CombinationState {
  readonly mode: CombinationRule['mode'];
  /** Conditions that hold, oldest first. */
  readonly held: readonly Part[];
  /** `sequence`: the latest start that has come as far as this step, for each step but the last. */
  readonly chains: readonly { readonly step: number; readonly parts: readonly Part[] }[];
  /** `count`: starts that were not used up, by time. */
  readonly starts: readonly Part[];
  /** The combined condition holds. */
  readonly holds: boolean;
  /** `sequence`: conditions of the last operand that completed one and hold still. */
  readonly completedBy: readonly string[];
  readonly recent: readonly string[];
}

type Draft = { -readonly [K in keyof CombinationState]: CombinationState[K] };

interface Answer {
  signal?: Pick<DerivedSignal, 'phase' | 'description' | 'pictures'>;
  why?: string;
}

/** Why a rule that came from a flow cannot work, or null. */
export function combinationProblem(rule: CombinationRule): string | null {
  const { mode, operands, withinMs, count } = rule;
  if (!combinationModes.includes(mode)) return `mode is ${String(mode)}; give one of ${combinationModes.join(', ')}`;
  if (!Array.isArray(operands) || operands.some((operand) => typeof operand !== 'string' || operand === ''))
    return 'operands must be a list of node ids or topics';
  if (new Set(operands).size !== operands.length) return 'each operand can stand in the list once';
  const least = mode === 'all' || mode === 'sequence' ? 2 : 1;
  if (operands.length < least || operands.length > MOST_OPERANDS)
    return `it has ${operands.length} operands; give ${least} to ${MOST_OPERANDS}`;
  const timed = mode === 'sequence' || mode === 'count';
  if (timed && !(Number.isFinite(withinMs) && withinMs >= 0 && withinMs <= LONGEST_COMBINATION_MS))
    return `withinMs is ${withinMs}; give milliseconds from 0 to ${LONGEST_COMBINATION_MS}`;
  if (mode === 'count' && !(Number.isInteger(count) && count >= 2 && count <= MOST_COMBINED_STARTS))
    return `count is ${count}; give a whole number from 2 to ${MOST_COMBINED_STARTS}`;
  return null;
}

/** Conditions of alarms that the state believes to hold; none for a state that is no combination's. */
export function runningOperands(state: unknown): Pick<Part, 'operand' | 'condition' | 'name'>[] {
  const held = (state as Partial<CombinationState> | null | undefined)?.held ?? [];
  return held
    .filter(({ condition, operand }) => condition !== operand)
    .map(({ condition, operand, name }) => ({ condition, operand, name }));
}

const initial = (mode: CombinationRule['mode']): CombinationState => ({
  mode,
  held: [],
  chains: [],
  starts: [],
  holds: false,
  completedBy: [],
  recent: [],
});

const named = (part: Part): string => (part.place === undefined ? part.name : `${part.name} (${part.place})`);

function listed(parts: readonly Part[], joint: string): string {
  const names = parts.slice(0, MOST_NAMED).map(named);
  if (parts.length > MOST_NAMED) names.push(`${parts.length - MOST_NAMED} more`);
  return names.join(joint);
}

const picturesOf = (parts: readonly Part[]): PictureRef[] => parts.flatMap((part) => part.pictures);

/** The operand that an event is about; a message that names none is about its topic. */
function operandOf(event: DeviceEvent): OperandMessage {
  const topic = event.rule ?? '';
  return event.operand ?? { operand: topic, name: topic, condition: topic, messageId: event.id };
}

/** @param rule a checked one (`combinationProblem`) */
export function combinationMachine(rule: CombinationRule): SourceMachine<CombinationState> {
  const { mode, operands, withinMs } = rule;

  const near = (part: Part, at: number): boolean => Math.abs(at - part.at) <= withinMs;

  const complete = (held: readonly Part[]): boolean =>
    operands.every((operand) => held.some((part) => part.operand === operand));

  const begun = (draft: Draft, part: Part): Answer => {
    switch (mode) {
      case 'any':
        draft.holds = true;
        return { signal: { phase: 'start', description: `${named(part)} began; one of ${operands.length} is enough` } };
      case 'all':
        return begunWithOthers(draft, part);
      case 'sequence':
        return begunInOrder(draft, part);
      case 'count':
        return begunAgain(draft, part);
    }
  };

  const begunWithOthers = (draft: Draft, part: Part): Answer => {
    if (!complete(draft.held)) {
      const missing = operands.filter((operand) => !draft.held.some((held) => held.operand === operand)).length;
      return { why: `${named(part)} began; ${missing} of ${operands.length} are missing` };
    }
    const phase = draft.holds ? 'refresh' : 'start';
    draft.holds = true;
    const text = `${listed(draft.held, ' and ')} hold at once`;
    return { signal: { phase, description: text, pictures: picturesOf(draft.held) } };
  };

  const begunInOrder = (draft: Draft, part: Part): Answer => {
    const step = operands.indexOf(part.operand);
    const kept = draft.chains.filter(({ parts }) => parts[0] !== undefined && near(parts[0], part.at));
    if (step === 0) {
      draft.chains = [...kept.filter((chain) => chain.step !== 0), { step, parts: [part] }];
      return { why: `${named(part)} began; the next one has ${duration(withinMs)} from now` };
    }
    draft.chains = kept;
    const former = kept.find((chain) => chain.step === step - 1);
    const first = former?.parts[0];
    if (former === undefined || first === undefined || first.at > part.at) {
      const missing = first === undefined ? 'the one before it did not begin' : 'the one before it began later';
      return { why: `${named(part)} began, but ${missing} within ${duration(withinMs)}` };
    }
    const parts = [...former.parts, part];
    const others = kept.filter((chain) => chain !== former);
    if (step < operands.length - 1) {
      draft.chains = [...others.filter((chain) => chain.step !== step), { step, parts }];
      const left = withinMs - (part.at - first.at);
      return { why: `step ${step + 1} of ${operands.length}: ${listed(parts, ', then ')}; ${duration(left)} left` };
    }
    draft.chains = others;
    draft.holds = true;
    draft.completedBy = [...draft.completedBy.filter((condition) => condition !== part.condition), part.condition];
    const text = `${listed(parts, ', then ')} ${duration(part.at - first.at)} later (within ${duration(withinMs)})`;
    return { signal: { phase: 'start', description: text, pictures: picturesOf(parts) } };
  };

  const begunAgain = (draft: Draft, part: Part): Answer => {
    const starts = [...draft.starts.filter((start) => near(start, part.at)), part].sort((a, b) => a.at - b.at);
    const { count } = rule;
    // Whatever completes the number contains the new start: without it there would be none left to complete.
    const run = starts.findIndex((start, i) => {
      const last = starts[i + count - 1];
      return last !== undefined && last.at - start.at <= withinMs;
    });
    if (run >= 0) {
      const counted = starts.slice(run, run + count);
      draft.starts = [];
      draft.holds = true;
      const span = (counted.at(-1)?.at ?? 0) - (counted[0]?.at ?? 0);
      const text = `${count} starts within ${duration(span)} (limit ${duration(withinMs)}): ${listed(counted, ', ')}`;
      return { signal: { phase: 'start', description: text, pictures: picturesOf(counted) } };
    }
    draft.starts = starts;
    const so = `${starts.length} of ${count} starts within ${duration(withinMs)}`;
    if (!draft.holds) return { why: `${named(part)} began: ${so}` };
    return { signal: { phase: 'refresh', description: `${named(part)} began while the combination holds; ${so}` } };
  };

  /** Whether the combined condition still holds without a condition that has just ended. */
  const outlives = (draft: Draft): boolean => {
    switch (mode) {
      case 'all':
        return complete(draft.held);
      case 'sequence':
        return draft.completedBy.length > 0;
      default:
        return draft.held.length > 0;
    }
  };

  const ended = (draft: Draft, name: string): Answer => {
    if (!draft.holds) return { why: `${name} ended; the combination did not hold` };
    if (outlives(draft)) return { why: `${name} ended; the combination holds on` };
    draft.holds = false;
    return { signal: { phase: 'stop', description: `${name} ended` } };
  };

  const remember = (draft: Draft, id: string): void => {
    if (!draft.recent.includes(id)) draft.recent = [...draft.recent, id].slice(-MOST_RECENT);
  };

  const take = (draft: Draft, event: DeviceEvent): Answer => {
    const { operand, name, condition, messageId, place, at = event.receivedAt } = operandOf(event);
    if (!operands.includes(operand)) return { why: `${name || operand} is none of its operands` };
    if (draft.recent.includes(messageId)) return { why: `message ${messageId} was taken before` };
    remember(draft, messageId);
    const isAlarm = condition !== operand;
    const known = draft.held.find((part) => part.operand === operand && part.condition === condition);
    if (event.phase === 'stop') {
      const told = isAlarm && draft.recent.includes(condition);
      if (isAlarm) remember(draft, condition);
      if (known === undefined)
        return { why: `${name} ended; ${told ? 'that was told before' : 'its start was not seen'}` };
      draft.held = draft.held.filter((part) => part !== known);
      draft.completedBy = draft.completedBy.filter((id) => id !== condition);
      return ended(draft, named(known));
    }
    if (isAlarm && draft.recent.includes(condition)) return { why: `the end of ${name} came before its start` };
    const repeats = event.phase === 'refresh' || event.phase === 'snapshot';
    if (known !== undefined && (isAlarm || repeats)) {
      if (!draft.holds) return { why: `${named(known)} goes on` };
      return { signal: { phase: 'refresh', description: `${named(known)} goes on` } };
    }
    const pictures = event.pictures.slice(0, MOST_PICTURES);
    const part: Part = { operand, condition, name, ...(place !== undefined && { place }), at, pictures };
    draft.held = [...draft.held.filter((held) => held !== known), part].slice(-MOST_HELD);
    return begun(draft, part);
  };

  return {
    initial: initial(mode),
    step(state, event) {
      const draft: Draft = { ...state };
      const { signal, why } = take(draft, event);
      const same = (Object.keys(draft) as (keyof Draft)[]).every((field) => draft[field] === state[field]);
      return {
        state: same ? state : draft,
        signals: signal === undefined ? [] : [{ type: 'message', ...signal }],
        durable: !same,
        ...(why !== undefined && { why }),
      };
    },
    adopt(stored) {
      const former = stored as CombinationState;
      const own = (part: Part): boolean => operands.includes(part.operand);
      const held = former.held.filter(own);
      const alike = former.mode === mode;
      const draft: Draft = {
        ...initial(mode),
        held,
        starts: alike ? former.starts.filter(own) : [],
        completedBy: alike
          ? former.completedBy.filter((id) =>
              held.some((part) => part.condition === id && part.operand === operands.at(-1)),
            )
          : [],
        recent: former.recent,
      };
      const counts = mode === 'any' || mode === 'all' || (alike && former.holds);
      draft.holds = counts && outlives(draft);
      const description = 'the combination was changed';
      if (former.holds && !draft.holds)
        return { state: draft, signals: [{ type: 'message', phase: 'stop', description }] };
      if (former.holds || !draft.holds) return { state: draft, signals: [] };
      const text = `${description}; ${listed(held, ' and ')} hold`;
      return { state: draft, signals: [{ type: 'message', phase: 'start', description: text }] };
    },
  };
}
