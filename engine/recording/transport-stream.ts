/** Cuts an MPEG transport stream (ISO/IEC 13818-1 §2.4.3) where its key frames begin. */

const PACKET = 188;
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

/** The adaptation field says "random access": ffmpeg sets it on the first packet of each key frame. */
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

/** Stream type of the first elementary stream in a file that begins with its two tables: 0x1b H.264, 0x24 H.265. */
export function streamType(head: Buffer): number | null {
  if (head.length < 2 * PACKET) return null;
  const pmt = section(head.subarray(PACKET, 2 * PACKET));
  if (!pmt || pmt.length < 13 || pmt[0] !== 2) return null;
  return pmt[12 + (((pmt[10]! & 0x0f) << 8) | pmt[11]!)] ?? null;
}

const H264 = 0x1b;
export const H265 = 0x24;

/** Whether clips of it play: ffmpeg carries whatever it is given, all else as private data. */
export const isPlayable = (type: number | null): boolean => type === H264 || type === H265;

/** A reader that starts anywhere and finds its way back to the packets after odd bytes. */
export function createStreamReader(): StreamReader {
  let rest: Buffer = Buffer.alloc(0);
  let association: Buffer | null = null;
  let map: Buffer | null = null;
  let pid: number | null = null;

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
        } else if (id === pid && startsUnit(packet)) map = Buffer.from(packet);
        else if (isKey(packet) && association && map) {
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
