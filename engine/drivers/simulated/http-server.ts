import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { asAlarmflowError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';

export interface SimulatedServerOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** A request that it rejects is cut off. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Aborted when the device stops: what fails from then on is not worth a word. */
  ends: AbortSignal;
  log: Log;
}

/** The open HTTP port of a simulated device, with all connections to it. */
export interface SimulatedServer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  /** Resets every connection; the port stays open. */
  resetConnections(): void;
  /** Ends every connection and closes the port. */
  close(): Promise<void>;
}

/** Opens the port; rejects when it can't be had. */
export async function serveHttp({ host, port, answer, ends, log }: SimulatedServerOptions): Promise<SimulatedServer> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => {
      if (!ends.aborted) log.warn('simulator.request-failed', { reason: asAlarmflowError(thrown).message });
      response.destroy();
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  server.listen(port, host);
  await once(server, 'listening');
  const opened = (server.address() as AddressInfo).port;

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${opened}`,
    port: opened,
    resetConnections() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const MOST_BODY = 1 << 20;

/** The body of a request. Throws `E_TOO_LARGE` (user) for more than 1 MiB. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BODY) throw userError('E_TOO_LARGE', 'A simulated device takes at most 1 MiB in a request');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
