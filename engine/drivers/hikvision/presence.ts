import { type Clock, sleepOrStop } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError } from '../../domain/errors';
import type { DeviceHttp } from '../wire';

/** Every 8 s with 2.5 s for the answer, and once more after a failure: a dead device is noticed within 14 s. */
const EVERY_MS = 8_000;
const ANSWER_MS = 2_500;
const AGAIN_MS = 500;

export interface PresenceOptions {
  http: DeviceHttp;
  clock: Clock;
  onAlive(): void;
  onGone(error: AlarmflowError): void;
  lockedFor(error: AlarmflowError): Promise<number>;
}

/** Asks a device that only pushes whether it is there: a push that doesn't come looks like a quiet night. */
export interface Presence {
  start(): void;
  close(): Promise<void>;
}

export function createPresence(options: PresenceOptions): Presence {
  const { http, clock } = options;
  const closing = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    let failures = 0;
    while (!closing.signal.aborted) {
      let pause = EVERY_MS;
      try {
        const request = { method: 'GET', path: '/ISAPI/System/time', timeoutMs: ANSWER_MS };
        await http.request({ ...request, signal: closing.signal });
        failures = 0;
        options.onAlive();
      } catch (thrown) {
        if (closing.signal.aborted) return;
        const error = asAlarmflowError(thrown);
        const refused = error.code === 'E_CREDENTIALS_REFUSED';
        if (!refused && ++failures === 1) pause = AGAIN_MS;
        else options.onGone(error);
        const locked = refused ? await options.lockedFor(error) : 0;
        pause = Math.max(pause, error.retryAfterMs ?? 0, locked);
      }
      await sleepOrStop(clock, pause, closing.signal);
    }
  }

  return {
    start() {
      running = run();
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}
