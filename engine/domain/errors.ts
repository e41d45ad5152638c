/**
 * The one error type of alarmflow.
 *
 * `user`: somebody has to change something (a wrong value, a refused password); trying again cannot help.
 * `operational`: the world failed for the moment (a device away, a disk full); only this family is retried.
 * `bug`: our own mistake; logged with its stack, never retried, never hidden.
 */
export type ErrorFamily = 'user' | 'operational' | 'bug';

/** What a refusal says beside its text. */
export interface ErrorDetails {
  /** The original error. */
  cause?: unknown;
  /** Earliest sensible next try, in milliseconds from now (operational errors only). */
  retryAfterMs?: number;
  /** Plain facts for the log; never a secret. */
  facts?: Record<string, string | number | boolean | null>;
}

/**
 * An error with a stable code. The message names the thing, the reason and the remedy:
 * `Mail server "office" refused the login: check user and password in its dialog`.
 */
export class AlarmflowError extends Error {
  /** Stable, upper case, e.g. `E_DEVICE_OFFLINE`. */
  readonly code: string;
  readonly family: ErrorFamily;
  readonly retryAfterMs?: number;
  readonly facts?: Record<string, string | number | boolean | null>;

  constructor(family: ErrorFamily, code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'AlarmflowError';
    this.family = family;
    this.code = code;
    this.retryAfterMs = details.retryAfterMs;
    this.facts = details.facts;
  }
}

export const userError = (code: string, message: string, details?: ErrorDetails): AlarmflowError =>
  new AlarmflowError('user', code, message, details);

export const operationalError = (code: string, message: string, details?: ErrorDetails): AlarmflowError =>
  new AlarmflowError('operational', code, message, details);

/** The device is not away: its connection is being opened, as at every start. */
export const isConnecting = ({ facts }: AlarmflowError): boolean => facts?.link === 'connecting';

/** The record refused a change, and has told so itself: whoever only passes that on adds no line for each of them. */
export const toldByRecord = ({ code }: AlarmflowError): boolean => code === 'E_RECORD_WRITE';

/** Code of `waitError`. */
export const WAITS = 'E_WAITS';

/**
 * Nothing has failed: an action's time has not come yet (its server is away, its period is closed), and it shall be run
 * again then. The message says what it waits for.
 * @param afterMs in milliseconds from now
 */
export const waitError = (message: string, afterMs: number): AlarmflowError =>
  new AlarmflowError('operational', WAITS, message, { retryAfterMs: Math.max(1, Math.round(afterMs)) });

export const bugError = (code: string, message: string, details?: ErrorDetails): AlarmflowError =>
  new AlarmflowError('bug', code, message, details);

/** Any thrown thing as an AlarmflowError; what is not one already is a bug of ours. */
export function asAlarmflowError(thrown: unknown): AlarmflowError {
  if (thrown instanceof AlarmflowError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new AlarmflowError('bug', 'E_UNEXPECTED', `Unexpected error: ${message}`, { cause: thrown });
}

/** The policy on retries: only what the world may mend by itself. */
export const isRetryable = (error: AlarmflowError): boolean => error.family === 'operational';
