import { describe, expect, it } from 'vitest';
import { silentLog } from '../../engine/domain/log';
import type { Database } from '../../engine/store/database';
import { migrate } from '../../engine/store/migrations';
import { openPglite } from '../../engine/store/pglite-database';
import { createRecordReader } from '../../engine/store/reader';
import { base, decisionRow, eventRow } from '../contract/record-rows';
import { temporaryFolder } from '../support/temporary-folder';

const write = (database: Database, writes: unknown) =>
  database.query('SELECT alarmflow.apply_writes($1::jsonb)', [JSON.stringify(writes)]);

describe('a record of the fifth layout', () => {
  it('tells of its events and their decisions as before, and takes what the sixth writes', {
    timeout: 60_000,
  }, async () => {
    const database = await openPglite(await temporaryFolder(), silentLog);
    try {
      await migrate(database, base, 5);
      const old = [
        decisionRow('a1', { eventId: 'a' }),
        decisionRow('a2', { eventId: 'a', outcome: 'refused', reason: 'filter' }),
      ];
      await database.query(
        `INSERT INTO alarmflow.events SELECT $1::jsonb->>'id', $1::jsonb->>'deviceId', $1::jsonb->>'type', ${base}, $1`,
        [JSON.stringify(eventRow('a'))],
      );
      for (const { id, outcome, reason, detail, triggerId } of old)
        await database.query(
          `INSERT INTO alarmflow.decisions (id, at, event_id, trigger_id, outcome, reason, detail)
           VALUES ($1, ${base}, 'a', $2, $3, $4, $5)`,
          [id, triggerId, outcome, reason, detail],
        );
      // Its writer's function, in layers.
      for (const layer of ['writes', 'fourth_writes', 'third_writes', 'first_writes'])
        await database.query(
          `CREATE FUNCTION alarmflow.apply_${layer}(w jsonb) RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
        );
      await migrate(database, base);
      const filtered = [{ id: 'b1', triggerId: 'trigger1', detail: 'not meant' }];
      await write(database, { events: [{ doc: eventRow('b'), filtered }, { doc: eventRow('c') }] });
      const record = createRecordReader(database);
      expect((await record.event('a'))?.decisions).toEqual(old);
      expect((await record.event('b'))?.decisions).toEqual([
        decisionRow('b1', { eventId: 'b', outcome: 'refused', reason: 'filter', detail: 'not meant' }),
      ]);
      expect((await record.events({ limit: 10 })).map(({ event }) => event.id)).toEqual(['c', 'b', 'a']);
    } finally {
      await database.close();
    }
  });
});
