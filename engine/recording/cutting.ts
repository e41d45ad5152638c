/** Pictures and clips out of rings: what to read, and what ffmpeg makes of it. One at a time, behind everything else. */
import type { Picture } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../domain/errors';
import { runFfmpeg } from './ffmpeg';
import { matroskaOf, unitsOf } from './motion-jpeg';
import { bytesOf, type Segment } from './ring';
import { PACKET, soundKind, type VideoKind, videoKind } from './transport-stream';

/** Which files a clip is made of, and what comes out of them. */
export interface ClipPlan {
  segments: Segment[];
  /** Wall milliseconds of its first and its last picture. */
  from: number;
  to: number;
  /** How long it plays. */
  playsMs: number;
  /** Of the span that was asked for, how much was not recorded, or is not in it. */
  missingMs: number;
  /** Why more is missing than was not recorded; null: it is not. */
  reason: string | null;
}

const LARGEST_PICTURE = 16 * 1024 * 1024;
/** Files that follow one another so closely have nothing between them. */
const SEAM_MS = 500;
/** Largest clip, in bytes. */
const LARGEST_CLIP = 2 * 1024 ** 3;

/** Null where there are no pictures at all in the span. */
export function planClip(segments: readonly Segment[], from: number, to: number): ClipPlan | null {
  const first = segments[0];
  if (!first) return null;
  let playsMs = 0;
  let missingMs = Math.max(0, first.from - from);
  let end = first.from;
  for (const segment of segments) {
    const gap = segment.from - end;
    if (gap > SEAM_MS) missingMs += gap;
    else if (gap > 0) playsMs += gap;
    const until = Math.min(segment.to, to);
    playsMs += Math.max(0, until - Math.max(segment.from, end));
    end = Math.max(end, until);
  }
  const short = to - end;
  if (short > SEAM_MS) missingMs += short;
  return {
    segments: [...segments],
    from: first.from,
    to: end,
    playsMs,
    missingMs: missingMs > SEAM_MS ? missingMs : 0,
    reason: null,
  };
}

/**
 * The same where the camera was given another codec in between: one file holds one, and players stop at the other. The
 * longest stretch of one codec is kept, of several the last.
 */
export async function planOneCodec(segments: readonly Segment[], from: number, to: number): Promise<ClipPlan | null> {
  const stretches: { type: VideoKind; segments: Segment[] }[] = [];
  for (const segment of segments) {
    const last = stretches.at(-1);
    // Within one run of ffmpeg it is the same.
    const type = last && last.segments.at(-1)?.run === segment.run ? last.type : (await headOf(segment)).video;
    if (last && last.type === type) last.segments.push(segment);
    else stretches.push({ type, segments: [segment] });
  }
  if (stretches.length < 2) return planClip(segments, from, to);
  let best: ClipPlan | null = null;
  for (const stretch of stretches) {
    const plan = planClip(stretch.segments, from, to);
    if (plan && (best === null || plan.playsMs >= best.playsMs)) best = plan;
  }
  return best && { ...best, reason: 'the camera changed its codec in between' };
}

/**
 * Cuts a clip into a file. H.264 and H.265 are copied; Motion JPEG, which no browser plays, is made H.264, where this
 * ffmpeg can: on one core, behind everything else. @throws E_RECORDER, E_MEDIA_WRITE (operational)
 */
export async function cutClip(ffmpeg: string, plan: ClipPlan, path: string, signal: AbortSignal): Promise<void> {
  const heads = await Promise.all(runsOf(plan.segments).map(headOf));
  const video = heads[0]?.video ?? null;
  const sounds = heads.some(({ sound }) => sound);
  const copied = video !== 'mjpeg';
  const pictures = copied
    ? ['-c:v', 'copy', ...(video === 'h265' ? ['-tag:v', 'hvc1'] : [])]
    : await encoderFor(ffmpeg, signal);
  const input = ['-f', copied ? 'mpegts' : 'matroska', '-i', 'pipe:0'];
  // Each run may have begun its sound otherwise; one file has one kind, and its gaps must be as long as those of the pictures.
  const sound = heads.length > 1 ? ['-c:a', 'aac', '-b:a', '48k', '-af', 'aresample=async=1000'] : ['-c:a', 'copy'];
  const files = bytesOf(plan.segments);
  try {
    await runFfmpeg(
      ffmpeg,
      [
        ...[...input, '-map', '0:v:0', ...pictures],
        ...(sounds ? ['-map', '0:a:0?', ...sound] : []),
        ...['-t', (plan.playsMs / 1000).toFixed(3), '-fs', String(LARGEST_CLIP)],
        ...['-avoid_negative_ts', 'make_zero', '-movflags', '+faststart', '-f', 'mp4', '-y', path],
      ],
      copied ? files : matroskaOf(files, sounds),
      LARGEST_PICTURE,
      signal,
    );
  } catch (thrown) {
    throw withoutSpace(asAlarmflowError(thrown));
  }
}

