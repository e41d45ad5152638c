import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, isoTime } from '../clock/clock';
import { operationalError, userError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import type { MediaRecord } from '../domain/record';
import { codeOf, type Database, messageOf } from './database';
import { plainText } from './json-text';
import type { Writer } from './writer';

/** Largest picture that is kept, in bytes. */
export const LARGEST_PICTURE = 16 * 1024 * 1024;

const idFormat = /^[0-9a-z]{13,16}[0-9a-f]{8}$/;
const contentTypeFormat = /^[\w.+-]{1,60}\/[\w.+-]{1,60}(?:; ?[\w.+-]{1,40}=[\w.+-]{1,60}){0,3}$/;

/** `<folder>/yyyy/mm/<id>`; the time stands in the id itself (`sortableId`), so that no row is needed to find the file. */
export function mediaPath(folder: string, id: string): string {
  const [year, month] = isoTime(Number.parseInt(id.slice(0, 9), 36))
    .slice(0, 7)
    .split('-');
  return join(folder, year!, month!, id);
}

export function createMediaRecord(
  folder: string,
  database: Database,
  writer: Writer,
  clock: Clock,
  log: Log,
): MediaRecord {
  return {
    async keep(picture) {
      const size = picture.bytes.length;
      if (size > LARGEST_PICTURE) {
        throw userError(
          'E_PICTURE_TOO_LARGE',
          `A picture of ${size} bytes is more than the ${LARGEST_PICTURE} that are kept: lower its resolution or quality on the device`,
        );
      }
      const at = clock.now();
      const id = sortableId(at);
      const path = mediaPath(folder, id);
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        const file = await open(`${path}.new`, 'wx', 0o600);
        try {
          await file.writeFile(picture.bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(`${path}.new`, path);
      } catch (thrown) {
        await rm(`${path}.new`, { force: true });
        throw operationalError(
          'E_MEDIA_WRITE',
          `A picture cannot be kept in ${dirname(path)}: ${messageOf(thrown)}; check space and rights of the data folder`,
          { cause: thrown },
        );
      }
      await writer.commit({
        media: [
          {
            id,
            at,
            size,
            contentType: contentTypeFormat.test(picture.contentType) ? picture.contentType : 'application/octet-stream',
            name: picture.name === undefined ? null : plainText(picture.name).slice(0, 255),
          },
        ],
      });
      return id;
    },
    async read(mediaId) {
      if (!idFormat.test(mediaId)) return null;
      const rows = await database.query<{ contentType: string; name: string | null; size: number }>(
        'SELECT content_type AS "contentType", name, size FROM alarmflow.media WHERE id = $1',
        [mediaId],
      );
      const row = rows[0];
      if (!row) return null;
      try {
        const bytes = await readFile(mediaPath(folder, mediaId));
        return { contentType: row.contentType, bytes, ...(row.name === null ? {} : { name: row.name }) };
      } catch (thrown) {
        if (codeOf(thrown) !== 'ENOENT') throw thrown;
        log.warn('a picture of the record is gone from the disk', { mediaId });
        return null;
      }
    },
  };
}
