import { randomFillSync } from 'node:crypto';

const RANDOM_BYTES = 4;
/** Random bytes are asked for by the page: one call for each id would cost more than the rest of it. */
const pool = Buffer.alloc(RANDOM_BYTES * 1024);
let used = pool.length;
let lastMs = 0;
let counter = 0;

/**
 * What every id is greater than that is made more than `ms` after this one. It goes by the ids' own time, which never
 * goes back, whatever becomes of the clock; a text that is no id of ours counts as made in 1970.
 */
export function idAfter(id: string, ms: number): string {
  const made = /^[0-9a-z]{9}/.test(id) ? Number.parseInt(id.slice(0, 9), 36) : 0;
  return Math.floor(made + ms + 1)
    .toString(36)
    .padStart(9, '0');
}

/**
 * A unique id that sorts by the time given, ids of one millisecond in the order of the calls:
 * 9 characters of time, 4 of a counter, 8 random; base 36.
 */
export function sortableId(now: number): string {
  if (now > lastMs) {
    lastMs = now;
    counter = 0;
  } else counter++;
  const time = lastMs.toString(36).padStart(9, '0');
  const count = counter.toString(36).padStart(4, '0');
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.toString('hex', used, used + RANDOM_BYTES);
  used += RANDOM_BYTES;
  return `${time}${count}${random}`;
}
