/**
 * The last seconds of one camera on disk: files that begin with a key frame, `<begin>-<end>-<run>.ts` in wall
 * milliseconds, the one that is written `<begin>-open-<run>.ts`. The folder is the only index, so a crash loses nothing
 * but what was in the last write. Files of one run join without a seam.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock/clock';

export interface Segment {
  path: string;
  /** Wall milliseconds of its first picture, and of the end of its last. */
  from: number;
  to: number;
  bytes: number;
  run: string;
}

export interface RingLimits {
  keepMs: number;
  mostBytes(): number;
  /** Whether somebody still needs it, whatever its age. */
  isHeld(segment: Segment): boolean;
}

export interface Ring {
  /** Takes up what an earlier run of the process has left. */
  load(): Promise<void>;
  /** Begins the next file; what was open before ends here. */
  begin(run: string, at: number, tables: Buffer): Promise<void>;
  /** Adds to the open file; nothing where none is open. */
  write(bytes: Buffer, at: number): Promise<void>;
  /** Ends the open file. */
  end(): Promise<void>;
  /** When the open file was begun, or null. */
  openSince(): number | null;
  /** Wall milliseconds up to which there are pictures, or null where there are none. */
  lastAt(): number | null;
  /** Files with pictures of that span, the oldest first. */
  span(from: number, to: number): Segment[];
  /** Removes what is too old or too much. */
  prune(now: number): Promise<void>;
  /** The wall clock was set: what there is was recorded so much later, or earlier, by the new time. */
  move(byMs: number): void;
  isEmpty(): boolean;
}

/** Clocks of disks may be a little ahead of ours. */
const FUTURE_MS = 5_000;
const names = /^(\d{12,14})-(\d{12,14}|open)-([0-9a-z]{1,32})\.ts$/;

export function createRing(folder: string, clock: Clock, limits: RingLimits): Ring {
  let segments: Segment[] = [];
  let current: { segment: Segment; file: FileHandle } | null = null;

  const pathOf = (from: number, to: number | 'open', run: string): string => join(folder, `${from}-${to}-${run}.ts`);

  async function closeFile({ segment, file }: { segment: Segment; file: FileHandle }): Promise<void> {
    await file.close();
    if (segment.bytes === 0) {
      await rm(segment.path, { force: true });
      return;
    }
    const path = pathOf(segment.from, segment.to, segment.run);
    await rename(segment.path, path);
    segment.path = path;
    segments.push(segment);
  }

  const ring: Ring = {
    async load() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const found: Segment[] = [];
      for (const name of await readdir(folder)) {
        const match = names.exec(name);
        const path = join(folder, name);
        if (!match) {
          await rm(path, { force: true, recursive: true });
          continue;
        }
        const { size, mtimeMs } = await stat(path);
        const from = Number(match[1]);
        const run = match[3]!;
        // The process ended while it was written: its last write tells how far it goes.
        const to = match[2] === 'open' ? Math.max(from, Math.round(mtimeMs)) : Number(match[2]);
        // What is of the future was named before the wall clock was set back: nobody knows any more what it shows when.
        if (size === 0 || to <= from || from > clock.now() + FUTURE_MS) {
          await rm(path, { force: true });
          continue;
        }
        const kept = pathOf(from, to, run);
        if (kept !== path) await rename(path, kept);
        found.push({ path: kept, from, to, bytes: size, run });
      }
      segments = found.sort((a, b) => a.from - b.from);
      await ring.prune(clock.now());
    },
    async begin(run, at, tables) {
      await ring.end();
      // Two files never begin at the same moment: their names would be the same.
      const from = Math.max(at, (segments.at(-1)?.from ?? 0) + 1);
      const path = pathOf(from, 'open', run);
      const file = await open(path, 'wx', 0o600);
      current = { segment: { path, from, to: from, bytes: 0, run }, file };
      await ring.write(tables, from);
    },
    async write(bytes, at) {
      if (!current) return;
      const { segment, file } = current;
      await file.writeFile(bytes);
      segment.bytes += bytes.length;
      segment.to = Math.max(segment.to, at);
    },
    async end() {
      const closing = current;
      current = null;
      if (closing) await closeFile(closing);
    },
    openSince: () => current?.segment.from ?? null,
    lastAt: () => current?.segment.to ?? segments.at(-1)?.to ?? null,
    span(from, to) {
      const all = current ? [...segments, { ...current.segment }] : segments;
      return all.filter((segment) => segment.to > from && segment.from < to).map((segment) => ({ ...segment }));
    },
    async prune(now) {
      // What is held counts for nothing: a long recording must not cost the next alarm its past.
      let bytes = segments.reduce((sum, segment) => sum + (limits.isHeld(segment) ? 0 : segment.bytes), 0);
      const gone = new Set<Segment>();
      for (const segment of segments) {
        const old = segment.to < now - limits.keepMs;
        if (!old && bytes <= limits.mostBytes()) break;
        if (limits.isHeld(segment)) continue;
        gone.add(segment);
        bytes -= segment.bytes;
      }
      if (gone.size === 0) return;
      segments = segments.filter((segment) => !gone.has(segment));
      for (const segment of gone) await rm(segment.path, { force: true });
    },
    move(byMs) {
      // Files keep their names: those are read at the next start alone.
      for (const segment of current ? [...segments, current.segment] : segments) {
        segment.from += byMs;
        segment.to += byMs;
      }
    },
    isEmpty: () => segments.length === 0 && current === null,
  };
  return ring;
}

/** The bytes of files one after another, as far as they are written when it is their turn. */
export async function* bytesOf(segments: readonly Segment[]): AsyncGenerator<Buffer> {
  for (const { path } of segments)
    for await (const chunk of createReadStream(await present(path))) yield chunk as Buffer;
}

/** The file may have been ended, and so renamed, since it was looked up. */
async function present(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (thrown) {
    const match = /^(.*[\\/])(\d+)-open-([0-9a-z]+)\.ts$/.exec(path);
    if (!match) throw thrown;
    const [, folder = '', from = '', run = ''] = match;
    const renamed = (await readdir(folder)).find((name) => name.startsWith(`${from}-`) && name.endsWith(`-${run}.ts`));
    if (renamed === undefined) throw thrown;
    return join(folder, renamed);
  }
}
