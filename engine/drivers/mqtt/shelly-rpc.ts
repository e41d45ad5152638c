import { type AlarmflowError, operationalError } from '../../domain/errors';
import { isRecord, onOff, own, type Payload } from './payload';

/** One answer to a call. */
export interface RpcAnswer {
  thing: string;
  method: string;
  /** Refused: why. */
  error: AlarmflowError | null;
  /** State of a switch, where the answer tells it. */
  output: boolean | null;
  /** All that it tells; undefined where it was refused. */
  result: unknown;
}

/** Calls of Shelly's RPC that wait for their answers. */
export interface ShellyRpc {
  /** Topic on which the answers come. */
  topic: string;
  /** The call as it goes out. */
  call(thing: string, method: string, params: Record<string, unknown>): string;
  /** null: an answer to nothing that was asked. */
  answer(payload: Payload): RpcAnswer | null;
}

const MOST_WAITING = 500;

/** @param sender prefix of the answers' topic, unique on the broker */
export function createShellyRpc(sender: string): ShellyRpc {
  const waiting = new Map<number, { thing: string; method: string }>();
  let last = 0;
  return {
    topic: `${sender}/rpc`,
    call(thing, method, params) {
      last = (last % 2_000_000_000) + 1;
      waiting.set(last, { thing, method });
      // Those that were never answered must not fill the memory.
      const oldest = waiting.size > MOST_WAITING ? waiting.keys().next().value : undefined;
      if (oldest !== undefined) waiting.delete(oldest);
      return JSON.stringify({ id: last, src: sender, method, params });
    },
    answer(payload) {
      const json = payload.json();
      const id = own(json, 'id');
      const asked = typeof id === 'number' ? waiting.get(id) : undefined;
      if (typeof id !== 'number' || asked === undefined) return null;
      waiting.delete(id);
      const error = own(json, 'error');
      if (isRecord(error)) return { ...asked, error: refusal(asked.thing, error), output: null, result: undefined };
      const result = own(json, 'result');
      return { ...asked, error: null, output: onOff(own(result, 'output')), result };
    },
  };
}

function refusal(thing: string, { code, message }: Record<string, unknown>): AlarmflowError {
  const why = `${String(message ?? 'no reason given').slice(0, 200)} (${String(code).slice(0, 10)})`;
  return code === 401
    ? operationalError(
        'E_CREDENTIALS_REFUSED',
        `"${thing}" wants a login for its RPC, which alarmflow does not give over MQTT: switch its authentication off`,
        { retryAfterMs: 60_000 },
      )
    : operationalError('E_DEVICE_ERROR', `"${thing}" refuses the command: ${why}`);
}
