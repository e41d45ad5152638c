/** Raw capture: what a device sends, as it comes, into a file that `alarmflow decode` reads. */
import type { Clock } from '../clock/clock';
import type { DeviceDefinition } from '../domain/devices';
import { operationalError, userError } from '../domain/errors';
import { type CapturedPart, captureHead, capturePart } from '../drivers';
import { withoutSecrets } from '../log';

/** The bounds of one capture; whichever is reached first ends it. */
export interface CaptureLimits {
  parts: number;
  bytes: number;
  /** Milliseconds. */
  forMs: number;
}

export const mostCaptured: CaptureLimits = { parts: 10_000, bytes: 64 << 20, forMs: 3_600_000 };
export const usualCapture: CaptureLimits = { parts: 20, bytes: 16 << 20, forMs: 300_000 };

/** Captures under way at one time. */
const MOST_CAPTURES = 4;

export interface CapturedDevices {
  capture(id: string, take: (part: CapturedPart) => void): () => void;
}

export interface Captures {
  /**
   * The bytes of a capture file, as they come; ends at the first bound, when the signal aborts or when the reader goes.
   * Secrets are removed. `E_UNKNOWN_DEVICE`, `E_TOO_MANY` (user, operational).
   *
   * @param secrets values that must not appear, beside the device's own login
   */
  capture(id: string, limits: CaptureLimits, secrets: readonly string[], signal: AbortSignal): AsyncIterable<Buffer>;
}

/** Pictures and frames are no text; a name that looks like a field there is chance. */
const isText = (contentType: string | null): boolean =>
  contentType === null || /^\s*text\/|xml|json|urlencoded|message\/http|multipart/i.test(contentType);

/** Settings that may hold a login. */
const delicate = /user|commun|pass|key|secret|token|login|credential|access/i;

const openOptions = (options: Record<string, unknown> | undefined): Record<string, unknown> | undefined =>
  options && Object.fromEntries(Object.entries(options).filter(([name]) => !delicate.test(name)));

export function createCaptures(parts: {
  devices: CapturedDevices;
  device(id: string): DeviceDefinition | undefined;
  clock: Clock;
}): Captures {
  const { devices, clock } = parts;
  let running = 0;

  return {
    capture(id, limits, secrets, signal) {
      const definition = parts.device(id);
      if (!definition)
        throw userError(
          'E_UNKNOWN_DEVICE',
          `The deployed flow has no device "${id}": see "alarmflow events" or the console`,
        );
      if (running >= MOST_CAPTURES)
        throw operationalError('E_TOO_MANY', `${MOST_CAPTURES} captures run already: wait until one has ended`, {
          retryAfterMs: 10_000,
        });
      const { credentials } = definition;
      const own = credentials ? [credentials.password, `${credentials.user}:${credentials.password}`] : [];
      const known = [...secrets, ...own];
      const waiting: Buffer[] = [];
      let count = 0;
      let size = 0;
      let over = signal.aborted;
      let wake: () => void = () => undefined;
      const end = (): void => {
        over = true;
        wake();
      };
      running++;
      const stop = devices.capture(id, (part) => {
        if (over) return;
        // The reader may be slow: what waits for it is bounded by the same limit as the whole.
        size += part.bytes.length;
        if (size > limits.bytes) return end();
        waiting.push(capturePart({ ...part, bytes: withoutSecrets(part.bytes, known, isText(part.contentType)) }));
        count++;
        if (count >= limits.parts) end();
        else wake();
      });
      const timer = clock.after(limits.forMs, end, { background: true });
      signal.addEventListener('abort', end, { once: true });
      let left = false;
      const leave = (): void => {
        if (left) return;
        left = true;
        running--;
        stop();
        timer.cancel();
        signal.removeEventListener('abort', end);
      };
      signal.addEventListener('abort', leave, { once: true });

      const { driver, name, options } = definition;
      const head = captureHead({ driver, device: name, options: openOptions(options) });
      return (async function* () {
        try {
          yield head;
          for (;;) {
            const next = waiting.shift();
            if (next) yield next;
            else if (over) return;
            else
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
          }
        } finally {
          leave();
        }
      })();
    },
  };
}
