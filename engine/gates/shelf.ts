/** What a shelf holds back. */
import type { Shelf } from '../domain/shelves';
import type { ShelfVerdict } from './state';
import { duration } from './words';

/** One condition, as far as shelves tell conditions apart. */
export interface ShelvedPlace {
  triggerId: string;
  key: string;
  deviceId: string | null;
  areaId: string | null;
}

export function covers(shelf: Pick<Shelf, 'scope' | 'subject' | 'key'>, place: ShelvedPlace): boolean {
  switch (shelf.scope) {
    case 'area':
      return shelf.subject === place.areaId;
    case 'device':
      return shelf.subject === place.deviceId;
    case 'trigger':
      return shelf.subject === place.triggerId;
    case 'condition':
      return shelf.subject === place.triggerId && shelf.key === place.key;
  }
}

/** The verdict of all shelves on one condition: of those that cover it, the one that lasts longest; null: none does. */
export function shelfVerdict(shelves: Iterable<Shelf>, place: ShelvedPlace, at: number): ShelfVerdict | null {
  let longest: Shelf | null = null;
  for (const shelf of shelves) {
    if (at >= shelf.until || !covers(shelf, place)) continue;
    if (longest === null || shelf.until > longest.until) longest = shelf;
  }
  if (longest === null) return null;
  const { name, by, reason, oneShot, until } = longest;
  const long = oneShot ? 'until it has ended once' : `for another ${duration(until - at)}`;
  const why = reason === '' ? '' : ` (${reason})`;
  return { detail: `${name} is shelved by ${by} ${long}${why}`, until: oneShot ? null : until };
}
