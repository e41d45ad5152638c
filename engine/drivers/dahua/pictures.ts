import type { Clock } from '../../clock/clock';
import type { Picture } from '../../domain/devices';
import { operationalError, userError } from '../../domain/errors';
import type { DeviceResponse } from '../wire';
import { createTurns } from '../wire/turns';
import { errorIn } from './answer';
import type { Cgi } from './cgi';

/** A recorder takes 1–5 s for a picture (PROTOCOLS §2.6), more when others ask as well. */
const TIMEOUT_MS = 15_000;
const RETRY_MS = 500;
const MAX_BYTES = 16 << 20;

/** Pictures on demand, one at a time. */
export interface Pictures {
  snapshot(channel: number, signal: AbortSignal): Promise<Picture>;
}

export function createPictures(cgi: Cgi, deviceName: string, clock: Clock): Pictures {
  const turns = createTurns(1);
  /** This device wants no channel in the request. */
  let bare = false;

  const ask = (channel: number, withChannel: boolean, signal: AbortSignal): Promise<DeviceResponse> =>
    cgi.send({
      name: 'snapshot',
      parameters: withChannel ? [['channel', String(channel)]] : [],
      signal,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });

  return {
    async snapshot(channel, signal) {
      wholeNumber(channel, 'Channel');
      const what = `Picture of channel ${channel} of "${deviceName}"`;
      const giveBack = await turns.take(signal);
      try {
        const single = channel === 1;
        let response = await ask(channel, !(bare && single), signal);
        let picture = pictureIn(response);
        if (!picture && isTransient(response, what)) {
          await clock.sleep(RETRY_MS, signal);
          response = await ask(channel, !(bare && single), signal);
          picture = pictureIn(response);
        }
        if (!picture && single && errorIn(response, what)) {
          const other = await ask(channel, bare, signal);
          picture = pictureIn(other);
          if (picture) bare = !bare;
        }
        if (picture) return picture;
        // The first refusal tells why; the second only that the other way is none.
        const error = errorIn(response, what);
        if (error) throw error;
        throw operationalError('E_BAD_PICTURE', `${what}: the device sent something that is no complete JPEG`);
      } finally {
        giveBack();
      }
    },
  };
}

/** The numbers in requests for channels and presets. Throws `E_BAD_PARAMETER` (user). */
export function wholeNumber(value: number, what: string): void {
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw userError('E_BAD_PARAMETER', `${what} ${value} is none: give a whole number from 1`);
}

function isTransient(response: DeviceResponse, what: string): boolean {
  const error = errorIn(response, what);
  return error === null || error.code === 'E_DEVICE_ERROR' || error.code === 'E_DEVICE_BUSY';
}

/** The JPEG in an answer, trailing zeros and line ends cut off; null when start or end is missing. */
function pictureIn({ status, body }: DeviceResponse): Picture | null {
  if (status !== 200) return null;
  let end = body.length;
  while (end > 0 && (body[end - 1] === 0 || body[end - 1] === 0x0a || body[end - 1] === 0x0d)) end--;
  const whole = end > 4 && body[0] === 0xff && body[1] === 0xd8 && body[end - 2] === 0xff && body[end - 1] === 0xd9;
  return whole ? { contentType: 'image/jpeg', bytes: body.subarray(0, end) } : null;
}
