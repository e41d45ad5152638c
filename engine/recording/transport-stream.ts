/** Cuts an MPEG transport stream (ISO/IEC 13818-1 §2.4.3) where its key frames begin. */

export const PACKET = 188;
const SYNC = 0x47;

/** Bytes of the stream, whole packets. */
export interface StreamPiece {
  /** It begins with a key frame: a file may begin here. */
  key: boolean;
  bytes: Buffer;
  /** The program tables that a file needs at its beginning; only with a key frame. */
  tables: Buffer | null;
}

export interface StreamReader {
  feed(chunk: Buffer): StreamPiece[];
}

const pidOf = (packet: Buffer): number => ((packet[1]! & 0x1f) << 8) | packet[2]!;
const startsUnit = (packet: Buffer): boolean => (packet[1]! & 0x40) !== 0;

/** The adaptation field says "random access": ffmpeg sets it on the first packet of each key frame, and of all sound. */
const isKey = (packet: Buffer): boolean =>
  startsUnit(packet) && (packet[3]! & 0x20) !== 0 && packet[4]! > 0 && (packet[5]! & 0x40) !== 0;

/** Bytes of the section that begins in a packet, or null. */
function section(packet: Buffer): Buffer | null {
  const afterField = (packet[3]! & 0x20) !== 0 ? 5 + packet[4]! : 4;
  const pointer = packet[afterField];
  if (pointer === undefined) return null;
  return packet.subarray(afterField + 1 + pointer);
}

/** PID of the first program's map, from a program association section. */
function mapPid(packet: Buffer): number | null {
  const pat = section(packet);
  return pat && pat.length >= 12 && pat[0] === 0 ? ((pat[10]! & 0x1f) << 8) | pat[11]! : null;
}

interface Elementary {
  type: number;
  pid: number;
}

/** The elementary streams that a program map names, in its order. */
function streamsOf(map: Buffer): Elementary[] {
  const pmt = section(map);
  if (!pmt || pmt.length < 13 || pmt[0] !== 2) return [];
  const end = Math.min(pmt.length, 3 + (((pmt[1]! & 0x0f) << 8) | pmt[2]!) - 4);
  const found: Elementary[] = [];
  for (let at = 12 + (((pmt[10]! & 0x0f) << 8) | pmt[11]!); at + 5 <= end; ) {
    found.push({ type: pmt[at]!, pid: ((pmt[at + 1]! & 0x1f) << 8) | pmt[at + 2]! });
    at += 5 + (((pmt[at + 3]! & 0x0f) << 8) | pmt[at + 4]!);
  }
  return found;
}

/** Streams of a file, or of what a piece with tables begins with: the pictures come first, for so they are asked for. */
export function programOf(tables: Buffer): { video: Elementary | null; sound: Elementary | null } {
  const [video = null, sound = null] = tables.length < 2 * PACKET ? [] : streamsOf(tables.subarray(PACKET, 2 * PACKET));
  return { video, sound };
}

const H264 = 0x1b;
const H265 = 0x24;
/** What the standard has no number for; Motion JPEG is carried so. */
const PRIVATE = 0x06;
/** AAC as ADTS and as LATM. */
const AAC = new Set([0x0f, 0x11]);

/** What clips can be made of; null: anything else, which ffmpeg carries as well. */
export type VideoKind = 'h264' | 'h265' | 'mjpeg' | null;

/** What the pictures are, by tables and the first packet of a picture behind them. */
export function videoKind(tables: Buffer, picture: Buffer): VideoKind {
  const { video } = programOf(tables);
  if (video?.type === H264) return 'h264';
  if (video?.type === H265) return 'h265';
  const bytes = picture.length < PACKET ? null : packetOf(picture.subarray(0, PACKET));
  const start = bytes?.unitStart ? unitOf(bytes.payload)?.data : null;
  return video?.type === PRIVATE && start?.[0] === 0xff && start[1] === 0xd8 ? 'mjpeg' : null;
}

/** Whether there is a sound track, and one that clips can hold as it is. */
export function soundKind(tables: Buffer): 'none' | 'aac' | 'other' {
  const { sound } = programOf(tables);
  return sound === null ? 'none' : AAC.has(sound.type) ? 'aac' : 'other';
}

/** One packet taken apart. */
export function packetOf(packet: Buffer): { pid: number; unitStart: boolean; payload: Buffer } {
  const hasPayload = (packet[3]! & 0x10) !== 0;
  const afterField = (packet[3]! & 0x20) !== 0 ? 5 + packet[4]! : 4;
  return {
    pid: pidOf(packet),
    unitStart: startsUnit(packet),
    payload: hasPayload ? packet.subarray(Math.min(PACKET, afterField)) : Buffer.alloc(0),
  };
}

/** The head of a packetized unit (§2.4.3.6): when it is shown, in 90 kHz of a clock of 33 bits, and its first bytes. */
export function unitOf(payload: Buffer): { pts: number; data: Buffer } | null {
  if (payload.length < 14 || payload[0] !== 0 || payload[1] !== 0 || payload[2] !== 1) return null;
  if ((payload[7]! & 0x80) === 0) return null;
  const pts =
    (payload[9]! & 0x0e) * 2 ** 29 +
    payload[10]! * 2 ** 22 +
    (payload[11]! & 0xfe) * 2 ** 14 +
    payload[12]! * 2 ** 7 +
    (payload[13]! >> 1);
  return { pts, data: payload.subarray(9 + payload[8]!) };
}

/** The time of the picture that a piece begins with, in 90 kHz; null where it has none. */
export const pictureTime = (piece: Buffer): number | null =>
  piece.length < PACKET ? null : (unitOf(packetOf(piece.subarray(0, PACKET)).payload)?.pts ?? null);

/** A reader that starts anywhere and finds its way back to the packets after odd bytes. */
export function createStreamReader(): StreamReader {
  let rest: Buffer = Buffer.alloc(0);
  let association: Buffer | null = null;
  let map: Buffer | null = null;
  let pid: number | null = null;
  let video: number | null = null;

  return {
    feed(chunk) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      const pieces: StreamPiece[] = [];
      let from = 0;
      let at = 0;
      let key = false;
      const cut = (to: number): void => {
        if (to > from) pieces.push({ key, bytes: bytes.subarray(from, to), tables: key ? tables() : null });
      };
      while (at + PACKET <= bytes.length) {
        if (bytes[at] !== SYNC) {
          cut(at);
          key = false;
          const next = bytes.indexOf(SYNC, at + 1);
          at = next < 0 ? bytes.length : next;
          from = at;
          continue;
        }
        const packet = bytes.subarray(at, at + PACKET);
        const id = pidOf(packet);
        if (id === 0 && startsUnit(packet)) {
          association = Buffer.from(packet);
          pid = mapPid(packet);
        } else if (id === pid && startsUnit(packet)) {
          map = Buffer.from(packet);
          video = streamsOf(map)[0]?.pid ?? null;
        } else if (id === video && isKey(packet) && association && map) {
          cut(at);
          from = at;
          key = true;
        }
        at += PACKET;
      }
      cut(at);
      rest = Buffer.from(bytes.subarray(at));
      return pieces;
    },
  };

  function tables(): Buffer | null {
    return association && map ? Buffer.concat([association, map]) : null;
  }
}
