import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockDataDir } from '../../engine/store';
import { forkTypescript } from '../support/fork-typescript';
import { temporaryFolder } from '../support/temporary-folder';

const lockOf = (dataDir: string): string => join(dataDir, 'alarmflow.lock');
const refused = { code: 'E_DATA_IN_USE', family: 'user' };

/** The lock of a process that has this number, but is not the one that wrote it. */
const foreign = (changes: Record<string, unknown>): string =>
  JSON.stringify({
    pid: process.pid,
    startedTicks: null,
    bootId: null,
    host: hostname(),
    command: 'alarmflow start',
    since: 1,
    ...changes,
  });

describe('the lock of the data folder', () => {
  it('of a folder that cannot be made is refused at once', async () => {
    await expect(lockDataDir('/proc/nope/deeper', {})).rejects.toMatchObject({ code: 'E_DATA_FOLDER' });
  });

  it('refuses a second holder and names the first, with its address', async () => {
    const dataDir = join(await temporaryFolder(), 'new', 'data');
    const lock = await lockDataDir(dataDir, {});
    await lock.update({ url: 'http://127.0.0.1:1880/' });
    const error = await lockDataDir(dataDir, {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(refused);
    expect(String(error)).toContain(`process ${process.pid}`);
    expect(String(error)).toContain('http://127.0.0.1:1880/');
    expect(statSync(lockOf(dataDir)).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    await lock.release();
    await (await lockDataDir(dataDir, {})).release();
  });

  it.each([
    ['of a process that is gone', () => foreign({ pid: 4_194_303 })],
    ['whose process number was given to another process', () => foreign({ startedTicks: '1' })],
    ['from before the machine was started', () => foreign({ bootId: 'another boot' })],
    ['that a power cut has torn', () => '{"pid":12'],
    ['that is empty', () => ''],
  ])('takes over one %s', async (_name, content) => {
    const dataDir = await temporaryFolder();
    writeFileSync(lockOf(dataDir), content());
    const lock = await lockDataDir(dataDir, {});
    expect(JSON.parse(readFileSync(lockOf(dataDir), 'utf8')).pid).toBe(process.pid);
    await lock.release();
  });

  it('believes another machine as long as its lock is touched', async () => {
    const dataDir = await temporaryFolder();
    writeFileSync(lockOf(dataDir), foreign({ host: 'elsewhere', pid: 1 }));
    await expect(lockDataDir(dataDir, {})).rejects.toMatchObject(refused);
    utimesSync(lockOf(dataDir), 1, 1);
    await (await lockDataDir(dataDir, {})).release();
  });

  it('gives a dead lock to one of many that reach for it', async () => {
    const dataDir = await temporaryFolder();
    writeFileSync(lockOf(dataDir), foreign({ pid: 4_194_303 }));
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => lockDataDir(dataDir, {})));
    expect(results.filter((one) => one.status === 'fulfilled').length).toBe(1);
    for (const one of results) if (one.status === 'rejected') expect(one.reason).toMatchObject(refused);
  });

  it('does not remove a lock that another has taken meanwhile', async () => {
    const dataDir = await temporaryFolder();
    const lock = await lockDataDir(dataDir, {});
    writeFileSync(lockOf(dataDir), foreign({ host: 'elsewhere' }));
    await lock.release();
    expect(readFileSync(lockOf(dataDir), 'utf8')).toContain('elsewhere');
  });

  it('is free again as soon as its process is killed', async () => {
    const dataDir = await temporaryFolder();
    const child = forkTypescript('test/store/children/hold-lock.ts', [dataDir]);
    await new Promise((resolve) => child.once('message', resolve));
    await expect(lockDataDir(dataDir, {})).rejects.toMatchObject(refused);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    await (await lockDataDir(dataDir, {})).release();
  });
});
