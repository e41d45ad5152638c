import { type Clock, callWithin } from '../clock/clock';
import { operationalError } from '../domain/errors';

/**
 * Runs a call with a time limit of its own beside the caller's signal. It resolves or rejects at the limit also when
 * the call does not obey; throws E_TOO_SLOW (operational) then, and the signal's reason when that aborts.
 * @param what what did not happen, for the message ("camera sent no snapshot")
 */
export const limited = <T>(
  clock: Clock,
  signal: AbortSignal,
  ms: number,
  what: string,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> =>
  callWithin(clock, ms, signal, () => operationalError('E_TOO_SLOW', `${what} within ${ms / 1000} s`), call);
