/**
 * Pictures and a clip for a mail (REQUIREMENTS L4). What cannot be had is told in words; whoever asks has a time limit,
 * because the text must not wait.
 */
import type { ActionRow } from '../domain/actions';
import { asAlarmflowError, operationalError } from '../domain/errors';
import { type CameraChannel, type Clip, noRecordings, type Recordings } from '../domain/media';
import type { RecordWriter } from '../domain/record';
import { momentOf } from './alarm-values';
import { clipGap } from './clip-gap';
import type { EmailParams } from './email-params';
import { type AlarmPicture, asPicture, eventPictures, type PictureParts, snapshot } from './pictures';
import { limited } from './time-limit';

/** How far the first and the last of three pictures are from the alarm; a clip begins as far before it. */
export const AROUND_MS = 1_000;
const MOST_PICTURES = 3;
/** Between live pictures that stand for three of the past. */
const LIVE_APART_MS = 1_000;
/** Whoever holds a recording writes it in parts: its end is there a while after its moment. */
const RECORDING_LATE_MS = 15_000;
/** How long a picture of the event may keep a snapshot waiting that is there already. */
const EVENT_PATIENCE_MS = 450;

export interface MediaParts extends PictureParts {
  recordings?: Recordings;
  /** Says of a clip which alarm it shows; absent: nobody asks. */
  record?: Pick<RecordWriter, 'commit'>;
}

export interface GatheredMedia {
  pictures: AlarmPicture[];
  /** What they are, in words ("live, 2 s after the alarm"). */
  told: string | null;
  /** Why there is less than was asked for. */
  missing: string | null;
}

/** What a mail may weigh, and what of it is asked for. */
export interface MediaWish extends Pick<EmailParams, 'picture' | 'clip' | 'snapshotDeviceId' | 'snapshotChannel'> {
  mostBytes: number;
  /** The text waits: a picture of the event that is not there soon is not waited for. */
  hurried: boolean;
}

const PURPOSE = 'a mail';

const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

function cameraOf(row: ActionRow, wish: MediaWish): CameraChannel | null {
  const deviceId = wish.snapshotDeviceId ?? row.deviceId;
  if (!deviceId) return null;
  return { deviceId, channel: wish.snapshotChannel ?? (wish.snapshotDeviceId ? null : row.alarm?.channel) ?? 1 };
}

const recordingsOf = (parts: MediaParts): Recordings => parts.recordings ?? noRecordings;

/** Whether the pictures, and the clip, can be there only after a moment that is still to come. */
export function stillToCome(parts: MediaParts, row: ActionRow, wish: MediaWish): { pictures: boolean; clip: boolean } {
  const camera = cameraOf(row, wish);
  if (camera === null || !recordingsOf(parts).isRecorded(camera)) {
    // Live pictures are taken one after the other.
    return { pictures: wish.picture === 'three', clip: false };
  }
  const since = parts.clock.now() - momentOf(row);
  return {
    pictures: wish.picture === 'three' && since < AROUND_MS,
    clip: wish.clip > 0 && since < wish.clip * 1_000 - AROUND_MS,
  };
}

const failure = (thrown: unknown): string => asAlarmflowError(thrown).message;

interface Collection {
  pictures: AlarmPicture[];
  bytes: number;
  reasons: string[];
}

function take(into: Collection, picture: AlarmPicture, mostBytes: number): void {
  if (into.bytes + picture.content.length > mostBytes) {
    into.reasons.push(`"${picture.filename}" (${megabytes(picture.content.length)}) does not fit into ${PURPOSE}`);
    return;
  }
  into.pictures.push(picture);
  into.bytes += picture.content.length;
}

/** From the recording: one picture for each moment that it holds. */
async function recorded(
  parts: MediaParts,
  camera: CameraChannel,
  moments: { at: number; name: string; words: string }[],
  mostBytes: number,
  signal: AbortSignal,
): Promise<Collection & { words: string[] }> {
  const found = { pictures: [], bytes: 0, reasons: [] as string[], words: [] as string[] };
  const last = Math.max(...moments.map(({ at }) => at));
  const wait = Math.max(0, last - parts.clock.now()) + RECORDING_LATE_MS;
  let pictures: Awaited<ReturnType<Recordings['picturesAt']>> = [];
  try {
    pictures = await limited(parts.clock, signal, wait, 'the recording had no pictures', (stop) =>
      recordingsOf(parts).picturesAt(
        camera,
        moments.map(({ at }) => at),
        stop,
      ),
    );
  } catch (thrown) {
    signal.throwIfAborted();
    found.reasons.push(failure(thrown));
    return found;
  }
  moments.forEach(({ name, words }, at) => {
    const picture = pictures[at];
    if (!picture) {
      found.reasons.push(`the recording has none ${words}`);
      return;
    }
    const before = found.pictures.length;
    take(found, asPicture(name, picture.contentType, picture.bytes), mostBytes);
    if (found.pictures.length > before) found.words.push(words);
  });
  return found;
}

