import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { operationalError } from '../../../domain/errors';
import type { Sending } from './forms';

export interface Posted {
  status: number;
  body: string;
}

/** Sends one push as a device does. Throws `E_PUSH_FAILED` (operational) where nobody answers. */
export function post(target: string, sending: Sending, signal: AbortSignal, oneByte = false): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const url = new URL(target);
    const extra = sending.suffix.startsWith('?') && url.search !== '' ? `&${sending.suffix.slice(1)}` : sending.suffix;
    const [suffixPath = '', suffixQuery] = extra.startsWith('&') ? ['', extra.slice(1)] : extra.split('?', 2);
    const search = [url.search.replace(/^\?/, ''), suffixQuery ?? ''].filter((part) => part !== '').join('&');
    const path = `${url.pathname.replace(/\/$/, '')}${suffixPath}` || '/';
    const call = (url.protocol === 'https:' ? httpsRequest : httpRequest)(
      {
        host: url.hostname,
        port: url.port === '' ? undefined : url.port,
        method: sending.method,
        path: search === '' ? path : `${path}?${search}`,
        headers: { ...sending.headers, 'Content-Length': sending.body.length },
        agent: false,
        rejectUnauthorized: false,
        signal,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        );
      },
    );
    const fail = (cause: Error): void =>
      reject(operationalError('E_PUSH_FAILED', `The push to ${url.host} failed: ${cause.message}`, { cause }));
    call.on('error', fail);
    if (!oneByte) return call.end(sending.body);
    for (const byte of sending.body) call.write(Buffer.of(byte));
    call.end();
  });
}
