import type { EventLevel } from '../domain/events';
import type { ThermalDifference, ThermalGroup, ThermalMeasure } from '../domain/thermal';
import type { HeldLevels } from './levels';
import type { Reading } from './readings';
import type { ThermalWindow } from './window';

/** The newest reading of one place. */
export interface PlaceState {
  source: string;
  name: string;
  label: string;
  place?: Reading['place'];
  /** When it was received, and its device's time where that can be trusted. */
  at: number;
  deviceAt: number | null;
  celsius: Partial<Record<ThermalMeasure, number>>;
  /** Only where a condition looks back. */
  windows: Partial<Record<ThermalMeasure, ThermalWindow>>;
}

/** What has an alarm of its own: a place, a pair of places, or a group. */
export interface SubjectState {
  /** Channel and name that its signals carry. */
  channel?: number;
  rule: string;
  kind: 'place' | 'difference' | 'group';
  at: number;
  /** Since when any of its conditions has reached a level, or null. */
  beganAt: number | null;
  /** The level that was told last. */
  told: EventLevel | null;
  /** By the condition's own words, so that a changed rule begins anew. */
  levels: Record<string, HeldLevels>;
}

/** Plain data that can be stored as JSON. Keys always hold a separator, so that none is a word of the language. */
export interface ThermalState {
  places: Record<string, PlaceState>;
  subjects: Record<string, SubjectState>;
}

export const initialState: ThermalState = { places: {}, subjects: {} };

export const placeKey = ({ source, name }: { source: string; name: string }): string => `place|${source}|${name}`;

/** A pair or group of one source; two of one name are one, with the levels of both. */
export function subjectOf(source: string, condition: ThermalDifference | ThermalGroup) {
  const rule = condition.kind === 'group' ? `group ${condition.group}` : `${condition.first} − ${condition.second}`;
  return { key: `${condition.kind}|${source}|${rule}`, rule, kind: condition.kind };
}

/** Places, and pairs and groups, that one trigger watches; a device that makes up names must not fill the memory. */
export const MOST_NAMES = 512;

/**
 * Makes room for one more entry: the oldest that no level depends on goes.
 *
 * @returns whether there is room
 */
export function makeRoom<Entry extends { at: number }>(
  entries: Record<string, Entry>,
  isHeld: (key: string, entry: Entry) => boolean,
): boolean {
  const keys = Object.keys(entries);
  if (keys.length < MOST_NAMES) return true;
  let oldest: string | null = null;
  for (const key of keys) {
    const entry = entries[key];
    if (entry === undefined || isHeld(key, entry)) continue;
    if (oldest === null || entry.at < (entries[oldest]?.at ?? 0)) oldest = key;
  }
  if (oldest === null) return false;
  delete entries[oldest];
  return true;
}
