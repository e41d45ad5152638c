import { type AlarmflowError, operationalError, userError } from '../../domain/errors';

/** The exception code of an answer (V1.1b3 §7), or null for one that is none. */
export const exceptionIn = (pdu: Buffer): number | null => (pdu[0]! & 0x80 ? (pdu[1] ?? 0) : null);

/** 5: it works on it, 6: it is busy; the same request later is the remedy for both. */
export const isBusy = (exception: number): boolean => exception === 5 || exception === 6;

/** What an exception means for the operator. `what` is the thing that was asked for. */
export function exceptionError(exception: number, what: string, board: string): AlarmflowError {
  const facts = { exception, what };
  const asked = `${what} of ${board}`;
  switch (exception) {
    case 1:
      return userError(
        'E_NOT_SUPPORTED',
        `${asked}: the board does not know this function (exception 1). Choose the other kind of input or output in its dialog`,
        { facts },
      );
    case 2:
      return userError(
        'E_BAD_PARAMETER',
        `${asked}: the board has no such address (exception 2). Correct first address, counting and number in its dialog`,
        { facts },
      );
    case 3:
      return userError(
        'E_BAD_PARAMETER',
        `${asked}: the board does not take this value (exception 3). Correct the number or the values in its dialog`,
        { facts },
      );
    case 5:
    case 6:
      return operationalError('E_DEVICE_BUSY', `${asked}: the board is busy (exception ${exception})`, {
        retryAfterMs: 1_000,
        facts,
      });
    case 10:
    case 11:
      return operationalError(
        'E_DEVICE_OFFLINE',
        `${asked}: the gateway answers, but not the board behind it (exception ${exception}). Check the unit id, its power and its cable`,
        { facts },
      );
    default:
      return operationalError('E_DEVICE_ERROR', `${asked}: the board failed (exception ${exception})`, { facts });
  }
}
