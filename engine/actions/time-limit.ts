import type { Clock } from '../clock/clock';
import { operationalError } from '../domain/errors';

/**
 * Runs a call with a time limit of its own beside the caller's signal. It resolves or rejects at the limit also when
 * the call does not obey; throws E_TOO_SLOW (operational) then, and the signal's reason when that aborts.
 * @param what what did not happen, for the message ("camera sent no snapshot")
 */
export async function limited<T>(
  clock: Clock,
  signal: AbortSignal,
  ms: number,
  what: string,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = clock.after(ms, () => stop.abort(operationalError('E_TOO_SLOW', `${what} within ${ms / 1000} s`)));
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
