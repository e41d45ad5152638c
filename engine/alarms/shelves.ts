/** What operators have shelved: kept beyond the process, taken off by hand, by time, or by the condition's own end. */
import { type Clock, isoTime } from '../clock/clock';
import { userError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import type { OrderFacts } from '../domain/order-facts';
import { addWrites, type StandingRow, type TimerRow } from '../domain/record';
import { LONGEST_SHELF_MS, type Shelf, type ShelfRequest, shelfScopes } from '../domain/shelves';
import { covers, type GateState, holds, type ShelfVerdict, type ShelvedPlace, shelfVerdict } from '../gates';
import type { Batch } from './condition';
import { createStandingBook } from './standing';

/** Kind of the shelves' timers and rows. */
export const SHELF_TIMER = 'shelf';
type ShelfFacts = Extract<OrderFacts, { shelf: Shelf }>;

const MOST_SHELVES = 1_000;
const LONGEST_REASON = 500;

/** A condition that is not at rest: it holds, waits to raise, or has an alarm that has not cleared. */
export const isOccupied = (state: GateState): boolean =>
  holds(state) || state.phase === 'active' || state.phase === 'pending';

export interface Shelves {
  resume(rows: readonly StandingRow[]): StandingRow[];
  /** @throws E_BAD_SHELF (user) */
  shelve(batch: Batch, request: ShelfRequest, name: string, who: string): Shelf;
  /** @throws E_UNKNOWN_SHELF (user) */
  unshelve(batch: Batch, id: string, who: string): Shelf;
  /** Its time is over; null when it is gone already or lasts longer by now. */
  expire(batch: Batch, timer: TimerRow): Shelf | null;
  /** A condition has come to rest: ends the one-shot shelves that cover it and nothing else that is not at rest. */
  rested(batch: Batch, place: ShelvedPlace): void;
  verdict(place: ShelvedPlace, at: number): ShelfVerdict | null;
  list(): Shelf[];
  isEmpty(): boolean;
  /** Timers that are to run, after a start. */
  timers(): TimerRow[];
  /** The wall clock was set: what is shelved stays so for as long as was asked for. */
  carryOver(batch: Batch, by: number): void;
}

function readShelf(doc: unknown): Shelf | null {
  const { id, scope, subject, key, name, oneShot, by, reason, at, until } = doc as Partial<Shelf>;
  const isText = [id, subject, name, by, reason].every((field) => typeof field === 'string');
  if (!isText || !shelfScopes.some((known) => known === scope)) return null;
  if (typeof oneShot !== 'boolean' || !Number.isFinite(at) || !Number.isFinite(until)) return null;
  return key === null || typeof key === 'string' ? (doc as Shelf) : null;
}

export function createShelves(options: {
  clock: Clock;
  /** Whether any condition that a shelf covers is not at rest. */
  occupied(shelf: Shelf): boolean;
  /** What is shelved is another, on disk. */
  changed(): void;
}): Shelves {
  const { clock } = options;
  const book = createStandingBook<Shelf>('shelf', (doc) =>
    typeof doc === 'object' && doc !== null ? readShelf(doc) : null,
  );

  const all = function* (): Generator<Shelf> {
    for (const [, shelf] of book.entries()) yield shelf;
  };

  const timerOf = (shelf: Shelf): TimerRow => ({
    id: `shelf:${shelf.id}`,
    kind: SHELF_TIMER,
    at: shelf.until,
    payload: { shelfId: shelf.id },
  });

  const audit = (batch: Batch, who: string, action: string, detail: string, facts: ShelfFacts): void => {
    const at = clock.now();
    const subject = facts.shelf.name;
    addWrites(batch.change, 'audit', { id: sortableId(at), at, who, action, subject, detail, facts });
  };

  const takeOff = (batch: Batch, shelf: Shelf, who: string, detail: string, byHand = false): void => {
    book.delete(batch, shelf.id);
    batch.timers.set(timerOf(shelf).id, null);
    audit(batch, who, 'alarm.unshelve', detail, { kind: 'unshelve', shelf, byHand });
    batch.change.afterCommit.push(options.changed);
  };

  const put = (batch: Batch, shelf: Shelf): void => {
    book.set(batch, shelf.id, shelf);
    batch.timers.set(timerOf(shelf).id, timerOf(shelf));
    batch.change.afterCommit.push(options.changed);
  };

  return {
    resume: (rows) => book.resume(rows),
    shelve(batch, request, name, who) {
      const { scope, id: subject, forMs } = request;
      const refuse = (why: string): never => {
        throw userError('E_BAD_SHELF', `"${name}" cannot be shelved: ${why}`);
      };
      if (!shelfScopes.includes(scope)) refuse(`there is no scope "${scope}"; it is one of ${shelfScopes.join(', ')}`);
      if (scope === 'condition' && request.key === undefined) refuse('a condition is named by its trigger and its key');
      if (forMs !== null && !(forMs > 0 && forMs <= LONGEST_SHELF_MS)) {
        refuse(`give a time of more than 0 and at most ${LONGEST_SHELF_MS / 60_000} minutes (30 days), or one-shot`);
      }
      if (request.reason.length > LONGEST_REASON) refuse(`the reason has more than ${LONGEST_REASON} characters`);
      const key = scope === 'condition' ? (request.key ?? '') : null;
      const former = [...all()].find((s) => s.scope === scope && s.subject === subject && s.key === key);
      if (former === undefined && [...all()].length >= MOST_SHELVES)
        refuse(`${MOST_SHELVES} things are shelved already`);
      const at = clock.now();
      const shelf: Shelf = {
        // What is shelved once more stays one thing, with a new time.
        id: former?.id ?? sortableId(at),
        scope,
        subject,
        key,
        name,
        oneShot: forMs === null,
        by: who,
        reason: request.reason,
        at,
        until: at + (forMs ?? LONGEST_SHELF_MS),
      };
      put(batch, shelf);
      const long = shelf.oneShot ? 'one-shot' : `until ${isoTime(shelf.until)}`;
      const detail = `${scope}, ${long}${shelf.reason === '' ? '' : `: ${shelf.reason}`}`;
      audit(batch, who, 'alarm.shelve', detail, { kind: 'shelve', shelf });
      return shelf;
    },
    unshelve(batch, id, who) {
      const shelf = book.get(id);
      if (shelf === undefined) {
        throw userError(
          'E_UNKNOWN_SHELF',
          `Nothing is shelved under ${id}: its time may be over, see GET /api/v1/shelves`,
        );
      }
      takeOff(batch, shelf, who, 'by hand', true);
      return shelf;
    },
    expire(batch, timer) {
      const shelf = book.get(String(timer.payload.shelfId));
      if (shelf === undefined) {
        batch.timers.set(timer.id, null);
        return null;
      }
      // A timer of the time before the last change of the shelf, or of the wall clock.
      if (shelf.until > Math.max(timer.at, clock.now())) return null;
      takeOff(batch, shelf, 'alarmflow', 'its time is over');
      return shelf;
    },
    rested(batch, place) {
      for (const shelf of [...all()]) {
        if (!shelf.oneShot || !covers(shelf, place) || options.occupied(shelf)) continue;
        takeOff(batch, shelf, 'alarmflow', 'what it covers has ended once');
      }
    },
    verdict: (place, at) => shelfVerdict(all(), place, at),
    list: () => [...all()].sort((a, b) => b.at - a.at),
    isEmpty: () => all().next().done === true,
    timers: () => [...all()].map(timerOf),
    carryOver(batch, by) {
      for (const shelf of [...all()]) {
        // One made in the future would be taken for a second jump at the next start.
        put(batch, { ...shelf, at: Math.min(shelf.at, clock.now()), until: shelf.until + by });
      }
    },
  };
}
