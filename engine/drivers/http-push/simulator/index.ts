import { userError } from '../../../domain/errors';
import { silentLog } from '../../../domain/log';
import { answerControl, type ControlDoor } from '../../simulated/control-door';
import { createFaultSwitches, type FaultSwitches } from '../../simulated/faults';
import { serveHttp } from '../../simulated/http-server';
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

/** Starts a simulated sender. */
export async function startHttpPushSimulator(options: HttpPushSimulatorOptions = {}): Promise<HttpPushSimulator> {
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

  const orders: ControlDoor['orders'] = {
    target: (value) => setTarget(String(value.url)),
    fire(value) {
      const form = senderForms.find((name) => name === value.form) ?? 'json';
      const events = (Array.isArray(value.events) ? value.events : [value.events ?? {}]) as SentEvent[];
      return fire(form, ...events);
    },
  };

  const server = await serveHttp({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    answer: (request, response) => answerControl(request, response, { state, faults, orders }),
    ends: ends.signal,
    log: silentLog,
  });

  return {
    url: server.url,
    port: server.port,
    state,
    setTarget,
    fire,
    fireRaw,
    faults,
    async close() {
      ends.abort();
      await server.close();
    },
  };
}
