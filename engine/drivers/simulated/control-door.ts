import type { IncomingMessage, ServerResponse } from 'node:http';
import { asAlarmflowError } from '../../domain/errors';
import { readBody } from './http-server';

/** What a simulated device can be asked and told by a test or a person, beside what it is asked as a device. */
export interface ControlDoor {
  /** Answer to `GET /sim/state`. */
  state(): unknown;
  /** Set by `POST /sim/faults` `{"<name>": true}`. */
  faults: { set(name: string, on: boolean): void };
  /** Each takes the object of `POST /sim/<name>` and gives the answer; undefined: the state as it is then. */
  orders: Readonly<Record<string, (value: Record<string, unknown>) => unknown>>;
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

/** Answers a request to a path under `/sim/`. */
export async function answerControl(
  request: IncomingMessage,
  response: ServerResponse,
  { state, faults, orders }: ControlDoor,
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (path === '/sim/state') return answerJson(response, 200, state());
  // A page of another origin can't send this type without asking first.
  if (request.method !== 'POST' || !/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    return answerJson(response, 415, { error: 'POST application/json' });
  try {
    const value = JSON.parse((await readBody(request)).toString('utf8')) as Record<string, unknown>;
    const name = path.slice('/sim/'.length);
    if (name === 'faults') {
      for (const [fault, on] of Object.entries(value)) faults.set(fault, on === true);
      return answerJson(response, 200, state());
    }
    const order = Object.hasOwn(orders, name) ? orders[name] : undefined;
    if (!order) return answerJson(response, 404, { error: `no ${path}` });
    answerJson(response, 200, (await order(value)) ?? state());
  } catch (thrown) {
    answerJson(response, 400, { error: thrown instanceof SyntaxError ? 'not JSON' : asAlarmflowError(thrown).message });
  }
}
