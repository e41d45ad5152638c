/**
 * The one place that touches `Date` and timers. Everything else is handed a `Clock`,
 * so that tests and the simulation can turn time by hand.
 */
export interface Timer {
  /** Stops the timer; harmless when it has fired. */
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since the epoch. */
  now(): number;
  /** Milliseconds on a clock that never jumps; only differences mean anything. */
  monotonic(): number;
  /**
   * Milliseconds that the machine has slept (suspended) since the process started, where `monotonic` does not count
   * them; never too many. Absent: it never sleeps.
   */
  slept?(): number;
  /**
   * Calls back once after `ms` (any non-negative number, also beyond the 24.8 days of setTimeout), never early.
   * A timer keeps the process alive unless `background` is set.
   */
  after(ms: number, callback: () => void, options?: { background?: boolean }): Timer;
  /** Calls back every `ms` until cancelled. */
  every(ms: number, callback: () => void, options?: { background?: boolean }): Timer;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Rests for the time, or until the signal aborts, whichever is first: for waits whose end is no failure. */
export const sleepOrStop = (clock: Pick<Clock, 'sleep'>, ms: number, signal: AbortSignal): Promise<void> =>
  // Nothing but the signal makes a sleep reject.
  clock.sleep(ms, signal).catch(() => undefined);

/** Resolves when the work has ended, well or not, or after the time; what became of it is told to whoever began it. */
export async function endedWithin(clock: Pick<Clock, 'sleep'>, work: Promise<unknown>, ms: number): Promise<void> {
  const wait = new AbortController();
  await Promise.race([work.catch(() => undefined), sleepOrStop(clock, ms, wait.signal)]);
  wait.abort();
}

/**
 * Runs a call with a time limit of its own beside the caller's signal. It resolves or rejects at the limit also when the
 * call does not obey; rejects with what `late` makes then, and with the signal's reason when that aborts.
 */
export async function callWithin<T>(
  clock: Pick<Clock, 'after'>,
  ms: number,
  signal: AbortSignal,
  late: () => unknown,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = clock.after(ms, () => stop.abort(late()));
  try {
    const stopped = new Promise<never>((_resolve, reject) => {
      stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true });
    });
    return await Promise.race([call(stop.signal), stopped]);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  }
}

/** ISO 8601 in UTC with milliseconds, e.g. `2026-11-21T07:00:00.000Z`. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();

/** Wall time of this machine for people, e.g. `2026-11-21 08:00:00`. */
export function localTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/**
 * Milliseconds of an ISO 8601 text, or null when it is none.
 * A text without a zone means UTC here: device-local times are the business of the drivers.
 */
export function parseIsoTime(text: string): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|z|[+-]\d{2}:?\d{2})?$/.exec(
    text.trim(),
  );
  if (!match) return null;
  const [, date, time, zone = 'Z'] = match;
  const offset = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  const ms = Date.parse(`${date}T${time}${offset}`);
  return Number.isNaN(ms) ? null : ms;
}

/** Milliseconds of an HTTP date header (RFC 9110 §5.6.7), or null. */
export function parseHttpDate(text: string): number | null {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
