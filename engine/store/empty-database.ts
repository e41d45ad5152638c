import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Log } from '../domain/log';
import { messageOf } from './database';
import { startPgliteThread } from './pglite-thread';

/**
 * Runs PostgreSQL's initdb in a thread of its own: it takes a second WASM engine with some 300 MB, which only the end of
 * a thread gives back at once.
 */
async function initialize(folder: string, log: Log): Promise<void> {
  const thread = await startPgliteThread(folder, log);
  await thread.close();
}

/** Where an empty database is kept beside the installed library, one for each version of it. */
async function cacheFolder(): Promise<string> {
  const library = dirname(dirname(require.resolve('@electric-sql/pglite')));
  const { version } = JSON.parse(await readFile(join(library, 'package.json'), 'utf8')) as { version: string };
  return join(dirname(dirname(library)), '.cache', 'alarmflow', `record-${version}`);
}

/** Copies to a name of its own first, so that nobody ever finds a half-made folder. */
async function copyWhole(from: string, to: string): Promise<void> {
  const draft = `${to}.${process.pid}.${process.hrtime.bigint()}`;
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await cp(from, draft, { recursive: true });
    await rename(draft, to);
  } catch (thrown) {
    await rm(draft, { recursive: true, force: true });
    throw thrown;
  }
}

/** Drafts of a start that was killed while it copied. The caller holds the lock of the data folder: nobody copies now. */
async function dropDrafts(folder: string): Promise<void> {
  const names = existsSync(dirname(folder)) ? await readdir(dirname(folder)) : [];
  const draft = /^\.\d+\.\d+$/;
  for (const name of names)
    if (name.startsWith(basename(folder)) && draft.test(name.slice(basename(folder).length)))
      await rm(join(dirname(folder), name), { recursive: true, force: true });
}

/**
 * Makes an empty database in a folder that does not exist or is empty. The first one on an installation takes seconds;
 * a copy of it is kept, and later ones take a tenth of that. Resolves to whether it is a copy.
 */
export async function makeEmptyDatabase(folder: string, log: Log): Promise<boolean> {
  const cache = await cacheFolder();
  await rm(folder, { recursive: true, force: true });
  await dropDrafts(folder);
  if (existsSync(join(cache, 'PG_VERSION'))) {
    await copyWhole(cache, folder);
    return true;
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await initialize(folder, log);
  await copyWhole(folder, cache).catch((thrown: unknown) => {
    // An installation that belongs to another user, or another process that was faster: only time is lost.
    log.debug('no copy of the empty database was kept', { cache, reason: messageOf(thrown) });
  });
  return false;
}

/** A copy that cannot be opened must not be handed out again. */
export async function forgetEmptyDatabase(): Promise<void> {
  await rm(await cacheFolder(), { recursive: true, force: true });
}
