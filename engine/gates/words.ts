/**
 * A duration for people: `350 ms`, `4.2 s`, `2 min 5 s`, `1 h 3 min`, `2 d 4 h`. Fractions are cut, not rounded,
 * so that "0 s left" is never said of a time that is over.
 *
 * @param ms milliseconds; negative counts as 0
 */
export function duration(ms: number): string {
  const whole = Math.max(0, Math.floor(ms));
  if (whole < 1_000) return `${whole} ms`;
  if (whole < 60_000) {
    const tenths = Math.floor(whole / 100);
    return tenths % 10 === 0 ? `${tenths / 10} s` : `${Math.floor(tenths / 10)}.${tenths % 10} s`;
  }
  const seconds = Math.floor(whole / 1_000);
  const pair = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
  if (seconds < 3_600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.floor(minutes / 60);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}
