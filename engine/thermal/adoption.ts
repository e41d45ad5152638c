import type { ThermalRule } from '../domain/thermal';
import type { DerivedSignal } from '../domain/triggers';
import type { HeldLevels } from './levels';
import { conditionsFor, cyclesOf, isPlaceCondition, ruleName } from './scope';
import { stopSignal } from './signals';
import { type PlaceState, placeKey, type SubjectState, subjectOf, type ThermalState } from './state';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isState = (state: unknown): state is ThermalState =>
  isRecord(state) &&
  isRecord(state.places) &&
  isRecord(state.subjects) &&
  Object.values(state.subjects).every((subject) => isRecord(subject) && isRecord(subject.levels)) &&
  Object.values(state.places).every((place) => isRecord(place) && isRecord(place.windows));

const kindOf = (key: string): string => /"kind":"([a-z-]+)"/.exec(key)?.[1] ?? '';

/** Levels go on under the condition that stands where the old one stood, if it is of the same kind. */
function carried(levels: Record<string, HeldLevels>, keys: readonly string[]): Record<string, HeldLevels> {
  const old = Object.entries(levels);
  const next: Record<string, HeldLevels> = {};
  for (const [index, key] of keys.entries()) {
    const same = levels[key] ?? (kindOf(old[index]?.[0] ?? '') === kindOf(key) ? old[index]?.[1] : undefined);
    if (same !== undefined) next[key] = same;
  }
  return next;
}

/**
 * What runs goes on under a changed rule: a level that holds is judged by the new limits with the next reading. What
 * the new rule does not watch any more, or calls by another name, is stopped.
 *
 * @returns null where the state is none
 */
export function adoptState(
  rule: ThermalRule,
  state: unknown,
): { state: ThermalState; signals: DerivedSignal[] } | null {
  if (!isState(state)) return null;
  const places: Record<string, PlaceState> = {};
  const subjects: Record<string, SubjectState> = {};
  const signals: DerivedSignal[] = [];
  const wanted = new Map<string, { rule: string; keys: string[] }>();
  const compared = rule.conditions.filter((condition) => !isPlaceCondition(condition));
  const sources = new Set<string>();

  for (const place of Object.values(state.places)) {
    const conditions = conditionsFor(rule, place);
    if (conditions.length === 0 && compared.length === 0) continue;
    sources.add(place.source);
    const cycles = cyclesOf(conditions);
    const windows = Object.fromEntries(Object.entries(place.windows).filter(([measure]) => measure in cycles));
    places[placeKey(place)] = { ...place, windows };
    if (conditions.length === 0) continue;
    const keys = conditions.map((condition) => JSON.stringify(condition));
    wanted.set(placeKey(place), { rule: ruleName(rule, place), keys });
  }
  for (const source of sources) {
    for (const condition of compared) {
      const { key, rule: name } = subjectOf(source, condition);
      wanted.set(key, { rule: name, keys: [...(wanted.get(key)?.keys ?? []), JSON.stringify(condition)] });
    }
  }

  for (const [key, subject] of Object.entries(state.subjects)) {
    const next = wanted.get(key);
    if (next !== undefined && next.rule === subject.rule) {
      subjects[key] = { ...subject, levels: carried(subject.levels, next.keys) };
    } else if (subject.told !== null) signals.push(stopSignal(subject));
  }
  return { state: { places, subjects }, signals };
}
