import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../../clock/clock';
import type { DeviceDefinition } from '../../domain/devices';
import { asAlarmflowError, operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';

/** What a device says about a login that it refused. */
export interface LockState {
  /** Milliseconds until the account is free again. */
  unlockMs: number;
  /** For the operator. */
  words: string;
}

const ANSWER_MS = 3_000;
const MOST_BYTES = 16 * 1024;
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
    const { status, text } = await askPlainly(definition, clock, signal);
    if (status < 400 || !/\block(?:ed)?\b/i.test(text)) return null;
    const told =
      /(\d{1,6})\s*(?:s\b|sec|second)/i.exec(text)?.[1] ?? /(?:time|remain\w*|after)\D{0,10}(\d{1,6})/i.exec(text)?.[1];
    const seconds = Math.min(86_400, told === undefined ? USUAL_LOCK_S : Number(told));
    return {
      unlockMs: seconds * 1000,
      words: `The account is locked${told === undefined ? '' : ` for ${seconds} s more`}.`,
    };
  } catch (thrown) {
    // Many models don't say; the refusal itself is told all the same.
    log.debug('dahua.lock-state-unknown', { reason: asAlarmflowError(thrown).message });
    return null;
  }
}

function askPlainly(
  definition: DeviceDefinition,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const { host, port, tls, allowSelfSigned } = definition;
  return new Promise((resolve, reject) => {
    const options = { host, port, path: '/cgi-bin/magicBox.cgi?action=getDeviceType', agent: false, signal };
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
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.end();
  });
}
