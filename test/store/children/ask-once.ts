/** Opens the embedded database, asks it something, and leaves it open with nothing else to do. */
import { join } from 'node:path';
import { silentLog } from '../../../engine/domain/log';
import { openPglite } from '../../../engine/store/pglite-database';

void (async () => {
  const { db } = await openPglite(join(process.argv[2]!, 'record'), silentLog);
  await db.listen('bells', () => {});
  const { rows } = await db.query<{ answer: string }>('SELECT $1::text AS answer', ['two']);
  console.log(rows[0]!.answer);
  process.disconnect?.();
})();
