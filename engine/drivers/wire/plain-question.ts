import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../../clock/clock';
import type { DeviceDefinition } from '../../domain/devices';
import { operationalError } from '../../domain/errors';

export interface PlainAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

const ANSWER_MS = 3_000;
const MOST_BYTES = 64 * 1024;

/**
 * What a device answers without a login, asked beside its own client, which may keep all traffic back. Throws
 * `E_DEVICE_ERROR` (operational) when there is no answer within 3 s, or one of more than 64 KiB.
 */
export function askPlainly(
  definition: DeviceDefinition,
  path: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<PlainAnswer> {
  const { host, port, tls, allowSelfSigned } = definition;
  return new Promise((resolve, reject) => {
    const options = { host, port, path, agent: false, signal };
    const outgoing = tls ? httpsRequest({ ...options, rejectUnauthorized: !allowSelfSigned }) : httpRequest(options);
    const fail = (reason: string, cause?: unknown): void => {
      timer.cancel();
      reject(operationalError('E_DEVICE_ERROR', `${path} could not be read: ${reason}`, { cause }));
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
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    outgoing.end();
  });
}
