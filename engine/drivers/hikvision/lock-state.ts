import type { Clock } from '../../clock/clock';
import type { DeviceDefinition } from '../../domain/devices';
import { asAlarmflowError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { askPlainly } from '../wire';
import { findNode, numberOf, readDocuments, textOf } from './document';

/** What a device says about a login that it refused. */
export interface LockState {
  /** Milliseconds until the account is free again; 0: it is not locked. */
  unlockMs: number;
  /** For the operator. */
  words: string;
}

/**
 * Asks without a login whether the account is locked, to tell a locked one from a wrong password (PROTOCOLS §1.1).
 * Null where the device doesn't say. A plain request: the device's own client keeps all traffic back by now, and one
 * without Authorization is no try that would count.
 */
export async function readLockState(
  definition: DeviceDefinition,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<LockState | null> {
  try {
    const root = readDocuments((await askPlainly(definition, '/ISAPI/Security/userCheck', clock, signal)).body)[0];
    const check = root && (findNode(root, 'userCheck') ?? root);
    const status = textOf(check, 'lockStatus')?.toLowerCase();
    if (status === 'lock' || status === 'locked') {
      const seconds = Math.min(86_400, Math.max(0, numberOf(check, 'unlockTime') ?? 1_800));
      return { unlockMs: seconds * 1000, words: `The account is locked for ${seconds} s more.` };
    }
    const tries = numberOf(check, 'retryLoginTime');
    if (tries !== undefined) return { unlockMs: 0, words: `The device allows ${tries} more tries before it locks.` };
  } catch (thrown) {
    // Many models don't offer it; the refusal itself is told all the same.
    log.debug('hikvision.lock-state-unknown', { reason: asAlarmflowError(thrown).message });
  }
  return null;
}
