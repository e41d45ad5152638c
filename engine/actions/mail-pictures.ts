/** Pictures for a mail: those of the event, else a snapshot. What cannot be had is told in words; text goes first. */
import type { Clock } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import type { DeviceDirectory } from '../domain/devices';
import { asAlarmflowError, operationalError } from '../domain/errors';
import type { PictureRef } from '../domain/events';
import type { Log } from '../domain/log';
import type { MediaRecord } from '../domain/record';
import type { EmailParams } from './email-params';
import type { MailPicture } from './mail-transport';
import { limited } from './time-limit';

/** How long after its receipt an event's pictures may still come; they follow it on the stream (PROTOCOLS §1.4). */
export const PICTURE_WAIT_MS = 1_500;
const PICTURE_LOOK_MS = 150;
export const SNAPSHOT_LIMIT_MS = 5_000;
/** Servers often refuse mails of more than 10 to 25 MB, and base64 adds a third. */
const MOST_BYTES = 7 * 1024 * 1024;
const MOST_PICTURES = 3;

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

const asMailPicture = (name: string, contentType: string, content: Buffer): MailPicture => {
  const type = pictureType(contentType);
  return { filename: `${name}.${extensions[type] ?? 'jpg'}`, contentType: type, content };
};

/** The pictures to attach, and why there is none where one was asked for. */
export async function collectPictures(
  parts: PictureParts,
  row: ActionRow,
  params: EmailParams,
  signal: AbortSignal,
): Promise<{ pictures: MailPicture[]; missing: string | null }> {
  if (params.picture === 'none') return { pictures: [], missing: null };
  const reasons: string[] = [];
  try {
    const fromEvent = row.alarm ? await eventPictures(parts, row.alarm.event, signal, reasons) : [];
    if (fromEvent.length > 0) return { pictures: fromEvent, missing: null };
  } catch (thrown) {
    signal.throwIfAborted();
    reasons.push(`the pictures of the event could not be read (${asAlarmflowError(thrown).message})`);
  }
  try {
    return { pictures: [await snapshot(parts, row, params, signal)], missing: null };
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asAlarmflowError(thrown);
    parts.log.warn('mail.picture-missing', { key: row.key, code: error.code, error: error.message });
    return { pictures: [], missing: [...reasons, error.message].join('; ') };
  }
}

async function eventPictures(
  parts: PictureParts,
  event: { id: string; receivedAt: number; pictures: PictureRef[] },
  signal: AbortSignal,
  reasons: string[],
): Promise<MailPicture[]> {
  let refs = event.pictures.length > 0 ? event.pictures : await parts.pictures(event.id);
  const until = event.receivedAt + PICTURE_WAIT_MS;
  // The first condition ends the wait also when the clock is set back meanwhile.
  for (let waited = 0; refs.length === 0 && waited < PICTURE_WAIT_MS && parts.clock.now() < until; ) {
    const lap = Math.min(PICTURE_LOOK_MS, until - parts.clock.now());
    await parts.clock.sleep(lap, signal);
    waited += lap;
    refs = await parts.pictures(event.id);
  }
  const found: MailPicture[] = [];
  let bytes = 0;
  for (const ref of refs.filter((one) => one.contentType.toLowerCase().startsWith('image/'))) {
    if (found.length === MOST_PICTURES) break;
    const kept = await parts.media.read(ref.mediaId);
    if (!kept) {
      reasons.push('a picture of the event is no longer kept');
      continue;
    }
    if (bytes + kept.bytes.length > MOST_BYTES) {
      reasons.push(`a picture of the event is too large for a mail (${kept.bytes.length} bytes)`);
      continue;
    }
    bytes += kept.bytes.length;
    found.push(asMailPicture(`event-${found.length + 1}`, kept.contentType, kept.bytes));
  }
  return found;
}

async function snapshot(
  parts: PictureParts,
  row: ActionRow,
  params: EmailParams,
  signal: AbortSignal,
): Promise<MailPicture> {
  const deviceId = params.snapshotDeviceId ?? row.deviceId;
  if (!deviceId)
    throw operationalError('E_NO_CAMERA', 'no camera is known for this message: choose one in the dialog of the node');
  const device = parts.devices.device(deviceId);
  const channel = params.snapshotChannel ?? (params.snapshotDeviceId ? null : row.alarm?.channel) ?? 1;
  const picture = await limited(parts.clock, signal, SNAPSHOT_LIMIT_MS, `"${device.name}" sent no snapshot`, (stop) =>
    device.snapshot(channel, stop),
  );
  if (picture.bytes.length > MOST_BYTES)
    throw operationalError('E_PICTURE_SIZE', `the snapshot is too large for a mail (${picture.bytes.length} bytes)`);
  return asMailPicture('snapshot', picture.contentType, picture.bytes);
}
