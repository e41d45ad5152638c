import { rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { openStore } from '../../engine/store';
import { freeBytes } from '../../engine/store/embedded';
import { openPglite } from '../../engine/store/pglite-database';
import { eventRow, timerRow } from '../contract/record-rows';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk';

const MB = 1024 * 1024;
const disks: SmallDisk[] = [];
const probe = mountSmallDisk(1);
const missing = typeof probe === 'string' ? probe : null;
if (typeof probe !== 'string') probe.remove();
afterAll(() => {
  for (const disk of disks) disk.remove();
});

function disk(megabytes: number): string {
  const made = mountSmallDisk(megabytes);
  if (typeof made === 'string') throw new Error(made);
  disks.push(made);
  return made.folder;
}

describe.skipIf(missing)(missing ? `a full disk (skipped: ${missing})` : 'a full disk', () => {
  it('refuses commits with the remedy, keeps nothing of them, and works on when there is space again', async () => {
    const dataDir = disk(160);
    const options = { dataDir, databaseUrl: null, clock: systemClock, log: silentLog };
    const store = await openStore(options);
    let changes = 0;
    store.onTrouble(() => changes++);
    await store.commit({ timers: [timerRow('before')] });
    expect(store.trouble()).toBeNull();
    const ballast = join(dataDir, 'ballast');
    const free = await freeBytes(dataDir);
    writeFileSync(ballast, Buffer.alloc(free - 20 * MB));
    await vi.waitFor(
      () =>
        expect(store.commit({ events: [eventRow('x')] })).rejects.toMatchObject({
          code: 'E_RECORD_WRITE',
          family: 'operational',
          message: expect.stringContaining('free some space'),
        }),
      { timeout: 30_000, interval: 100 },
    );
    expect(store.trouble()?.message).toContain('free some space');
    expect(changes).toBe(1);
    await expect(store.commit({ timersDeleted: ['before'] })).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    expect((await store.resume()).timers).toEqual([timerRow('before')]);
    rmSync(ballast);
    await vi.waitFor(() => store.commit({ timers: [timerRow('after')] }), { timeout: 30_000, interval: 100 });
    expect([store.trouble(), changes]).toEqual([null, 2]);
    await store.close();

    writeFileSync(ballast, Buffer.alloc(free - 25 * MB));
    await expect(openStore(options)).rejects.toMatchObject({ code: 'E_RECORD_OPEN', family: 'operational' });
    rmSync(ballast);
    expect((await readdir(dataDir)).filter((name) => name.includes('torn'))).toEqual([]);
    const again = await openStore(options);
    expect((await again.resume()).timers.map((row) => row.id)).toEqual(['after', 'before']);
    await again.close();
  }, 180_000);

  it('that stops the database engine for good does not hang the process', async () => {
    const folder = disk(160);
    const database = await openPglite(join(folder, 'record'), silentLog);
    writeFileSync(join(folder, 'ballast'), Buffer.alloc((await freeBytes(folder)) - 4 * MB));
    // Grows nothing but the log; its next segment finds no room.
    const change = async (): Promise<void> => {
      for (let i = 0; i < 400; i++) {
        await database.query("SELECT pg_logical_emit_message(false, 'test', repeat('x', 100000))");
      }
    };
    await expect(change()).rejects.toThrow();
    expect(database.broken()).toMatchObject({ code: 'E_RECORD_BROKEN' });
    await expect(database.query('SELECT 1')).rejects.toThrow();
    await expect(database.db.query('SELECT 1')).rejects.toThrow();
    await database.close();
  }, 180_000);
});
