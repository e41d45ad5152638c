/** What became of a move, from readings alone. */
import { describe, expect, it } from 'vitest';
import type { PtzOutcome } from '../../engine/domain/ptz-outcomes';
import {
  judgeMove,
  LOOK_MS,
  type PtzCase,
  type PtzPosition,
  type PtzReading,
  samePlaceOf,
} from '../../engine/drivers/ptz-judgement';

const place = (pan: number, tilt = 0, zoom?: number): PtzPosition => ({
  pan: { at: pan, tolerance: 2, turn: 360 },
  tilt: { at: tilt, tolerance: 2 },
  ...(zoom === undefined ? {} : { zoom: { at: zoom, tolerance: 1 } }),
});
const reading = (pan: number, moving: boolean | null = null, preset?: number): PtzReading => ({
  position: place(pan),
  moving,
  ...(preset === undefined ? {} : { preset }),
});

/** Looks every 400 ms; the last one is repeated until `now`. */
function caseOf(seen: PtzReading[], now: number, fields: Partial<PtzCase> = {}): PtzCase {
  const samples = [];
  for (let at = 100, i = 0; at <= now; at += 400, i++) samples.push({ ...seen[Math.min(i, seen.length - 1)]!, at });
  return { before: reading(10), target: null, preset: 7, formerRest: null, lively: true, samples, now, ...fields };
}

const still = [reading(10)];
const turned = [reading(10), reading(40), reading(90)];

describe('the judgement of a move', () => {
  it.each<[string, PtzReading[], number, Partial<PtzCase>, PtzOutcome | null]>([
    ['nothing was read yet', [], 2_000, {}, null],
    ['nothing was ever read', [], LOOK_MS, {}, 'unconfirmed'],
    ['it rests at the target', turned, 1_700, { target: place(90.5) }, 'reached'],
    ['it has only just come to the target', turned, 1_000, { target: place(90) }, null],
    ['it says itself that it moves', [reading(90, true)], 3_000, { target: place(90) }, null],
    ['it says itself that it moves, to the end', [reading(90, true)], LOOK_MS, { target: place(90) }, 'still-turning'],
    ['it turned, target unknown', turned, 2_600, {}, 'moved'],
    ['it turned, and may go on after a pause', turned, 1_700, {}, null],
    ['it says that it is at the preset', [reading(10), reading(90, false, 7)], 2_600, {}, 'reached'],
    ['it turned and rests elsewhere', turned, 2_600, { target: place(200) }, 'elsewhere'],
    ['it was at the target', still, 900, { target: place(10) }, 'already-there'],
    [
      'it was at the target over the end of a turn',
      [reading(359.5)],
      900,
      { before: reading(359.5), target: place(0.5) },
      'already-there',
    ],
    ['it has not begun yet', still, 2_500, { target: place(90) }, null],
    ['it did not move', still, 3_300, { target: place(90) }, 'not-moved'],
    ['it did not move, a little beside the target', still, 3_300, { target: place(13) }, 'unmoved'],
    ['it did not move, target unknown', still, 3_300, {}, 'unmoved'],
    [
      'it did not move and says that it was there',
      [reading(10, false, 7)],
      3_300,
      { before: reading(10, false, 7) },
      'already-there',
    ],
    [
      'it did not move, and rested here the last time, whatever it says of the preset',
      still,
      3_300,
      { target: place(90), formerRest: place(10) },
      'elsewhere',
    ],
    ['it did not move, and rested here the last time', still, 3_300, { formerRest: place(10) }, 'already-there'],
    [
      'it says zero, and never said anything else',
      [reading(0)],
      3_300,
      { before: reading(0), target: place(90), lively: false },
      'unmoved',
    ],
    [
      'it says zero, and has said other things',
      [reading(0)],
      3_300,
      { before: reading(0), target: place(90) },
      'not-moved',
    ],
    ['nobody looked before, but at once after', still, 3_300, { before: null, target: place(90) }, 'not-moved'],
    ['nobody looked before, and it rests there', turned, 2_600, { before: null, target: place(90) }, 'reached'],
    [
      'it was seen to move and is back',
      [reading(10), reading(40), reading(10)],
      3_300,
      { target: place(90) },
      'elsewhere',
    ],
    ['it never comes to rest', Array.from({ length: 30 }, (_, i) => reading(10 + i * 5)), LOOK_MS, {}, 'still-turning'],
  ])('%s', (_name, seen, now, fields, outcome) => {
    expect(judgeMove(seen.length === 0 ? { ...caseOf([], 0, fields), now } : caseOf(seen, now, fields))).toBe(outcome);
  });

  it('says nothing of a late first look where nobody looked before', () => {
    const samples = [1_000, 1_400, 3_400].map((at) => ({ ...reading(10), at }));
    expect(judgeMove({ ...caseOf(still, 0), before: null, target: place(90), samples, now: 3_400 })).toBe('elsewhere');
  });

  it('compares only what both tell in the same unit', () => {
    expect(samePlaceOf(place(10, 0, 5), { zoom: { at: 5, tolerance: 1 } })).toBe(true);
    expect(samePlaceOf(place(10), { zoom: { at: 5, tolerance: 1 } })).toBeNull();
    expect(
      samePlaceOf({ pan: { at: 1, tolerance: 1, space: 'degrees' } }, { pan: { at: 1, tolerance: 1 } }),
    ).toBeNull();
    expect(samePlaceOf(place(10, 5), place(10, 30))).toBe(false);
  });
});
