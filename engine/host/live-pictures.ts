/** Pictures of cameras as they are now, for consoles: one question to a camera at a time, however many consoles look. */
import type { Clock } from '../clock/clock';
import type { DeviceDirectory, Picture } from '../domain/devices';
import { operationalError } from '../domain/errors';
import type { CameraChannel } from '../domain/media';

/** Consoles that ask within this get the same picture. */
const FRESH_MS = 1_000;
const LIMIT_MS = 6_000;
const MOST_BYTES = 8 * 1024 * 1024;
/** Cameras asked at once. */
const MOST_AT_ONCE = 8;

export interface LivePictures {
  /** @throws E_TOO_SLOW, E_TOO_MANY_PICTURES (operational), what the device throws */
  picture(camera: CameraChannel): Promise<Picture>;
}

export function createLivePictures(devices: DeviceDirectory, clock: Clock): LivePictures {
  const asked = new Map<string, Promise<Picture>>();
  const fresh = new Map<string, { at: number; picture: Picture }>();

  async function ask({ deviceId, channel }: CameraChannel): Promise<Picture> {
    const device = devices.device(deviceId);
    const stop = new AbortController();
    const tooSlow = operationalError('E_TOO_SLOW', `"${device.name}" sent no picture within ${LIMIT_MS / 1000} s`);
    const limit = clock.after(LIMIT_MS, () => stop.abort(tooSlow), { background: true });
    try {
      const stopped = new Promise<never>((_resolve, reject) => {
        stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true });
      });
      const picture = await Promise.race([device.snapshot(channel, stop.signal), stopped]);
      if (picture.bytes.length > MOST_BYTES)
        throw operationalError('E_PICTURE_SIZE', `"${device.name}" sent a picture of ${picture.bytes.length} bytes`);
      return picture;
    } finally {
      limit.cancel();
    }
  }

  return {
    async picture(camera) {
      const key = `${camera.deviceId}/${camera.channel}`;
      const known = fresh.get(key);
      if (known && clock.monotonic() - known.at < FRESH_MS) return known.picture;
      const running = asked.get(key);
      if (running) return await running;
      if (asked.size >= MOST_AT_ONCE)
        throw operationalError('E_TOO_MANY_PICTURES', 'Too many cameras are asked for pictures at once', {
          retryAfterMs: FRESH_MS,
        });
      const question = ask(camera);
      asked.set(key, question);
      try {
        const picture = await question;
        for (const [other, { at }] of fresh) if (clock.monotonic() - at >= FRESH_MS) fresh.delete(other);
        fresh.set(key, { at: clock.monotonic(), picture });
        return picture;
      } finally {
        asked.delete(key);
      }
    },
  };
}
