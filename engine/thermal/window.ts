/**
 * The readings of a place within the longest cycle that a rule looks at. Bounded: what is left out at the bound makes
 * a change look smaller, never larger, so that it cannot raise an alarm that the readings do not bear out.
 */

/** Time in milliseconds and temperature in °C. */
export type Sample = readonly [at: number, celsius: number];

export type ThermalWindow = readonly Sample[];

/** More than 25 readings a second over the longest rise of 10 s. */
export const MOST_SAMPLES = 256;

/** Leaves out what lies between its neighbours, and where there is no such sample, the oldest. */
function thinned(samples: Sample[]): Sample[] {
  while (samples.length > MOST_SAMPLES) {
    const between = samples.findIndex(([, celsius], index) => {
      const before = samples[index - 1]?.[1];
      const after = samples[index + 1]?.[1];
      if (before === undefined || after === undefined) return false;
      return (before <= celsius && celsius <= after) || (before >= celsius && celsius >= after);
    });
    samples.splice(Math.max(0, between), 1);
  }
  return samples;
}

/**
 * The window with one more sample, without what is older than the cycle. Samples that lie in the future were taken
 * before the clock was set back; they are of no use any more.
 */
export function withSample(window: ThermalWindow, at: number, celsius: number, cycleMs: number): ThermalWindow {
  const kept = window.filter(([then]) => then >= at - cycleMs && then <= at);
  kept.push([at, celsius]);
  return thinned(kept);
}

export interface Change {
  /** The lower and the higher temperature of the change. */
  from: number;
  to: number;
  /** Time between them. */
  tookMs: number;
}

/** The largest change inside the cycle that ends with the newest sample, or null with fewer than two samples. */
export function largestChange(
  window: ThermalWindow,
  cycleMs: number,
  direction: 'increase' | 'decrease' | 'either',
): Change | null {
  const newest = window.at(-1);
  if (newest === undefined) return null;
  const inside = window.filter(([at]) => at >= newest[0] - cycleMs);
  if (inside.length < 2) return null;
  let best: Change | null = null;
  const consider = (from: Sample, to: Sample): void => {
    const size = Math.abs(to[1] - from[1]);
    if (best === null || size > Math.abs(best.to - best.from)) {
      best = { from: from[1], to: to[1], tookMs: to[0] - from[0] };
    }
  };
  let lowest: Sample | null = null;
  let highest: Sample | null = null;
  for (const sample of inside) {
    if (direction !== 'decrease' && lowest !== null && sample[1] >= lowest[1]) consider(lowest, sample);
    if (direction !== 'increase' && highest !== null && sample[1] <= highest[1]) consider(highest, sample);
    if (lowest === null || sample[1] < lowest[1]) lowest = sample;
    if (highest === null || sample[1] > highest[1]) highest = sample;
  }
  return best ?? { from: newest[1], to: newest[1], tookMs: 0 };
}
