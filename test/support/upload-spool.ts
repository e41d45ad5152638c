import { join } from 'node:path';
import { type DroppedUploads, noUploads, openUploadSpool, type UploadParts } from '../../engine/actions';
import type { Clock } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { temporaryFolder } from './temporary-folder';

export interface TestUploads {
  uploads: UploadParts['uploads'];
  /** What the queue had to drop. */
  dropped: DroppedUploads[];
  /** Where it lies. */
  folder: string;
}

/** What the uploads of a test work with: a queue of their own on disk. */
export async function testUploads(
  options: {
    clock?: Clock;
    mostBytes?: number;
    mostAgeMs?: number;
    /** To take up the queue of an earlier one, as after a crash. */
    folder?: string;
    parts?: Partial<UploadParts['uploads']>;
  } = {},
): Promise<TestUploads> {
  const dropped: DroppedUploads[] = [];
  const folder = options.folder ?? join(await temporaryFolder(), 'uploads');
  const spool = await openUploadSpool({
    folder,
    mostBytes: options.mostBytes ?? 2 ** 30,
    mostAgeMs: options.mostAgeMs ?? 7 * 24 * 60 * 60_000,
    clock: options.clock ?? systemClock,
    log: silentLog,
    onDropped: (one) => dropped.push(one),
  });
  return { uploads: { ...noUploads, ...options.parts, spool }, dropped, folder };
}
