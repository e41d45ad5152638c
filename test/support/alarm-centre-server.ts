/** A receiver of alarms over HTTP or HTTPS that does what a test says, and keeps what it has taken. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface TakenNotice {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export interface AlarmCentreServer {
  port: number;
  /** Every request, also those that were not taken. */
  readonly asked: TakenNotice[];
  /** Identities of what was answered with 2xx, or kept before a connection broke. */
  readonly taken: Set<string>;
  /** What it does now; returns whether the notice is kept. */
  answer: (notice: TakenNotice, response: ServerResponse) => boolean;
  close(): Promise<void>;
}

export const takes = (_notice: TakenNotice, response: ServerResponse): boolean => {
  response.end('ok');
  return true;
};

/** @param tls absent: plain HTTP */
export async function startAlarmCentre(tls?: ServerOptions): Promise<AlarmCentreServer> {
  const asked: TakenNotice[] = [];
  const taken = new Set<string>();
  const sockets = new Set<Socket>();
  const made = {
    port: 0,
    asked,
    taken,
    answer: takes,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const notice = { method, url, headers, body: Buffer.concat(chunks) };
      asked.push(notice);
      if (made.answer(notice, response)) taken.add(String(headers['idempotency-key']));
    });
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()));
  made.port = (server.address() as AddressInfo).port;
  return made;
}