const encoders = new Map<string, string[]>();

/** The best that this ffmpeg has: H.264; else the pictures as they are, which players have but browsers don't. */
async function encoderFor(ffmpeg: string, signal: AbortSignal): Promise<string[]> {
  const known = encoders.get(ffmpeg);
  if (known) return known;
  const none: AsyncIterable<Buffer> = (async function* () {})();
  const said = (await runFfmpeg(ffmpeg, ['-encoders'], none, LARGEST_PICTURE, signal)).toString('latin1');
  // H.264 has no odd sizes, and players want the colours of television.
  const shape = ['-vf', 'scale=trunc(iw/2)*2:trunc(ih/2)*2:out_range=tv,format=yuv420p', '-threads', '1'];
  const found = / libx264 /.test(said)
    ? ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-x264-params', 'threads=1', ...shape]
    : / libopenh264 /.test(said)
      ? ['-c:v', 'libopenh264', '-b:v', '3M', ...shape]
      : ['-c:v', 'copy'];
  encoders.set(ffmpeg, found);
  return found;
}

function withoutSpace(error: AlarmflowError): AlarmflowError {
  return /No space left/i.test(error.message)
    ? operationalError('E_MEDIA_WRITE', 'A clip cannot be kept: the disk of the data folder is full; free some space', {
        cause: error,
      })
    : error;
}

/** The first file of each run of ffmpeg. */
const runsOf = (segments: readonly Segment[]): Segment[] =>
  segments.filter((segment, index) => segments[index - 1]?.run !== segment.run);

/** What a file holds. */
async function headOf(segment: Segment): Promise<{ video: VideoKind; sound: boolean }> {
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of bytesOf([segment])) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= 3 * PACKET) break;
  }
  return { video: videoKind(head, head.subarray(2 * PACKET)), sound: soundKind(head) === 'aac' };
}

/** The picture at a moment of a file, or null where the file has none. */
export async function cutPicture(
  ffmpeg: string,
  segment: Segment,
  moment: number,
  signal: AbortSignal,
): Promise<Picture | null> {
  const offset = Math.max(0, (moment - segment.from) / 1000);
  if ((await headOf(segment)).video === 'mjpeg') return jpegAt(segment, offset * 1000);
  // The last picture of a file may lie before the moment: then the one before counts.
  for (const at of [offset, Math.max(0, offset - 0.5), 0]) {
    const bytes = await runFfmpeg(
      ffmpeg,
      [
        ...['-f', 'mpegts', '-i', 'pipe:0', '-ss', at.toFixed(3), '-map', '0:v:0', '-frames:v', '1'],
        ...['-pix_fmt', 'yuvj420p', '-q:v', '3', '-c:v', 'mjpeg', '-f', 'image2pipe', 'pipe:1'],
      ],
      bytesOf([segment]),
      LARGEST_PICTURE,
      signal,
    ).catch((thrown: unknown) => {
      // A file without a whole picture behind that place is no failure of the recorder.
      if (asAlarmflowError(thrown).code === 'E_RECORDER' && at > 0) return Buffer.alloc(0);
      throw thrown;
    });
    if (bytes.length > 0) return { contentType: 'image/jpeg', bytes };
  }
  return null;
}

/** The last picture of a file of Motion JPEG that is not behind that many milliseconds; it needs no ffmpeg. */
async function jpegAt(segment: Segment, offset: number): Promise<Picture | null> {
  let found: Buffer | null = null;
  for await (const { kind, at, bytes } of unitsOf(bytesOf([segment])))
    if (kind === 'picture' && bytes.length <= LARGEST_PICTURE && (found === null || at <= offset)) found = bytes;
  return found && { contentType: 'image/jpeg', bytes: found };
}

/** Work that is done one after another; who gives up while waiting is left out. */
export function createQueue(): <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (signal, work) => {
    const turn = last.then(() => {
      signal.throwIfAborted();
      return work();
    });
    last = turn.catch(() => undefined);
    return turn;
  };
}
