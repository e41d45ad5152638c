/** Checks of action parameters; every refusal is a user error that names the action, the field and the remedy. */
import type { ActionRow } from '../domain/actions';
import type { AlarmPhase } from '../domain/alarms';
import { type AlarmflowError, userError } from '../domain/errors';

export type Params = Record<string, unknown>;

export const badParameter = (action: string, field: string, text: string): AlarmflowError =>
  userError('E_BAD_PARAMETER', `${action}: field "${field}" ${text}`, { facts: { field } });

/** A whole number from `least` to `most`. */
export function wholeNumber(action: string, params: Params, field: string, least: number, most: number): number {
  const value = params[field];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw badParameter(action, field, `must be a whole number from ${least} to ${most}`);
  return value;
}

/** The same, or null. */
export const wholeNumberOrNull = (
  action: string,
  params: Params,
  field: string,
  least: number,
  most: number,
): number | null =>
  params[field] === null || params[field] === undefined ? null : wholeNumber(action, params, field, least, most);

export function text(action: string, params: Params, field: string, longest: number): string {
  const value = params[field];
  if (typeof value !== 'string') throw badParameter(action, field, 'must be a text');
  if (value.length > longest) throw badParameter(action, field, `must not be longer than ${longest} characters`);
  return value;
}

export function oneOf<T extends string>(action: string, params: Params, field: string, values: readonly T[]): T {
  const value = values.find((candidate) => candidate === params[field]);
  if (value === undefined) throw badParameter(action, field, `must be one of: ${values.join(', ')}`);
  return value;
}

export function flag(action: string, params: Params, field: string): boolean {
  const value = params[field];
  if (typeof value !== 'boolean') throw badParameter(action, field, 'must be true or false');
  return value;
}

const allPhases: readonly AlarmPhase[] = ['raise', 'escalate', 'remind', 'clear', 'end'];

/** The phases of an alarm in which an action acts. */
export function readPhases(action: string, params: Params): AlarmPhase[] {
  const { phases } = params;
  if (!Array.isArray(phases)) throw badParameter(action, 'phases', `must be a list of: ${allPhases.join(', ')}`);
  for (const phase of phases)
    if (!allPhases.includes(phase)) throw badParameter(action, 'phases', `may only have: ${allPhases.join(', ')}`);
  return [...phases] as AlarmPhase[];
}

/**
 * Whether an action is for its row's message: plain messages and the steps of an escalation always are. The clear and
 * the end that an escalation passes on are like any other.
 */
export const isAskedFor = (phases: readonly AlarmPhase[], row: Pick<ActionRow, 'phase' | 'alarm'>): boolean =>
  row.phase === 'message' ||
  (row.phase === 'escalate' && row.alarm?.escalation !== undefined) ||
  phases.includes(row.phase);
