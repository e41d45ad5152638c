import { describe, expect, it } from 'vitest';
import { openJournal } from '../../engine/cli/journal';
import { systemClock } from '../../engine/clock/system-clock';
import { sortableId } from '../../engine/domain/ids';
import { silentLog } from '../../engine/domain/log';
import type { AuditRow } from '../../engine/domain/record';
import type { LoadedConfig } from '../../engine/host/config';
import { openStore } from '../../engine/store';
import { temporaryFolder } from '../support/temporary-folder';

const COUNT = 2_500;

async function all(rows: AsyncIterable<AuditRow>): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { detail } of rows) numbers.push(Number(detail));
  return numbers;
}

describe('the journal of a data folder', () => {
  it('gives all orders of a period and all before it, however many pages they fill', async () => {
    const dataDir = await temporaryFolder();
    const store = await openStore({ dataDir, databaseUrl: null, clock: systemClock, log: silentLog });
    const start = systemClock.now();
    const line = (at: number, action: string, detail: string): AuditRow => ({
      id: sortableId(at),
      at,
      who: 'anna',
      action,
      subject: 'site',
      detail,
    });
    const audit = Array.from({ length: COUNT }, (_none, index) => [
      line(start + index * 10, 'site.arm', String(index)),
      line(start + index * 10, 'login', '-1'),
    ]).flat();
    await store.commit({ audit });
    await store.close();
    const config = { data: dataDir, databaseUrl: null, logFormat: 'text' };
    const journal = await openJournal({ config } as LoadedConfig);
    try {
      const from = start + 200 * 10;
      const to = start + 2_400 * 10;
      expect(await all(journal.orders(from, to))).toEqual(Array.from({ length: 2_200 }, (_none, index) => 200 + index));
      expect(await all(journal.ordersBefore(to))).toEqual(
        Array.from({ length: 2_400 }, (_none, index) => 2_399 - index),
      );
    } finally {
      await journal.close();
    }
  });
});
