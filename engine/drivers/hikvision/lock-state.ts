import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../../clock/clock';
import type { DeviceDefinition } from '../../domain/devices';
import { asAlarmflowError, operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { findNode, numberOf, readDocuments, textOf } from './document';

/** What a device says about a login that it refused. */
export interface LockState {
  /** Milliseconds until the account is free again; 0: it is not locked. */
  unlockMs: number;
  /** For the operator. */
  words: string;
}

const ANSWER_MS = 3_000;
const MOST_BYTES = 64 * 1024;

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
    const root = readDocuments(await askPlainly(definition, clock, signal))[0];
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

function askPlainly(definition: DeviceDefinition, clock: Clock, signal: AbortSignal): Promise<Buffer> {
  const { host, port, tls, allowSelfSigned } = definition;
  return new Promise((resolve, reject) => {
    const options = { host, port, path: '/ISAPI/Security/userCheck', agent: false, signal };
    const outgoing = tls ? httpsRequest({ ...options, rejectUnauthorized: !allowSelfSigned }) : httpRequest(options);
    const fail = (reason: string, cause?: unknown): void => {
      timer.cancel();
      reject(operationalError('E_DEVICE_ERROR', `The lock state could not be read: ${reason}`, { cause }));
      outgoing.destroy();
    };
    const timer = clock.after(ANSWER_MS, () => fail('no answer'));
    outgoing.on('error', (cause) => fail(cause.message, cause));
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MOST_BYTES) fail('the answer is too long');
      });
      response.on('error', (cause) => fail(cause.message, cause));
      response.on('end', () => {
        timer.cancel();
        resolve(Buffer.concat(chunks));
      });
    });
    outgoing.end();
  });
}
