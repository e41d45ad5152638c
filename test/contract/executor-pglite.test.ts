import { PGlite } from '@electric-sql/pglite';
import { executorContract } from './executor-contract';

executorContract('PGlite', false, async () => {
  const db = await PGlite.create();
  return { choice: { kind: 'pglite', db }, stop: () => db.close() };
});
