import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, isoTime } from '../clock/clock';
import { operationalError, userError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import type { KeptFile, MediaStore } from '../domain/record';
import { codeOf, type Database, messageOf } from './database';
import { plainText } from './json-text';
import { forgetLost } from './media-orphans';
import type { Writer } from './writer';

/** Largest picture that is kept, in bytes. */
export const LARGEST_PICTURE = 16 * 1024 * 1024;
/** Largest file that is read whole. */
const LARGEST_WHOLE = 64 * 1024 * 1024;

const idFormat = /^[0-9a-z]{13,16}[0-9a-f]{8}$/;
const contentTypeFormat = /^[\w.+-]{1,60}\/[\w.+-]{1,60}(?:; ?[\w.+-]{1,40}=[\w.+-]{1,60}){0,3}$/;

interface Row {
  contentType: string;
  name: string | null;
  size: number;
}

/** `<folder>/yyyy/mm/<id>`; the time stands in the id itself (`sortableId`), so that no row is needed to find the file. */
export function mediaPath(folder: string, id: string): string {
  const [year, month] = isoTime(Number.parseInt(id.slice(0, 9), 36))
    .slice(0, 7)
    .split('-');
  return join(folder, year!, month!, id);
}

/** @param guard throws while nothing may be written, because the disk is nearly full: the record needs the rest */
export function createMediaStore(
  folder: string,
  database: Database,
  writer: Writer,
  clock: Clock,
  log: Log,
  guard: () => void,
): MediaStore {
  /** Files of an origin that are being made: who asks for the same waits for it. */
  const underway = new Map<string, Promise<KeptFile>>();

  async function ofOrigin(origin: string): Promise<KeptFile | null> {
    const [row] = await database.query<{ id: string; size: number }>(
      'SELECT id, size FROM alarmflow.media WHERE origin = $1',
      [plainText(origin)],
    );
    if (!row) return null;
    if (await exists(mediaPath(folder, row.id))) return { mediaId: row.id, size: Number(row.size) };
    // Cleaned away by hand: it is made anew.
    await forgetLost(database.query, [row.id]);
    return null;
  }

  /** The file first, whole and synced, then its row: what is in the record can be shown. */
  async function store(
    file: { contentType: string; name?: string; origin?: string },
    what: string,
    write: (path: string) => Promise<void>,
  ): Promise<KeptFile> {
    const at = clock.now();
    const id = sortableId(at);
    const path = mediaPath(folder, id);
    let size = 0;
    try {
      guard();
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await write(`${path}.new`);
      const handle = await open(`${path}.new`, 'r+');
      try {
        await handle.sync();
        size = (await handle.stat()).size;
      } finally {
        await handle.close();
      }
      await rename(`${path}.new`, path);
    } catch (thrown) {
      await rm(`${path}.new`, { force: true });
      if (!isDisk(thrown)) throw thrown;
      throw operationalError(
        'E_MEDIA_WRITE',
        `${what} cannot be kept in ${dirname(path)}: ${messageOf(thrown)}; check space and rights of the data folder`,
        { cause: thrown },
      );
    }
    try {
      await writer.commit({
        media: [
          {
            id,
            at,
            size,
            contentType: contentTypeFormat.test(file.contentType) ? file.contentType : 'application/octet-stream',
            name: file.name === undefined ? null : plainText(file.name).slice(0, 255),
            origin: file.origin === undefined ? null : plainText(file.origin),
          },
        ],
      });
    } catch (thrown) {
      // Without its row nobody would ever find or remove it before the next clean-up.
      await rm(path, { force: true });
      throw thrown;
    }
    if (file.origin === undefined) return { mediaId: id, size };
    const kept = await ofOrigin(file.origin);
    // Another process was faster: its file stands for both.
    if (kept && kept.mediaId !== id) await rm(path, { force: true });
    return kept ?? { mediaId: id, size };
  }

  function once(origin: string, make: () => Promise<KeptFile>): Promise<KeptFile> {
    const running = underway.get(origin);
    if (running) return running;
    const made = (async () => (await ofOrigin(origin)) ?? (await make()))().finally(() => underway.delete(origin));
    underway.set(origin, made);
    return made;
  }

  async function rowOf(mediaId: string): Promise<Row | null> {
    if (!idFormat.test(mediaId)) return null;
    const rows = await database.query<Row>(
      'SELECT content_type AS "contentType", name, size FROM alarmflow.media WHERE id = $1',
      [mediaId],
    );
    return rows[0] ?? null;
  }

  function lost(mediaId: string): null {
    log.warn('a file of the record is gone from the disk', { mediaId });
    return null;
  }

  return {
    async keep(picture) {
      const size = picture.bytes.length;
      if (size > LARGEST_PICTURE) {
        throw userError(
          'E_PICTURE_TOO_LARGE',
          `A picture of ${size} bytes is more than the ${LARGEST_PICTURE} that are kept: lower its resolution or quality on the device`,
        );
      }
      const make = (): Promise<KeptFile> =>
        store(picture, 'A picture', async (path) => {
          const file = await open(path, 'wx', 0o600);
          try {
            await file.writeFile(picture.bytes);
          } finally {
            await file.close();
          }
        });
      return (await (picture.origin === undefined ? make() : once(picture.origin, make))).mediaId;
    },
    keepFile: (file, write) => once(file.origin, () => store(file, `"${file.name}"`, write)),
    ofOrigin,
    async read(mediaId) {
      const row = await rowOf(mediaId);
      if (!row || row.size > LARGEST_WHOLE) return null;
      try {
        const bytes = await readFile(mediaPath(folder, mediaId));
        return { contentType: row.contentType, bytes, ...(row.name === null ? {} : { name: row.name }) };
      } catch (thrown) {
        if (codeOf(thrown) !== 'ENOENT') throw thrown;
        return lost(mediaId);
      }
    },
    async open(mediaId) {
      const row = await rowOf(mediaId);
      if (!row) return null;
      const path = mediaPath(folder, mediaId);
      if (!(await exists(path))) return lost(mediaId);
      return {
        contentType: row.contentType,
        name: row.name,
        size: Number(row.size),
        bytes: (first, last) => createReadStream(path, { start: first, end: last }),
      };
    },
  };
}

/** Refusals of the disk, as node tells them; others are those of whoever writes. */
const isDisk = (thrown: unknown): boolean =>
  /^E(?:NOSPC|DQUOT|ACCES|PERM|ROFS|IO|MFILE|NFILE|EXIST|FBIG)$/.test(codeOf(thrown));

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}
