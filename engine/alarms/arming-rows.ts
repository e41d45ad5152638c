import { type ArmingScope, type ArmingSubject, armingScopes, type OpenCondition } from '../domain/arming';
import { type ArmingState, neverOrdered } from '../gates';

/** A subject as the id of its row. */
export const subjectKey = ({ scope, id }: ArmingSubject): string => `${scope}:${id}`;

export function subjectOf(key: string): ArmingSubject {
  const cut = key.indexOf(':');
  return { scope: key.slice(0, cut) as ArmingScope, id: key.slice(cut + 1) };
}

export const isScope = (scope: unknown): scope is ArmingScope => armingScopes.some((known) => known === scope);

const phases: readonly unknown[] = ['disarmed', 'exit-delay', 'armed', 'entry-delay'];
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** A stored state as this version understands it, or null. */
export function readArmingState(doc: unknown): ArmingState | null {
  if (typeof doc !== 'object' || doc === null) return null;
  const stored = { ...neverOrdered, ...(doc as Partial<ArmingState>) };
  const { phase, order, delayUntil, timed, bypassed } = stored;
  const known =
    phases.includes(phase) &&
    (order === null || (typeof order?.armed === 'boolean' && isTime(order.at))) &&
    (delayUntil === null || isTime(delayUntil)) &&
    (timed === null || isTime(timed?.until)) &&
    Array.isArray(bypassed) &&
    bypassed.every((one: Partial<OpenCondition> | null) => typeof one?.triggerId === 'string');
  return known ? stored : null;
}
