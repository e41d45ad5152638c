/**
 * Motion JPEG out of a ring. A transport stream has no number for it, so that ffmpeg writes it there and then doesn't know
 * it any more; here its pictures and its sound are taken out and put into Matroska (RFC 9559), which ffmpeg reads.
 */
import { PACKET, packetOf, programOf, unitOf } from './transport-stream';

/** Ticks of a transport stream's clock in a millisecond, and where that clock begins anew. */
const TICKS = 90;
const TURN = 2 ** 33;
/** A jump beyond that is another run of the stream, or a camera's clock that was set. */
const LONGEST_STEP = 10_000 * TICKS;
/** From the last picture before a jump to the first behind it. */
const SEAM = 40 * TICKS;
const LARGEST_UNIT = 16 * 1024 * 1024;

/** One picture, or one piece of sound, in milliseconds from the first picture on. */
export interface Unit {
  kind: 'picture' | 'sound';
  at: number;
  bytes: Buffer;
}

/** The bytes of files of a ring, one after another, as pictures and sound on one time line without jumps. */
export async function* unitsOf(files: AsyncIterable<Buffer>): AsyncGenerator<Unit> {
  let rest: Buffer = Buffer.alloc(0);
  let association: Buffer | null = null;
  let video = -1;
  let sound = -1;
  const open = new Map<number, { pts: number; parts: Buffer[]; size: number }>();
  const line = timeLine();

  function* ended(pid: number): Generator<Unit> {
    const unit = open.get(pid);
    open.delete(pid);
    if (!unit) return;
    const at = pid === video ? line.picture(unit.pts) : line.sound(unit.pts);
    if (at === null) return;
    const bytes = Buffer.concat(unit.parts);
    yield { kind: pid === video ? 'picture' : 'sound', at: at / TICKS, bytes: pid === video ? whole(bytes) : bytes };
  }

  for await (const chunk of files) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    for (; at + PACKET <= bytes.length; at += PACKET) {
      const raw = bytes.subarray(at, at + PACKET);
      const { pid, unitStart, payload } = packetOf(raw);
      if (pid === 0 && unitStart) association = Buffer.from(raw);
      else if (unitStart && association && payload[1 + (payload[0] ?? 0)] === 2) {
        const program = programOf(Buffer.concat([association, raw]));
        video = program.video?.pid ?? video;
        sound = program.sound?.pid ?? -1;
        // Tables stand before each picture: what was open is whole.
      } else if (pid === video || pid === sound) {
        if (unitStart) {
          yield* ended(pid);
          const unit = unitOf(payload);
          if (unit) open.set(pid, { pts: unit.pts, parts: [Buffer.from(unit.data)], size: unit.data.length });
        } else {
          const unit = open.get(pid);
          if (unit && unit.size < LARGEST_UNIT) {
            unit.parts.push(Buffer.from(payload));
            unit.size += payload.length;
          }
        }
      }
    }
    rest = Buffer.from(bytes.subarray(at));
  }
  yield* ended(video);
  yield* ended(sound);
}

/** Without the bytes that fill the last packet. */
function whole(picture: Buffer): Buffer {
  const end = picture.lastIndexOf(Buffer.from([0xff, 0xd9]));
  return end < 0 ? picture : picture.subarray(0, end + 2);
}

/** Times of a clock that turns over and jumps, as ticks from the first picture on. */
function timeLine(): { picture(pts: number): number; sound(pts: number): number | null } {
  let last: { pts: number; at: number } | null = null;
  const since = (pts: number, from: number): number => {
    const step = (((pts - from) % TURN) + TURN) % TURN;
    return step > TURN / 2 ? step - TURN : step;
  };
  return {
    picture(pts) {
      const step = last === null ? 0 : since(pts, last.pts);
      const at = last === null ? 0 : last.at + (step > 0 && step <= LONGEST_STEP ? step : SEAM);
      last = { pts, at };
      return at;
    },
    sound(pts) {
      if (last === null) return null;
      const step = since(pts, last.pts);
      const at = last.at + step;
      return Math.abs(step) > LONGEST_STEP || at < 0 ? null : at;
    },
  };
}

/** The same as a Matroska stream: Motion JPEG, and AAC where there is some. */
export async function* matroskaOf(files: AsyncIterable<Buffer>, withSound: boolean): AsyncGenerator<Buffer> {
  let begun = false;
  let soundKnown: SoundShape | null = null;
  const early: Unit[] = [];
  for await (const unit of unitsOf(files)) {
    if (!begun) {
      early.push(unit);
      soundKnown ??= unit.kind === 'sound' ? soundShape(unit.bytes) : null;
      // The head names all tracks, so it waits a little for the first sound.
      if (withSound && soundKnown === null && unit.at < 2_000) continue;
      if (!early.some(({ kind }) => kind === 'picture')) continue;
      begun = true;
      yield head(early.find(({ kind }) => kind === 'picture')!.bytes, soundKnown);
      for (const one of early.splice(0)) yield* blocks(one, soundKnown);
    } else yield* blocks(unit, soundKnown);
  }
  const first = begun ? undefined : early.find(({ kind }) => kind === 'picture');
  if (!first) return;
  yield head(first.bytes, soundKnown);
  for (const one of early) yield* blocks(one, soundKnown);
}

