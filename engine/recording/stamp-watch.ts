/**
 * Whether the times in a stream go as time goes. They don't where a camera's clock is set while sound is recorded (both
 * tracks are then timed by it, RFC 3550 §6.4.1), and where a camera numbers its pictures wrongly: clips would freeze,
 * jump or play too quickly.
 */
export interface StampWatch {
  /**
   * @param pts of a key frame, in 90 kHz of a clock of 33 bits; null: it has none
   * @param at when it came, in milliseconds of a clock that never jumps
   * @returns false where they have gone apart for a while
   */
  goesRight(pts: number | null, at: number): boolean;
}

/** Further apart than a network delays and catches up. */
const APART_MS = 3_000;
/** For so long, or it was only a delay. */
const LASTING_MS = 6_000;
/** Compared over so long: clocks of cameras drift, and that is no fault. */
const WINDOW_MS = 30_000;
const TICKS = 90;
const TURN = 2 ** 33;

export function createStampWatch(): StampWatch {
  let looks: { shown: number; at: number }[] = [];
  let last: { pts: number; shown: number } | null = null;
  let apartSince: number | null = null;
  return {
    goesRight(pts, at) {
      if (pts === null) return true;
      let step = last === null ? 0 : (((pts - last.pts) % TURN) + TURN) % TURN;
      if (step > TURN / 2) step -= TURN;
      last = { pts, shown: (last?.shown ?? 0) + step / TICKS };
      looks.push({ shown: last.shown, at });
      looks = looks.filter((look) => at - look.at <= WINDOW_MS);
      const [first] = looks;
      const apart = first ? Math.abs(last.shown - first.shown - (at - first.at)) : 0;
      if (apart <= APART_MS) apartSince = null;
      else apartSince ??= at;
      return apartSince === null || at - apartSince < LASTING_MS;
    },
  };
}