const around = (moment: number) => [
  { at: moment - AROUND_MS, name: 'before', words: '1 s before the alarm' },
  { at: moment, name: 'alarm', words: 'at the alarm' },
  { at: moment + AROUND_MS, name: 'after', words: '1 s after the alarm' },
];

function liveWords(at: number, moment: number): string {
  const seconds = Math.round((at - moment) / 1_000);
  return seconds < 2 ? 'live' : `live, ${seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`} after it`;
}

const counted = (count: number): string => `${count} picture${count === 1 ? '' : 's'}`;

const gathered = (pictures: AlarmPicture[], words: string[], reasons: string[]): GatheredMedia => ({
  pictures,
  told: pictures.length === 0 || words.length === 0 ? null : `${counted(pictures.length)}: ${words.join(', ')}`,
  missing: reasons.length === 0 ? null : reasons.join('; '),
});

/** The pictures that are asked for, or why not. Rejects only with the signal's reason. */
export async function gatherPictures(
  parts: MediaParts,
  row: ActionRow,
  wish: MediaWish,
  signal: AbortSignal,
): Promise<GatheredMedia> {
  if (wish.picture === 'none') return gathered([], [], []);
  const media = wish.picture === 'three' ? await three(parts, row, wish, signal) : await one(parts, row, wish, signal);
  if (media.pictures.length === 0)
    parts.log.warn('action.picture-missing', { key: row.key, error: media.missing ?? 'none' });
  return media;
}

async function three(parts: MediaParts, row: ActionRow, wish: MediaWish, signal: AbortSignal): Promise<GatheredMedia> {
  const camera = cameraOf(row, wish);
  const moment = momentOf(row);
  const reasons: string[] = [];
  if (camera && recordingsOf(parts).isRecorded(camera)) {
    const found = await recorded(parts, camera, around(moment), wish.mostBytes, signal);
    if (found.pictures.length > 0) return gathered(found.pictures, found.words, found.reasons);
    reasons.push(...found.reasons);
  } else if (camera) reasons.push('the camera is not recorded here, so there is none of the second before');
  const fromEvent = await ofEvent(parts, row, wish, signal, reasons);
  const words = fromEvent.length === 0 ? [] : [`${fromEvent.length} of the event`];
  const all: Collection = {
    pictures: fromEvent,
    bytes: fromEvent.reduce((sum, { content }) => sum + content.length, 0),
    reasons,
  };
  for (let live = 1; all.pictures.length < MOST_PICTURES && live <= MOST_PICTURES; live++) {
    if (live > 1) await parts.clock.sleep(LIVE_APART_MS, signal);
    try {
      const taken = await snapshot(parts, row, { ...wish, purpose: PURPOSE }, signal);
      const before = all.pictures.length;
      take(all, { ...taken, filename: taken.filename.replace('snapshot', `snapshot-${live}`) }, wish.mostBytes);
      if (all.pictures.length === before) break;
      words.push(liveWords(parts.clock.now(), moment));
    } catch (thrown) {
      signal.throwIfAborted();
      reasons.push(failure(thrown));
      break;
    }
  }
  return gathered(all.pictures, words, reasons);
}

async function ofEvent(
  parts: MediaParts,
  row: ActionRow,
  wish: MediaWish,
  signal: AbortSignal,
  reasons: string[],
  waitMs?: number,
): Promise<AlarmPicture[]> {
  if (!row.alarm) return [];
  try {
    const limits = { purpose: PURPOSE, mostPictures: MOST_PICTURES, mostBytes: wish.mostBytes };
    return await eventPictures(parts, row.alarm.event, limits, signal, reasons, waitMs);
  } catch (thrown) {
    signal.throwIfAborted();
    reasons.push(`the pictures of the event could not be read (${failure(thrown)})`);
    return [];
  }
}

/** Those of the event that are on disk already; null: others are asked for, or there are none yet. */
export async function picturesAtOnce(
  parts: MediaParts,
  row: ActionRow,
  wish: MediaWish,
  signal: AbortSignal,
): Promise<GatheredMedia | null> {
  if (wish.picture === 'none') return gathered([], [], []);
  if (wish.picture !== 'event-or-snapshot') return null;
  const pictures = await ofEvent(parts, row, wish, signal, [], 0);
  return pictures.length > 0 ? gathered(pictures, [], []) : null;
}

/** Of the event, else of the recording, else live; what is not of the event is taken meanwhile. */
async function one(parts: MediaParts, row: ActionRow, wish: MediaWish, signal: AbortSignal): Promise<GatheredMedia> {
  const reasons: string[] = [];
  const atOnce = await ofEvent(parts, row, wish, signal, reasons, 0);
  if (atOnce.length > 0) return gathered(atOnce, [], []);
  // What went wrong without a wait goes wrong with one too, and is told once.
  const broken = reasons.length > 0;
  const stop = new AbortController();
  const instead = otherPicture(parts, row, wish, AbortSignal.any([signal, stop.signal]));
  // Looked at below; until then it must not count as unhandled.
  instead.catch(() => undefined);
  const waitMs = wish.hurried ? EVENT_PATIENCE_MS : undefined;
  const late = broken ? [] : await ofEvent(parts, row, wish, signal, reasons, waitMs);
  if (late.length > 0) {
    stop.abort();
    return gathered(late, [], []);
  }
  const other = await instead;
  return other.pictures.length > 0
    ? other
    : { ...other, missing: [...reasons, other.missing].filter((reason) => reason !== null).join('; ') };
}

async function otherPicture(
  parts: MediaParts,
  row: ActionRow,
  wish: MediaWish,
  signal: AbortSignal,
): Promise<GatheredMedia> {
  const camera = cameraOf(row, wish);
  const moment = momentOf(row);
  const reasons: string[] = [];
  if (camera && recordingsOf(parts).isRecorded(camera)) {
    const found = await recorded(parts, camera, [around(moment)[1]!], wish.mostBytes, signal);
    if (found.pictures.length > 0) return gathered(found.pictures, found.words, []);
    reasons.push(...found.reasons);
  }
  try {
    const taken = await snapshot(parts, row, { ...wish, purpose: PURPOSE }, signal);
    return gathered([taken], [liveWords(parts.clock.now(), moment)], []);
  } catch (thrown) {
    signal.throwIfAborted();
    return gathered([], [], [...reasons, failure(thrown)]);
  }
}

/** The console shows the clip with its alarm. A mail does without that. */
async function shownWith(parts: MediaParts, row: ActionRow, camera: CameraChannel, clip: Clip): Promise<void> {
  if (row.alarmId === null || !parts.record) return;
  const [at, until] = [Math.round(clip.from), Math.round(clip.to)];
  const { alarmId } = row;
  try {
    await parts.record.commit({
      alarmMedia: [{ alarmId, mediaId: clip.mediaId, kind: 'clip', ...camera, at, until, note: null }],
    });
  } catch (thrown) {
    parts.log.warn('action.clip-not-shown', { key: row.key, error: failure(thrown) });
  }
}

/** The clip that is asked for, or why not. Rejects only with the signal's reason. */
export async function gatherClip(
  parts: MediaParts,
  row: ActionRow,
  wish: MediaWish,
  signal: AbortSignal,
): Promise<GatheredMedia> {
  if (wish.clip === 0) return gathered([], [], []);
  const camera = cameraOf(row, wish);
  if (camera === null) return gathered([], [], ['no camera is known for this message: choose one in the dialog']);
  const from = momentOf(row) - AROUND_MS;
  const to = from + wish.clip * 1_000;
  try {
    const wait = Math.max(0, to - parts.clock.now()) + RECORDING_LATE_MS;
    const clip = await limited(parts.clock, signal, wait, 'the recording had no clip', (stop) =>
      recordingsOf(parts).clip(camera, from, to, stop),
    );
    if (clip.size > wish.mostBytes)
      throw operationalError('E_CLIP_SIZE', `the clip (${megabytes(clip.size)}) does not fit into ${PURPOSE}`);
    const kept = await parts.media.read(clip.mediaId);
    if (!kept) throw operationalError('E_CLIP_GONE', 'the clip is no longer kept');
    const gap = clipGap(clip);
    const without = gap === null ? '' : `, ${gap}`;
    await shownWith(parts, row, camera, clip);
    return {
      pictures: [{ filename: 'clip.mp4', contentType: 'video/mp4', content: kept.bytes }],
      told: `a clip of ${Math.max(1, Math.round((clip.to - clip.from) / 1_000))} s${without}`,
      missing: null,
    };
  } catch (thrown) {
    signal.throwIfAborted();
    parts.log.warn('action.clip-missing', { key: row.key, error: failure(thrown) });
    return gathered([], [], [failure(thrown)]);
  }
}