function* blocks(unit: Unit, shape: SoundShape | null): Generator<Buffer> {
  if (unit.kind === 'picture') yield cluster(1, unit.at, unit.bytes);
  else if (shape) {
    let at = unit.at;
    for (const frame of soundFrames(unit.bytes)) {
      yield cluster(2, at, frame);
      at += (1_024 / shape.rate) * 1_000;
    }
  }
}

interface SoundShape {
  rate: number;
  channels: number;
  /** AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1). */
  config: Buffer;
}

const rates = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/** From the head of an ADTS frame (ISO/IEC 13818-7 §6.2), or null where there is none. */
function soundShape(bytes: Buffer): SoundShape | null {
  if (bytes.length < 7 || bytes[0] !== 0xff || (bytes[1]! & 0xf6) !== 0xf0) return null;
  const type = (bytes[2]! >> 6) + 1;
  const index = (bytes[2]! >> 2) & 0x0f;
  const channels = ((bytes[2]! & 1) << 2) | (bytes[3]! >> 6);
  const rate = rates[index];
  if (rate === undefined || channels === 0) return null;
  return { rate, channels, config: Buffer.from([(type << 3) | (index >> 1), ((index & 1) << 7) | (channels << 3)]) };
}

function* soundFrames(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at + 7 <= bytes.length && bytes[at] === 0xff && (bytes[at + 1]! & 0xf6) === 0xf0; ) {
    const length = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5);
    const skip = (bytes[at + 1]! & 1) === 1 ? 7 : 9;
    if (length <= skip || at + length > bytes.length) return;
    yield bytes.subarray(at + skip, at + length);
    at += length;
  }
}

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(value, 0, 6);
  return bytes;
};
const real = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
};

/** One element: its id, its length in 8 bytes, what is in it. */
function element(id: number, ...content: Buffer[]): Buffer {
  const name = Buffer.from(id.toString(16).padStart(2, '0'), 'hex');
  const size = Buffer.alloc(8);
  size.writeUIntBE(
    content.reduce((sum, { length }) => sum + length, 0),
    2,
    6,
  );
  size[0] = 0x01;
  return Buffer.concat([name, size, ...content]);
}

/** A segment whose length nobody knows yet. */
const openSegment = Buffer.from('18538067' + '01ffffffffffffff', 'hex');

function head(picture: Buffer, sound: SoundShape | null): Buffer {
  const { width, height } = sizeOf(picture);
  const text = (words: string): Buffer => Buffer.from(words, 'latin1');
  const tracks = [
    element(
      0xae,
      ...[
        element(0xd7, number(1)),
        element(0x73c5, number(1)),
        element(0x83, number(1)),
        element(0x86, text('V_MJPEG')),
      ],
      element(0xe0, element(0xb0, number(width)), element(0xba, number(height))),
    ),
  ];
  if (sound)
    tracks.push(
      element(
        0xae,
        ...[
          element(0xd7, number(2)),
          element(0x73c5, number(2)),
          element(0x83, number(2)),
          element(0x86, text('A_AAC')),
        ],
        element(0x63a2, sound.config),
        element(0xe1, element(0xb5, real(sound.rate)), element(0x9f, number(sound.channels))),
      ),
    );
  return Buffer.concat([
    element(0x1a45dfa3, element(0x4282, text('matroska')), element(0x4287, number(4)), element(0x4285, number(2))),
    openSegment,
    element(0x1549a966, element(0x2ad7b1, number(1_000_000)), element(0x4d80, text('-')), element(0x5741, text('-'))),
    element(0x1654ae6b, ...tracks),
  ]);
}

/** One block in a cluster of its own: whatever follows, it is whole. */
const cluster = (track: number, at: number, bytes: Buffer): Buffer =>
  element(
    0x1f43b675,
    element(0xe7, number(Math.max(0, Math.round(at)))),
    element(0xa3, Buffer.from([0x80 | track, 0, 0, 0x80]), bytes),
  );

/** Width and height of a JPEG (ITU-T T.81 §B.2.2); what tells none is decoded all the same. */
function sizeOf(picture: Buffer): { width: number; height: number } {
  for (let at = 2; at + 9 <= picture.length && picture[at] === 0xff; ) {
    const marker = picture[at + 1]!;
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { height: picture.readUInt16BE(at + 5), width: picture.readUInt16BE(at + 7) };
    at += 2 + picture.readUInt16BE(at + 2);
  }
  return { width: 640, height: 480 };
}
