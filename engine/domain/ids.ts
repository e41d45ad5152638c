import { randomBytes } from 'node:crypto';

let lastMs = 0;
let counter = 0;

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
  return `${time}${count}${randomBytes(5).toString('hex').slice(0, 8)}`;
}
