import type { Clock } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError } from '../../domain/errors';
import type { DeviceHttp } from '../wire';

/** Every 10 s with 4 s for the answer: a dead device is noticed within 14 s. */
const EVERY_MS = 10_000;
const ANSWER_MS = 4_000;

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
    while (!closing.signal.aborted) {
      let pause = EVERY_MS;
      try {
        const request = { method: 'GET', path: '/ISAPI/System/time', timeoutMs: ANSWER_MS };
        await http.request({ ...request, signal: closing.signal });
        options.onAlive();
      } catch (thrown) {
        if (closing.signal.aborted) return;
        const error = asAlarmflowError(thrown);
        options.onGone(error);
        const locked = error.code === 'E_CREDENTIALS_REFUSED' ? await options.lockedFor(error) : 0;
        pause = Math.max(pause, error.retryAfterMs ?? 0, locked);
      }
      // Rejects only when the connection is being closed; the loop's condition sees that.
      await clock.sleep(pause, closing.signal).catch(() => undefined);
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
