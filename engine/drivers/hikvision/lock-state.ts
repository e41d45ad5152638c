import type { Clock } from '../../clock/clock';
import type { DeviceDefinition } from '../../domain/devices';
import { asAlarmflowError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { createDeviceHttp } from '../wire';
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
 * Null where the device doesn't say.
 */
export async function readLockState(
  definition: DeviceDefinition,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<LockState | null> {
  const { host, port, tls, allowSelfSigned } = definition;
  // Without credentials, and so without a try that would count.
  const http = createDeviceHttp({
    host,
    port,
    tls,
    allowSelfSigned,
    credentials: null,
    clock,
    log,
    onLocked() {},
  });
  try {
    const path = '/ISAPI/Security/userCheck';
    const response = await http.request({ method: 'GET', path, signal, timeoutMs: 3_000, maxBytes: 64 * 1024 });
    const root = readDocuments(response.body)[0];
    const check = root && (findNode(root, 'userCheck') ?? root);
    const status = textOf(check, 'lockStatus')?.toLowerCase();
    if (status === 'lock' || status === 'locked') {
      const seconds = Math.min(86_400, numberOf(check, 'unlockTime') ?? 1_800);
      return { unlockMs: seconds * 1000, words: `The account is locked for ${seconds} s more` };
    }
    const tries = numberOf(check, 'retryLoginTime');
    if (tries !== undefined) return { unlockMs: 0, words: `The device allows ${tries} more tries before it locks` };
  } catch (thrown) {
    // Many models don't offer it; the refusal itself is told all the same.
    log.debug('hikvision.lock-state-unknown', { reason: asAlarmflowError(thrown).message });
  } finally {
    http.close();
  }
  return null;
}
