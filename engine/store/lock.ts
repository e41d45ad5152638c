import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, rmdir, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { systemClock } from '../clock/system-clock';
import { asAlarmflowError, operationalError, userError } from '../domain/errors';
import { bootId } from './boot';
import { codeOf, messageOf } from './database';

const FILE = 'alarmflow.lock';
/** The holder touches its lock this often, so that another machine or container can see that it lives. */
const BEAT_MS = 5_000;
const DEAD_AFTER_MS = 20_000;
/** Taking over a dead lock takes a millisecond; a take-over this old was itself killed. */
const TAKEOVER_STALE_MS = 10_000;

interface Holder {
  pid: number;
  /** Start of the process in clock ticks since boot, which tells it from a later one with the same number. */
  startedTicks: string | null;
  bootId: string | null;
  host: string;
  command: string;
  since: number;
  url?: string;
}

export interface DataDirLock {
  release(): Promise<void>;
  /** Tells those who are refused more about us, e.g. the address of the console once it is known. */
  update(fields: { url?: string }): Promise<void>;
}

function startOf(pid: number): string | null {
  try {
    // The command name in field 2 may hold blanks and brackets; the start time is field 22.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    // No such process, or a system without /proc: `alive` then asks the kernel itself.
    return null;
  }
}

function running(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) === 'EPERM';
  }
}

async function alive(holder: Holder, path: string): Promise<boolean> {
  if (holder.host !== hostname()) {
    // Another machine on a shared disk, or a container that came back under a new name: only the beat can tell.
    const { mtimeMs } = await stat(path);
    return systemClock.now() - mtimeMs < DEAD_AFTER_MS;
  }
  if (holder.bootId !== null && holder.bootId !== bootId()) return false;
  if (!running(holder.pid)) return false;
  const started = startOf(holder.pid);
  return started === null || holder.startedTicks === null || started === holder.startedTicks;
}

function parseHolder(text: string): Holder | null {
  try {
    const value = JSON.parse(text) as Partial<Holder> | null;
    return value && Number.isInteger(value.pid) && typeof value.host === 'string' ? (value as Holder) : null;
  } catch {
    // A lock that cannot be read was torn by a power cut: whoever wrote it is gone.
    return null;
  }
}

function inUse(dataDir: string, holder: Holder): Error {
  const where = holder.host === hostname() ? '' : ` on ${holder.host}`;
  const url = holder.url ? `, at ${holder.url}` : '';
  const remedy =
    holder.host === hostname()
      ? `stop that process (kill ${holder.pid}), or choose another folder with --data`
      : `stop it there, or wait ${DEAD_AFTER_MS / 1000} s if it is gone already, or choose another folder with --data`;
  return userError(
    'E_DATA_IN_USE',
    `The data folder ${dataDir} is in use by process ${holder.pid}${where} (${holder.command}${url}): ${remedy}`,
    { facts: { pid: holder.pid, host: holder.host, command: holder.command } },
  );
}

/** The present content of the lock, or null when there is none. */
async function contentOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

/** Removes the lock of a dead process; at most one process at a time is in here. False: somebody else is. */
async function removeDead(path: string, dead: string): Promise<boolean> {
  const guard = `${path}.takeover`;
  try {
    await mkdir(guard, { mode: 0o700 });
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown;
    const age = systemClock.now() - (await stat(guard).catch(() => ({ mtimeMs: systemClock.now() }))).mtimeMs;
    if (age > TAKEOVER_STALE_MS) {
      await rmdir(guard).catch(() => {
        // Another process has just done the same.
      });
    }
    return false;
  }
  try {
    // Looked at again under the guard: it may be the fresh lock of somebody who was faster.
    if ((await contentOf(path)) === dead) await unlink(path);
    return true;
  } finally {
    await rmdir(guard);
  }
}

/**
 * Takes the data folder for this process, or throws `E_DATA_IN_USE` (user) that names the process which has it.
 * A lock whose process is dead is taken over. The folder is made (0700) when it does not exist.
 */
export async function lockDataDir(dataDir: string, describe: { url?: string }): Promise<DataDirLock> {
  try {
    return await take(dataDir, describe);
  } catch (thrown) {
    if (codeOf(thrown).startsWith('E_')) throw asAlarmflowError(thrown);
    throw operationalError(
      'E_DATA_FOLDER',
      `The data folder ${dataDir} cannot be used: ${messageOf(thrown)}; make it writable, or choose another with --data`,
      { cause: thrown },
    );
  }
}

/**
 * Makes a folder and those above it that are missing, one by one: the recursive mkdir of Node 24 never returns where
 * the file system answers ENOENT for a folder that exists (`/proc`).
 */
async function makeFolder(folder: string): Promise<void> {
  const parent = dirname(folder);
  if (parent !== folder && !existsSync(parent)) await makeFolder(parent);
  await mkdir(folder, { mode: 0o700 }).catch((thrown: unknown) => {
    if (codeOf(thrown) !== 'EEXIST') throw thrown;
  });
}

async function take(dataDir: string, describe: { url?: string }): Promise<DataDirLock> {
  await makeFolder(resolve(dataDir));
  const path = join(dataDir, FILE);
  const holder: Holder = {
    pid: process.pid,
    startedTicks: startOf(process.pid),
    bootId: bootId(),
    host: hostname(),
    command: process.argv.slice(0, 4).join(' ').slice(0, 300),
    since: systemClock.now(),
    ...describe,
  };
  const own = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  // Written aside and linked into place: the lock appears at once and whole.
  await writeFile(own, JSON.stringify(holder), { mode: 0o600, flag: 'wx' });
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        await link(own, path);
        break;
      } catch (thrown) {
        if (codeOf(thrown) !== 'EEXIST') throw thrown;
      }
      const content = await contentOf(path);
      if (content === null) continue;
      const other = parseHolder(content);
      if (other && (await alive(other, path).catch(() => false))) throw inUse(dataDir, other);
      if (attempt > 200) {
        throw operationalError(
          'E_DATA_LOCK',
          `The lock ${path} of a dead process cannot be taken over: remove that file and ${path}.takeover by hand`,
        );
      }
      if (!(await removeDead(path, content))) await systemClock.sleep(20 + 20 * Math.random());
    }
  } finally {
    await rm(own, { force: true });
  }

  const beat = systemClock.every(
    BEAT_MS,
    () => {
      const now = systemClock.now() / 1000;
      // Without a beat only another machine is misled, and the next beat sets that right.
      utimes(path, now, now).catch(() => undefined);
    },
    { background: true },
  );
  return {
    async release() {
      beat.cancel();
      const present = parseHolder((await contentOf(path)) ?? '');
      // Somebody who took us for dead may have it now; theirs is not ours to remove.
      if (present?.pid === holder.pid && present.since === holder.since) await unlink(path);
    },
    async update(fields) {
      Object.assign(holder, fields);
      const next = `${own}.new`;
      await writeFile(next, JSON.stringify(holder), { mode: 0o600 });
      await rename(next, path);
    },
  };
}
