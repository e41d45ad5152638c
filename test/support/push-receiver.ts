import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReceivedEvent } from '../../engine/domain/devices';
import { asAlarmflowError } from '../../engine/domain/errors';
import type { DriverConnection } from '../../engine/drivers/driver';

/** An ingest path on a real socket, in front of one driver's connection. */
export interface PushReceiver {
  /** `http://127.0.0.1:port/ingest/token` */
  url: string;
  /** Events of all pushes, in order. */
  events: ReceivedEvent[];
  /** Reasons of refused pushes. */
  refusals: string[];
  /** Types and phases of the events, `intrusion start`. */
  told(): string[];
  close(): Promise<void>;
}

const PREFIX = '/ingest/token';

export async function startPushReceiver(connection: DriverConnection): Promise<PushReceiver> {
  const events: ReceivedEvent[] = [];
  const refusals: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const rest = (request.url ?? '').slice(PREFIX.length);
      connection
        .push({
          method: request.method ?? '',
          path: rest.startsWith('/') ? rest : `/${rest}`,
          headers: { ...request.headers },
          body: Buffer.concat(chunks),
          remoteAddress: '127.0.0.1',
        })
        .then((received) => {
          events.push(...received);
          response.writeHead(200).end();
        })
        .catch((thrown: unknown) => {
          const error = asAlarmflowError(thrown);
          refusals.push(error.message);
          response.writeHead(error.family === 'user' ? 400 : 500).end(error.message);
        });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PREFIX}`,
    events,
    refusals,
    told: () => events.map(({ draft }) => `${draft.type} ${draft.phase}`),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
