/** Shelves at work: orders of people, the end of their time, and the conditions that hear of both. */
import type { Clock } from '../clock/clock';
import type { Announce } from '../domain/announcements';
import { userError } from '../domain/errors';
import { addBeside, type RowsBeside } from '../domain/record';
import type { Shelf, ShelfRequest } from '../domain/shelves';
import type { DurableTimers } from '../domain/timers';
import { covers, type ShelvedPlace } from '../gates';
import { type Place, placeOf } from './arming-open';
import type { Batch, Condition } from './condition';
import { createShelves, isOccupied, SHELF_TIMER, type Shelves } from './shelves';
import type { Trigger } from './trigger';

/** What people may do with shelves. */
export interface Shelving {
  readonly shelves: Shelves;
  list(): Shelf[];
  /**
   * What is shelved once more gets the new time.
   * @param beside reaches the disk with the shelf or not at all
   * @throws E_BAD_SHELF, E_UNKNOWN_TRIGGER (user)
   */
  shelve(request: ShelfRequest, who: string, beside?: RowsBeside): Promise<Shelf>;
  /** A condition that still holds is raised as at a window's opening. @throws E_UNKNOWN_SHELF (user) */
  unshelve(id: string, who: string): Promise<void>;
}

/** @param key null: the trigger as such */
export const shelvedPlace = (trigger: Trigger, place: Place | null, key: string | null): ShelvedPlace => ({
  triggerId: trigger.id,
  key: key ?? '',
  deviceId: place?.deviceId ?? null,
  areaId: trigger.definition.policy.areaId,
});

/** What the key tells beside the device and the type, which every name has: `channel 2`, `rule 4`. */
const conditionWords = (key: string): string[] =>
  key
    .split(';')
    .filter((part) => /^(channel|input|rule|target|object)=/.test(part))
    .map((part) =>
      part.replace('=', ' ').replace(/%([0-9a-f]{2})/g, (_all, sign) => String.fromCharCode(parseInt(sign, 16))),
    );

export function createShelving(options: {
  clock: Clock;
  timers: DurableTimers;
  triggers: ReadonlyMap<string, Trigger>;
  deviceName(id: string): string;
  areaName(id: string): string;
  isStarted(): boolean;
  change(fill: (batch: Batch) => void): Promise<void>;
  announce: Announce;
  /** Tells a condition that what holds it back may be another. */
  retell(batch: Batch, condition: Condition, trigger: Trigger): void;
}): Shelving {
  const { clock, triggers } = options;

  const covered = function* (shelf: Shelf): Generator<[Trigger, Condition]> {
    for (const trigger of triggers.values()) {
      for (const condition of trigger.conditions.values()) {
        if (covers(shelf, shelvedPlace(trigger, placeOf(condition), condition.key))) yield [trigger, condition];
      }
    }
  };

  const shelves = createShelves({
    clock,
    occupied(shelf) {
      for (const [, condition] of covered(shelf)) if (isOccupied(condition.now.state)) return true;
      return false;
    },
    changed: () => options.announce({ kind: 'shelves', data: { shelves: shelves.list() } }),
  });

  const retell = (batch: Batch, shelf: Shelf): void => {
    for (const [trigger, condition] of [...covered(shelf)]) options.retell(batch, condition, trigger);
  };

  options.timers.onDue(SHELF_TIMER, async (timer, shiftMs = 0) => {
    // Until the flows run, schedules may be missing; they arm the timers again when they have started.
    if (!options.isStarted()) return;
    await options.change((batch) => {
      const shelf = shelves.expire(batch, { ...timer, at: timer.at + shiftMs });
      if (shelf !== null) retell(batch, shelf);
    });
  });

  const nameOf = ({ scope, id, key }: ShelfRequest): string => {
    if (scope === 'area') return options.areaName(id);
    if (scope === 'device') return options.deviceName(id);
    const trigger = triggers.get(id);
    if (trigger === undefined) {
      throw userError('E_UNKNOWN_TRIGGER', `The deployed flow has no trigger "${id}": shelve one that it has`);
    }
    const { name } = trigger.definition;
    if (scope === 'trigger') return name;
    const condition = trigger.conditions.get(key ?? '');
    const place = condition === undefined ? null : placeOf(condition);
    if (place === null) return `${name} (${key ?? ''})`;
    return `${name} (${[options.deviceName(place.deviceId), ...conditionWords(key ?? '')].join(', ')})`;
  };

  return {
    shelves,
    list: () => shelves.list().filter((shelf) => shelf.until > clock.now()),
    async shelve(request, who, beside) {
      const name = nameOf(request);
      let shelf: Shelf | null = null;
      await options.change((batch) => {
        shelf = shelves.shelve(batch, request, name, who);
        retell(batch, shelf);
        addBeside(batch.change, beside);
      });
      if (shelf === null) throw new Error('a shelf that was kept is missing');
      return shelf;
    },
    unshelve: (id, who) =>
      options.change((batch) => {
        retell(batch, shelves.unshelve(batch, id, who));
      }),
  };
}
