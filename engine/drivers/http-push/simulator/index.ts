import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { asAlarmflowError, userError } from '../../../domain/errors';
import { createFaultSwitches, type FaultSwitches } from '../../simulated/faults';
import { type SenderFault, senderFaults } from './faults';
import { type SenderForm, type Sending, type SentEvent, senderForms, sendingOf } from './forms';
import { type Posted, post } from './post';

export { senderFaults } from './faults';
export { greyPicture, senderForms } from './forms';
export type { Posted, SenderFault, SenderForm, Sending, SentEvent };

export interface HttpPushSimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Of its own control door; default 0: any free one. */
  port?: number;
  /** Where it pushes; can be set later. */
  target?: string;
  faults?: readonly string[];
}

export interface HttpPushSimulatorState {
  target: string | null;
  pushes: number;
  refused: number;
  /** The last answer. */
  answer: Posted | null;
  faults: SenderFault[];
}

/** A simulated sender of pushes. Its own door takes `POST /sim/fire` `{form, events}` and `/sim/target` `{url}`. */
export interface HttpPushSimulator {
  url: string;
  port: number;
  state(): HttpPushSimulatorState;
  setTarget(url: string): void;
  /** Pushes; resolves with the receiver's answer. Throws `E_BAD_PARAMETER` (user) without a target. */
  fire(form: SenderForm, ...events: SentEvent[]): Promise<Posted>;
  /** Pushes these very bytes. */
  fireRaw(sending: Partial<Sending>): Promise<Posted>;
  faults: FaultSwitches<SenderFault>;
  close(): Promise<void>;
}

const MOST_BODY = 1 << 20;

/** Starts a simulated sender. */
export async function startHttpPushSimulator(options: HttpPushSimulatorOptions = {}): Promise<HttpPushSimulator> {
  const host = options.host ?? '127.0.0.1';
  const faults = createFaultSwitches(senderFaults, options.faults ?? []);
  const ends = new AbortController();
  let target = options.target ?? null;
  let pushes = 0;
  let refused = 0;
  let answer: Posted | null = null;

  async function fireRaw(sending: Partial<Sending>): Promise<Posted> {
    if (target === null)
      throw userError('E_BAD_PARAMETER', 'The simulated sender has no target yet: give it the ingest path');
    const whole = { method: 'POST', suffix: '', headers: {}, body: Buffer.alloc(0), ...sending };
    answer = await post(target, whole, ends.signal, faults.has('one-byte-chunks'));
    pushes++;
    if (answer.status >= 400) refused++;
    return answer;
  }

  const fire = (form: SenderForm, ...events: SentEvent[]): Promise<Posted> => fireRaw(sendingOf(form, events, faults));
  const state = (): HttpPushSimulatorState => ({ target, pushes, refused, answer, faults: faults.list() });
  const setTarget = (url: string): void => {
    if (!URL.canParse(url)) throw userError('E_BAD_PARAMETER', `"${url.slice(0, 100)}" is no URL to push to`);
    target = url;
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (status: number, value: unknown): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
    };
    if (request.method === 'GET') return json(200, state());
    // A page of another origin can't send this type without asking first.
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
      return json(415, { error: 'POST application/json' });
    try {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > MOST_BODY) throw userError('E_TOO_LARGE', 'The simulated sender takes at most 1 MiB');
        chunks.push(chunk);
      }
      const value = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
      if (request.url === '/sim/target') setTarget(String(value.url));
      else if (request.url === '/sim/faults')
        for (const [name, on] of Object.entries(value)) faults.set(name, on === true);
      else if (request.url === '/sim/fire') {
        const form = senderForms.find((name) => name === value.form) ?? 'json';
        const events = (Array.isArray(value.events) ? value.events : [value.events ?? {}]) as SentEvent[];
        return json(200, await fire(form, ...events));
      } else return json(404, { error: 'no such door' });
      return json(200, state());
    } catch (thrown) {
      json(400, { error: thrown instanceof SyntaxError ? 'not JSON' : asAlarmflowError(thrown).message });
    }
  }

  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    state,
    setTarget,
    fire,
    fireRaw,
    faults,
    async close() {
      ends.abort();
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
