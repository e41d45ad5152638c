import type { Clock } from '../../clock/clock';
import type { DeviceDefinition } from '../../domain/devices';
import { asAlarmflowError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { askPlainly } from '../wire';

/** What a device says about a login that it refused. */
export interface LockState {
  /** Milliseconds until the account is free again. */
  unlockMs: number;
  /** For the operator. */
  words: string;
}

/** Any question that needs a login. */
const ASKED = '/cgi-bin/magicBox.cgi?action=getDeviceType';
/** What the makers lock an account for by default (PROTOCOLS §0.2). */
const USUAL_LOCK_S = 1_800;

/**
 * Asks without a login whether the account is locked, to tell a locked one from a wrong password: firmware that says so
 * does it in the words of its refusal. Null where it doesn't. A plain request: the device's own client keeps all
 * traffic back by now, and one without Authorization is no try that would count.
 */
export async function readLockState(
  definition: DeviceDefinition,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<LockState | null> {
  try {
    const { status, body } = await askPlainly(definition, ASKED, clock, signal);
    return status < 400 ? null : lockStateIn(body.toString('utf8'));
  } catch (thrown) {
    // Many models don't say; the refusal itself is told all the same.
    log.debug('dahua.lock-state-unknown', { reason: asAlarmflowError(thrown).message });
    return null;
  }
}

/** What the words of a refusal say of a lock; null: nothing. */
export function lockStateIn(text: string): LockState | null {
  if (!/\block(?:ed)?\b/i.test(text)) return null;
  const told =
    /(\d{1,6})\s*(?:s\b|sec|second)/i.exec(text)?.[1] ??
    /(?:time|remain\w{0,20}|after)\D{0,10}(\d{1,6})/i.exec(text)?.[1];
  const seconds = Math.min(86_400, told === undefined ? USUAL_LOCK_S : Number(told));
  return {
    unlockMs: seconds * 1000,
    words: `The account is locked${told === undefined ? '' : ` for ${seconds} s more`}.`,
  };
}
