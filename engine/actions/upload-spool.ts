/**
 * What is waiting to be uploaded, on disk: pictures of an alarm are there once, and the server may be away for days.
 * One folder for each action, bounded by bytes and age. The action's row decides when it is tried; this only keeps.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock/clock';
import { asAlarmflowError, operationalError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { UploadFile } from './upload-transfer';

/** So long it is known that an upload is done, for a row that a crash has brought back. */
const KEEP_DONE_MS = 60 * 60_000;
/** A small file takes a block of the disk, and a folder one more. */
const LEAST_BYTES = 8 * 1024;
/** Between two looks for what has become too old. */
const SWEEP_MS = 60_000;
const MANIFEST = 'entry.json';

/** A file to be kept. */
export interface SpoolInput {
  /** As it shall be called on the server. */
  name: string;
  content: Buffer | AsyncIterable<Buffer>;
}

interface SpoolFile {
  name: string;
  size: number;
  digest: string;
}

/**
 * `open`: waits for its server. `aside`: its action failed; kept for a person who has it tried again.
 * `done`, `dropped`: without files, so that a row that comes once more hears of it.
 */
type SpoolState = 'open' | 'aside' | 'done' | 'dropped';

interface Manifest {
  version: 1;
  key: string;
  serverId: string;
  requestedAt: number;
  /** Kept until then at most. */
  until: number;
  state: SpoolState;
  files: SpoolFile[];
  /** Whether everything that was asked for is in it. */
  complete: boolean;
  /** How often what is missing was asked for in vain. */
  tries: number;
  /** What people have to know of it ("no clip: …"). */
  notes: string[];
  /** The outcome, once it is done or dropped. */
  summary: string;
}

export type SpoolEntry = Readonly<Omit<Manifest, 'files' | 'version'>> & { files: UploadFile[]; bytes: number };

/** What was dropped because the queue is full or it waited too long. */
export interface DroppedUploads {
  serverId: string;
  count: number;
  bytes: number;
  reason: 'full' | 'too-old';
}

export interface UploadSpool {
  /** How long an upload may wait at most. */
  readonly mostAgeMs: number;
  entry(key: string): SpoolEntry | null;
  /**
   * Keeps files of an action, beside those it has; what is older is dropped where the queue is full.
   * @throws E_UPLOAD_QUEUE (operational) where the disk refuses
   */
  keep(
    about: { key: string; serverId: string; requestedAt: number; until: number },
    files: readonly SpoolInput[],
    more: { complete: boolean; notes?: readonly string[] },
  ): Promise<SpoolEntry>;
  /** What is still missing of an entry was asked for in vain. */
  missed(key: string): Promise<number>;
  /** The upload is through: its files go, its outcome stays for a while. */
  done(key: string, summary: string): Promise<void>;
  /** There is nothing to upload, or nobody needs to know of it any more. */
  forget(key: string): Promise<void>;
  /** Its action failed; a person may have it tried again. */
  setAside(key: string): Promise<void>;
  /** Takes an entry up that was set aside; one that was dropped is forgotten. */
  takeUp(key: string): Promise<void>;
  /** Of what waits. */
  bytes(): number;
  close(): Promise<void>;
}

const markOf = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 32);

