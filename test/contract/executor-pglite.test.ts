import { join } from 'node:path';
import { silentLog } from '../../engine/domain/log';
import { openPglite } from '../../engine/store/pglite-database';
import { temporaryFolder } from '../support/temporary-folder';
import { executorContract } from './executor-contract';

executorContract('PGlite', false, async () => {
  const db = (await openPglite(join(await temporaryFolder(), 'record'), silentLog)).db;
  return { choice: { kind: 'pglite', db }, stop: () => db.close() };
});
