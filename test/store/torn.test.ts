import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { openStore, type Store } from '../../engine/store';
import {
  actionRow,
  alarmRow,
  base,
  decisionRow,
  eventRow,
  gateRow,
  leaseRow,
  messageRow,
  outputRow,
  timerRow,
} from '../contract/record-rows';
import { temporaryFolder } from '../support/temporary-folder';

const state = {
  gateStates: [gateRow('a', { name: 'active' })],
  timers: [timerRow('t1', base + 5)],
  alarms: [alarmRow('live')],
  flowMessages: [messageRow('m1')],
  leases: [leaseRow('l1')],
  outputs: [outputRow('o1')],
  standing: [{ id: 'shelf:a', kind: 'shelf', doc: { until: 1 } }],
};

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

function garble(file: string): void {
  const bytes = readFileSync(file);
  for (let i = 0; i < bytes.length; i += 97) bytes[i] = bytes[i]! ^ 0x5a;
  writeFileSync(file, bytes);
}

function tearLastPage(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0x41, bytes.length - 4_096);
  writeFileSync(file, bytes);
}

describe('a torn database', () => {
  let sound: string;
  /** Paths inside the record of the table of timers and of its index. */
  let timers = { table: '', index: '' };
  let store: Store | undefined;
  const open = async (dataDir: string): Promise<Store> => {
    store = await openStore({ dataDir, databaseUrl: null, clock: systemClock, log: silentLog });
    return store;
  };

  beforeAll(async () => {
    sound = await temporaryFolder();
    const made = await open(sound);
    await made.commit({
      ...state,
      events: Array.from({ length: 1_200 }, (_, i) => eventRow(`e${String(i).padStart(5, '0')}`)),
      decisions: [decisionRow('d1', { eventId: 'e00007' })],
      actions: [actionRow('open'), actionRow('over', { status: 'done', summary: 'sent' })],
    });
    await made.writeSetting('armed', { armed: false });
    await made.flowStorage.write('flows', [{ id: 'n1' }]);
    const paths = await made.pglite!.query<typeof timers>(
      `SELECT pg_relation_filepath('alarmflow.timers') AS table, pg_relation_filepath('alarmflow.timers_pkey') AS index`,
    );
    timers = paths.rows[0]!;
    await made.users.add({ name: 'ann', role: 'operator', passwordHash: 'h' });
    await made.close();
  });
  afterEach(() => store?.close());

  const copy = async (): Promise<string> => {
    const dataDir = await temporaryFolder();
    cpSync(sound, dataDir, { recursive: true });
    return dataDir;
  };

  const tears: [string, (record: string) => void][] = [
    ['a garbled control file', (record) => garble(join(record, 'global/pg_control'))],
    ['an emptied control file', (record) => truncateSync(join(record, 'global/pg_control'), 0)],
    [
      'a lost log',
      (record) => {
        for (const file of filesIn(join(record, 'pg_wal'))) rmSync(file);
      },
    ],
    [
      'tables cut in half',
      (record) => {
        for (const file of filesIn(join(record, 'base'))) truncateSync(file, statSync(file).size >> 1);
      },
    ],
    ['one torn page of one table', (record) => tearLastPage(join(record, timers.table))],
    ['one torn page of one index', (record) => tearLastPage(join(record, timers.index))],
    ['one emptied table', (record) => truncateSync(join(record, timers.table), 0)],
    ['a lost folder', (record) => rmSync(record, { recursive: true })],
  ];

  it.each(tears)('with %s is moved aside and replaced by the last backup', async (_name, tear) => {
    const dataDir = await copy();
    tear(join(dataDir, 'record'));
    const restored = await open(dataDir);
    expect(restored.restored?.from).toMatch(/backups\/record-.*\.jsonl\.gz$/);
    expect(restored.restored?.reason).not.toBe('');
    expect(await restored.resume()).toEqual(state);
    expect(await restored.stats()).toMatchObject({ events: 1_200, decisions: 1, actions: 2, users: 1 });
    expect((await restored.openActions(9)).map((row) => row.key)).toEqual(['open']);
    expect(await restored.readSetting('armed')).toEqual({ armed: false });
    expect(await restored.flowStorage.read('flows')).toEqual([{ id: 'n1' }]);
    const aside = readdirSync(dataDir).filter((name) => name.startsWith('record.torn-'));
    expect(aside.length).toBe(_name === 'a lost folder' ? 0 : 1);
  });

  it('is restored from an older backup when the newest is torn, too', async () => {
    const dataDir = await copy();
    const first = await open(dataDir);
    await first.commit({ timers: [timerRow('later')] });
    await first.close();
    const backups = readdirSync(join(dataDir, 'backups')).sort();
    expect(backups.length).toBe(2);
    truncateSync(join(dataDir, 'backups', backups[1]!), 900);
    truncateSync(join(dataDir, 'record/global/pg_control'), 0);
    const restored = await open(dataDir);
    expect(restored.restored?.from).toContain(backups[0]);
    expect(await restored.resume()).toEqual(state);
  });

  it('without any backup is replaced by an empty one, and that is told', async () => {
    const dataDir = await copy();
    rmSync(join(dataDir, 'backups'), { recursive: true });
    truncateSync(join(dataDir, 'record/global/pg_control'), 0);
    const restored = await open(dataDir);
    expect(restored.restored?.from).toMatch(/no backup/);
    expect((await restored.resume()).alarms).toEqual([]);
    await restored.commit({ timers: [timerRow('works')] });
  });

  it('is not suspected when the last stop was a clean one or a kill', async () => {
    const dataDir = await copy();
    const again = await open(dataDir);
    expect(again.restored).toBeNull();
    expect(await again.resume()).toEqual(state);
  });
});

describe('backups', () => {
  it('keep the newest three and are left out when nothing has changed', async () => {
    const dataDir = await temporaryFolder();
    for (let round = 0; round < 5; round++) {
      const store = await openStore({ dataDir, databaseUrl: null, clock: systemClock, log: silentLog });
      if (round !== 4) await store.commit({ timers: [timerRow(`t${round}`)] });
      await store.close();
    }
    const names = readdirSync(join(dataDir, 'backups')).sort();
    expect(names.length).toBe(3);
    expect(existsSync(join(dataDir, 'record.state'))).toBe(true);
  });
});