export async function openUploadSpool(options: {
  folder: string;
  /** Of everything that waits. */
  mostBytes: number;
  mostAgeMs: number;
  clock: Clock;
  log: Log;
  /** Something was dropped that nobody will see any more. */
  onDropped(dropped: DroppedUploads): void;
}): Promise<UploadSpool> {
  const { folder, clock, log } = options;
  const entries = new Map<string, Manifest>();
  /** Changes come one after another, so that the bound holds. */
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = turn.then(work, work);
    turn = next.catch(() => undefined);
    return next;
  };

  const placeOf = (key: string): string => join(folder, markOf(key));
  const bytesOf = (entry: Manifest): number =>
    Math.max(
      LEAST_BYTES,
      entry.files.reduce((sum, file) => sum + file.size, 0),
    );
  const waiting = (): Manifest[] => [...entries.values()].filter(({ state }) => state === 'open' || state === 'aside');
  const total = (): number => waiting().reduce((sum, entry) => sum + bytesOf(entry), 0);

  function refused(thrown: unknown): never {
    throw operationalError(
      'E_UPLOAD_QUEUE',
      `What is to be uploaded cannot be kept in ${folder}: ${asAlarmflowError(thrown).message}; check space and rights of the data folder; it is tried again`,
      { cause: thrown },
    );
  }

  async function writeFile(path: string, content: SpoolInput['content']): Promise<{ size: number; digest: string }> {
    const hash = createHash('sha256');
    let size = 0;
    const file = await open(path, 'w', 0o600);
    try {
      for await (const chunk of Buffer.isBuffer(content) ? [content] : content) {
        hash.update(chunk);
        size += chunk.length;
        await file.writeFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return { size, digest: hash.digest('hex') };
  }

  async function write(entry: Manifest): Promise<void> {
    const path = join(placeOf(entry.key), MANIFEST);
    await writeFile(`${path}.new`, Buffer.from(JSON.stringify(entry)));
    await rename(`${path}.new`, path);
    entries.set(entry.key, entry);
  }

  async function removeFiles(entry: Manifest): Promise<void> {
    for (const at of entry.files.keys()) await rm(join(placeOf(entry.key), String(at)), { force: true });
  }

  async function forget(key: string): Promise<void> {
    entries.delete(key);
    await rm(placeOf(key), { recursive: true, force: true });
  }

  /** Empties an entry for good. */
  async function close(entry: Manifest, state: 'done' | 'dropped', summary: string): Promise<void> {
    await write({
      ...entry,
      state,
      summary,
      files: [],
      until: clock.now() + (state === 'done' ? KEEP_DONE_MS : options.mostAgeMs),
    });
    await removeFiles(entry);
  }

  async function drop(entry: Manifest, reason: DroppedUploads['reason']): Promise<void> {
    const { key, serverId, state } = entry;
    const why =
      reason === 'full'
        ? `the queue of uploads was full (${options.mostBytes} bytes)`
        : `it had waited for ${Math.round(options.mostAgeMs / 3_600_000)} h`;
    log.warn('upload.dropped', { key, server: serverId, bytes: bytesOf(entry), reason });
    await close(entry, 'dropped', `Dropped from the queue of uploads, because ${why}`);
    // What was set aside had failed, and that was told.
    if (state === 'open') options.onDropped({ serverId, count: 1, bytes: bytesOf(entry), reason });
  }

  /** Drops the oldest, what has failed first, until everything fits. */
  async function makeRoom(spared: string): Promise<void> {
    const rank = (entry: Manifest): number => (entry.state === 'aside' ? 0 : entry.key === spared ? 2 : 1);
    const order = waiting().sort((a, b) => rank(a) - rank(b) || a.requestedAt - b.requestedAt);
    for (const entry of order) {
      if (total() <= options.mostBytes) return;
      await drop(entry, 'full');
    }
  }

  async function sweep(): Promise<void> {
    const now = clock.now();
    for (const entry of [...entries.values()]) {
      // A clock that was set far back must not keep them for ever.
      if (entry.until > now && entry.until < now + 2 * options.mostAgeMs + KEEP_DONE_MS) continue;
      if (entry.state === 'open') await drop(entry, 'too-old');
      else await forget(entry.key);
    }
  }

  const shown = (entry: Manifest): SpoolEntry => {
    const { version: _version, files, ...rest } = entry;
    const place = placeOf(entry.key);
    return {
      ...rest,
      bytes: files.reduce((sum, file) => sum + file.size, 0),
      files: files.map((file, at) => ({
        ...file,
        read: (from) => createReadStream(join(place, String(at)), { start: from }),
      })),
    };
  };

  async function change(key: string, act: (entry: Manifest) => Promise<void>): Promise<void> {
    await inTurn(async () => {
      const entry = entries.get(key);
      if (!entry) return;
      try {
        await act(entry);
      } catch (thrown) {
        refused(thrown);
      }
    });
  }

  async function load(): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) {
      const place = join(folder, name);
      try {
        const entry = JSON.parse(await readFile(join(place, MANIFEST), 'utf8')) as Manifest;
        if (entry.version === 1 && markOf(entry.key) === name) {
          entries.set(entry.key, entry);
          continue;
        }
        log.warn('upload.queue-entry-unknown', { place });
      } catch (thrown) {
        // A crash in the middle of the first write: its row is there and begins anew.
        log.info('upload.queue-entry-unfinished', { place, reason: asAlarmflowError(thrown).message });
      }
      await rm(place, { recursive: true, force: true });
    }
  }

  try {
    await load();
  } catch (thrown) {
    refused(thrown);
  }
  await inTurn(sweep);
  const sweeping = clock.every(
    SWEEP_MS,
    () => {
      inTurn(sweep).catch((thrown: unknown) => {
        log.warn('upload.queue-not-swept', { folder, error: asAlarmflowError(thrown).message });
      });
    },
    { background: true },
  );

  return {
    mostAgeMs: options.mostAgeMs,
    entry(key) {
      const entry = entries.get(key);
      return entry ? shown(entry) : null;
    },
    keep: (about, inputs, more) =>
      inTurn(async () => {
        const before = entries.get(about.key);
        const files = [...(before?.files ?? [])];
        try {
          await mkdir(placeOf(about.key), { recursive: true, mode: 0o700 });
          for (const { name, content } of inputs)
            files.push({ name, ...(await writeFile(join(placeOf(about.key), String(files.length)), content)) });
          await write({
            version: 1,
            ...about,
            until: before?.until ?? about.until,
            state: 'open',
            files,
            complete: more.complete,
            tries: before?.tries ?? 0,
            notes: [...(before?.notes ?? []), ...(more.notes ?? [])],
            summary: '',
          });
          await makeRoom(about.key);
        } catch (thrown) {
          if (!before) await forget(about.key).catch(() => undefined);
          refused(thrown);
        }
        return shown(entries.get(about.key)!);
      }),
    async missed(key) {
      await change(key, (entry) => write({ ...entry, tries: entry.tries + 1 }));
      return entries.get(key)?.tries ?? 0;
    },
    done: (key, summary) => change(key, (entry) => close(entry, 'done', summary)),
    forget: (key) => change(key, () => forget(key)),
    setAside: (key) =>
      change(key, async (entry) => {
        if (entry.state === 'open') await write({ ...entry, state: 'aside' });
      }),
    takeUp: (key) =>
      change(key, async (entry) => {
        if (entry.state === 'dropped') await forget(key);
        if (entry.state === 'aside') await write({ ...entry, state: 'open', until: clock.now() + options.mostAgeMs });
      }),
    bytes: total,
    async close() {
      sweeping.cancel();
      await turn;
    },
  };
}
