import type { EventPhase } from '../../domain/events';

/** One report about one property, as far as phases go. */
export interface PropertyReport {
  /** Topic and all source items: what the condition belongs to. */
  place: string;
  /** All key items, '' for none: which of several things at that place (an object in a field). */
  part: string;
  operation: 'initialized' | 'changed' | 'deleted' | 'absent';
  state: boolean;
  /** Milliseconds on a clock that never goes back. */
  at: number;
}

interface Place {
  /** Open parts and when they were heard of last. */
  open: Map<string, number>;
  /** Told on this connection. */
  heard: boolean;
}

/** A key item that was open this long without a word is taken for gone, when others at its place go. */
const FORGOTTEN_MS = 600_000;
/** A device that invents new keys without end must not fill the memory. */
const MAX_PLACES = 2_000;
const MAX_PARTS = 256;

/**
 * Which properties of one device hold (PROTOCOLS §0.5, §4.4). A place with several parts (objects in a field) begins
 * with the first and ends with the last of them. Pure: the time comes with each report.
 */
export interface PropertyStates {
  /** Decides a report and remembers it; null: nothing has changed that is worth telling. */
  decide(report: PropertyReport): EventPhase | null;
  /** Whether anything is open at a place. */
  isOpen(place: string): boolean;
  /** Whether anything is open at all. */
  hasOpen(): boolean;
  /** A new subscription begins: what is open must be told again. */
  resubscribed(): void;
  /** Places that are open and have not been told since; they count as closed from here on. */
  takeUntold(): string[];
  clear(): void;
}

export function createPropertyStates(): PropertyStates {
  const places = new Map<string, Place>();

  function placeOf(name: string): { known: boolean; place: Place } {
    const found = places.get(name);
    if (found) {
      // Set anew at the end, so that the first of the map is the one not heard of for longest.
      places.delete(name);
      places.set(name, found);
      return { known: true, place: found };
    }
    const place: Place = { open: new Map(), heard: false };
    places.set(name, place);
    if (places.size > MAX_PLACES) places.delete(places.keys().next().value ?? name);
    return { known: false, place };
  }

  function begin(place: Place, part: string, at: number): { first: boolean; fresh: boolean } {
    const first = place.open.size === 0;
    const fresh = !place.open.has(part);
    place.open.set(part, at);
    if (place.open.size > MAX_PARTS) place.open.delete(place.open.keys().next().value ?? part);
    return { first, fresh };
  }

  function end(place: Place, part: string, at: number): boolean {
    const wasOpen = place.open.size > 0;
    if (part === '') place.open.clear();
    else place.open.delete(part);
    for (const [name, seenAt] of place.open) if (at - seenAt > FORGOTTEN_MS) place.open.delete(name);
    return wasOpen;
  }

  return {
    decide({ place: name, part, operation, state, at }) {
      const { known, place } = placeOf(name);
      const heard = place.heard;
      place.heard = true;
      if (state && operation !== 'deleted') {
        const { first, fresh } = begin(place, part, at);
        // Told at subscription. Some devices call every change so: on a property told before it is one.
        if (operation === 'initialized' && !heard) return 'snapshot';
        if (operation === 'initialized' && !fresh) return null;
        return first ? 'start' : 'refresh';
      }
      const wasOpen = end(place, part, at);
      if (place.open.size > 0) return null;
      if (wasOpen) return 'stop';
      // An end at subscription closes what the last run may have left open; told again it says nothing.
      if (operation === 'initialized') return known ? null : 'stop';
      return operation === 'deleted' || heard ? null : 'stop';
    },
    isOpen: (name) => (places.get(name)?.open.size ?? 0) > 0,
    hasOpen: () => [...places.values()].some((place) => place.open.size > 0),
    resubscribed() {
      for (const place of places.values()) place.heard = false;
    },
    takeUntold() {
      const untold: string[] = [];
      for (const [name, place] of places) {
        if (place.heard || place.open.size === 0) continue;
        place.open.clear();
        untold.push(name);
      }
      return untold;
    },
    clear: () => places.clear(),
  };
}
