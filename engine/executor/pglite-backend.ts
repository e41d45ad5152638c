import { type BackendFactory, createPostgresBackend, type IQueueBackend, runMigrations } from 'bullmq';
import type { EmbeddedDatabase } from '../domain/embedded-database';
import { type BackendContext, type OpenBackend, PGLITE_BULK_FROM } from './backend';
import { createLink } from './link';
import { createPglitePool, QUEUE_SCHEMA } from './pglite-pool';

/** PGlite has no autovacuum: without our own, finished jobs would stay in the files for ever. */
const VACUUM_EVERY_MS = 60_000;
const VACUUM_AFTER_JOBS = 500;
/** Under load it cannot wait for the minute: with fresh statistics BullMQ's statements take half the time. */
const VACUUM_AT_ONCE_AFTER_JOBS = 5_000;
/** The catalogues too: every bulk insert of BullMQ makes and drops temporary tables. */
const vacuumed = [
  ...['job', 'event', 'dedup'].map((table) => `${QUEUE_SCHEMA}.${table}`),
  ...['pg_class', 'pg_attribute', 'pg_type', 'pg_depend'].map((table) => `pg_catalog.${table}`),
];

/** Runs BullMQ's PostgreSQL backend on the embedded database, in its own schema. */
export async function openPgliteBackend(db: EmbeddedDatabase, { clock, log }: BackendContext): Promise<OpenBackend> {
  const pool = createPglitePool(db, log);
  const client = await pool.connect();
  try {
    await runMigrations(client, QUEUE_SCHEMA);
  } finally {
    client.release();
  }
  await pool.selectSchema();

  const server = 'the embedded database';
  let finished = 0;
  let cleaning: Promise<void> | null = null;
  const clean = (): void => {
    if (cleaning) return;
    finished = 0;
    cleaning = db
      .exec(`VACUUM (ANALYZE) ${vacuumed.join(', ')}`)
      .then(() => {})
      .catch((thrown: unknown) => log.warn('clean-up of finished jobs failed', { reason: String(thrown) }))
      .finally(() => {
        cleaning = null;
      });
  };
  const regularly = clock.every(VACUUM_EVERY_MS, () => finished >= VACUUM_AFTER_JOBS && clean(), { background: true });

  return {
    server,
    link: createLink(log, server),
    factory: createPostgresBackend as unknown as BackendFactory<IQueueBackend, unknown>,
    queueConnection: pool,
    workerConnection: pool,
    warnings: [],
    bulkFrom: PGLITE_BULK_FROM,
    silentMs: () => db.silentMs?.() ?? Number.POSITIVE_INFINITY,
    jobsFinished(count) {
      finished += count;
      if (finished >= VACUUM_AT_ONCE_AFTER_JOBS) clean();
    },
    async close() {
      regularly.cancel();
      await cleaning;
    },
  };
}
