import type { Clock } from '../clock/clock';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { Store } from '../store';
import type { PartHealth } from './health';

/** Counting all rows is work for the database that everybody else waits for; whoever asks every second gets old counts. */
const COUNT_EVERY_MS = 60_000;
/** The first counts are waited for no longer than this. */
const FIRST_COUNT_MS = 1_000;

export type WatchedRecord = Pick<Store, 'kind' | 'broken' | 'trouble' | 'answers' | 'stats'>;

/** What `/healthz` says of the record: it fails while devices are refused because nothing can be kept. */
export function createRecordHealth(record: WatchedRecord, clock: Clock, log: Log): () => Promise<PartHealth> {
  let facts: Record<string, number> | undefined;
  let countedAt = Number.NEGATIVE_INFINITY;
  let counting: Promise<void> | null = null;

  async function count(): Promise<void> {
    countedAt = clock.monotonic();
    try {
      facts = await record.stats();
    } catch (thrown) {
      log.debug('health.record-not-counted', { reason: asAlarmflowError(thrown).message });
    } finally {
      counting = null;
    }
  }

  return async () => {
    const reason = record.broken() ?? record.trouble();
    if (reason) return { ok: false, detail: reason.message };
    if (counting === null && clock.monotonic() - countedAt >= COUNT_EVERY_MS) counting = count();
    // At once, not one after the other: together they would take longer than health waits for a part.
    const first = facts === undefined && counting !== null;
    await Promise.all([record.answers(), first && Promise.race([counting, clock.sleep(FIRST_COUNT_MS)])]);
    return { ok: true, detail: record.kind, ...(facts ? { facts } : {}) };
  };
}
