/** Pictures of an alarm: those of the event, else a snapshot. What cannot be had is told in words; it delays nothing. */
import type { Clock } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import type { DeviceDirectory } from '../domain/devices';
import { asAlarmflowError, operationalError } from '../domain/errors';
import type { PictureRef } from '../domain/events';
import type { Log } from '../domain/log';
import type { MediaRecord } from '../domain/record';
import { limited } from './time-limit';

/** How long after its receipt an event's pictures may still come; they follow it on the stream (PROTOCOLS §1.4). */
export const PICTURE_WAIT_MS = 1_500;
const PICTURE_LOOK_MS = 150;
export const SNAPSHOT_LIMIT_MS = 5_000;

export interface AlarmPicture {
  /** `event-1.jpg`, `snapshot.png`. */
  filename: string;
  contentType: string;
  content: Buffer;
}

/** Which pictures are wanted, and how many bytes of them fit. */
export interface PictureWish {
  /** Camera for the snapshot; null: the alarm's own. */
  snapshotDeviceId: string | null;
  /** Channel for the snapshot, from 1; null: the alarm's own, else 1. */
  snapshotChannel: number | null;
  /** What the pictures are for, as messages say it ("a mail"). */
  purpose: string;
  mostPictures: number;
  /** Bytes of all pictures together at most. */
  mostBytes: number;
}

export interface PictureParts {
  devices: DeviceDirectory;
  media: MediaRecord;
  /** Pictures that an event has by now. */
  pictures(eventId: string): Promise<PictureRef[]>;
  clock: Clock;
  log: Log;
}

const extensions: Record<string, string> = {
  'image/png': 'png',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'image/bmp': 'bmp',
};

/** Only the type itself: what a device writes behind it has no place in a header of ours. */
function pictureType(contentType: string): string {
  const [type = ''] = contentType.toLowerCase().split(';');
  return /^image\/[a-z0-9.+-]{1,40}$/.test(type.trim()) ? type.trim() : 'image/jpeg';
}

export const asPicture = (name: string, contentType: string, content: Buffer): AlarmPicture => {
  const type = pictureType(contentType);
  return { filename: `${name}.${extensions[type] ?? 'jpg'}`, contentType: type, content };
};

/** The pictures, and why there is none. Rejects only with the signal's reason. */
export async function collectPictures(
  parts: PictureParts,
  row: ActionRow,
  wish: PictureWish,
  signal: AbortSignal,
): Promise<{ pictures: AlarmPicture[]; missing: string | null }> {
  const reasons: string[] = [];
  try {
    const fromEvent = row.alarm ? await eventPictures(parts, row.alarm.event, wish, signal, reasons) : [];
    if (fromEvent.length > 0) return { pictures: fromEvent, missing: null };
  } catch (thrown) {
    signal.throwIfAborted();
    reasons.push(`the pictures of the event could not be read (${asAlarmflowError(thrown).message})`);
  }
  try {
    return { pictures: [await snapshot(parts, row, wish, signal)], missing: null };
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asAlarmflowError(thrown);
    parts.log.warn('action.picture-missing', { key: row.key, code: error.code, error: error.message });
    return { pictures: [], missing: [...reasons, error.message].join('; ') };
  }
}

/**
 * The pictures that came with an event, waiting for those that follow it.
 * @param waitMs how long to wait at most, from now; after PICTURE_WAIT_MS from its receipt none will come
 */
export async function eventPictures(
  parts: PictureParts,
  event: { id: string; receivedAt: number; pictures: PictureRef[] },
  wish: Pick<PictureWish, 'purpose' | 'mostPictures' | 'mostBytes'>,
  signal: AbortSignal,
  reasons: string[],
  waitMs = PICTURE_WAIT_MS,
): Promise<AlarmPicture[]> {
  let refs = event.pictures.length > 0 ? event.pictures : await parts.pictures(event.id);
  const until = Math.min(event.receivedAt + PICTURE_WAIT_MS, parts.clock.now() + waitMs);
  // The first condition ends the wait also when the clock is set back meanwhile.
  for (let waited = 0; refs.length === 0 && waited < PICTURE_WAIT_MS && parts.clock.now() < until; ) {
    const lap = Math.min(PICTURE_LOOK_MS, until - parts.clock.now());
    await parts.clock.sleep(lap, signal);
    waited += lap;
    refs = await parts.pictures(event.id);
  }
  const found: AlarmPicture[] = [];
  let bytes = 0;
  for (const ref of refs.filter((one) => one.contentType.toLowerCase().startsWith('image/'))) {
    if (found.length === wish.mostPictures) break;
    const kept = await parts.media.read(ref.mediaId);
    if (!kept) {
      reasons.push('a picture of the event is no longer kept');
      continue;
    }
    if (bytes + kept.bytes.length > wish.mostBytes) {
      reasons.push(`a picture of the event is too large for ${wish.purpose} (${kept.bytes.length} bytes)`);
      continue;
    }
    bytes += kept.bytes.length;
    found.push(asPicture(`event-${found.length + 1}`, kept.contentType, kept.bytes));
  }
  return found;
}

/** A live picture. @throws E_NO_CAMERA, E_PICTURE_SIZE, E_TOO_SLOW (operational), what the device says */
export async function snapshot(
  parts: PictureParts,
  row: ActionRow,
  wish: Pick<PictureWish, 'snapshotDeviceId' | 'snapshotChannel' | 'purpose' | 'mostBytes'>,
  signal: AbortSignal,
): Promise<AlarmPicture> {
  const deviceId = wish.snapshotDeviceId ?? row.deviceId;
  if (!deviceId)
    throw operationalError('E_NO_CAMERA', 'no camera is known for this message: choose one in the dialog of the node');
  const device = parts.devices.device(deviceId);
  const channel = wish.snapshotChannel ?? (wish.snapshotDeviceId ? null : row.alarm?.channel) ?? 1;
  const picture = await limited(parts.clock, signal, SNAPSHOT_LIMIT_MS, `"${device.name}" sent no snapshot`, (stop) =>
    device.snapshot(channel, stop),
  );
  if (picture.bytes.length > wish.mostBytes)
    throw operationalError(
      'E_PICTURE_SIZE',
      `the snapshot is too large for ${wish.purpose} (${picture.bytes.length} bytes)`,
    );
  return asPicture('snapshot', picture.contentType, picture.bytes);
}
