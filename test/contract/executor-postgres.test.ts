import { postgresMissing, startPostgres } from '../support/postgres';
import { executorContract } from './executor-contract';

const missing = postgresMissing();
const skip = missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1';
if (skip) console.warn(`skipped: ${missing}`);

executorContract('PostgreSQL', skip, async () => {
  const postgres = await startPostgres();
  return { choice: { kind: 'postgres', url: postgres.url }, stop: () => postgres.stop() };
});
