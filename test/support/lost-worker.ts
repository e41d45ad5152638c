import { Queue, Worker } from 'bullmq';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import type { BackendChoice } from '../../engine/executor';
import type { OpenBackend } from '../../engine/executor/backend';
import { type JobData, jobOptions, LOCK_MS, type QueueName } from '../../engine/executor/jobs';
import { openPgliteBackend } from '../../engine/executor/pglite-backend';
import { openPostgresBackend } from '../../engine/executor/postgres-backend';
import { openRedisBackend } from '../../engine/executor/redis-backend';

export function openBackendOf(choice: BackendChoice): Promise<OpenBackend> {
  const context = { clock: systemClock, log: silentLog };
  if (choice.kind === 'pglite') return openPgliteBackend(choice.db, context);
  return choice.kind === 'postgres' ? openPostgresBackend(choice.url, context) : openRedisBackend(choice.url, context);
}

/**
 * Leaves a job as a killed worker leaves it: taken, its lock running out, nobody to renew it.
 * @param jobId id of the job, or undefined to let the queue choose
 */
export async function leaveJobTaken(
  choice: BackendChoice,
  prefix: string,
  name: QueueName,
  data: JobData,
  options: Parameters<Queue['add']>[2],
): Promise<void> {
  const backend = await openBackendOf(choice);
  const connection = { prefix, connection: backend.queueConnection };
  const queue = new Queue(`${prefix}-${name}`, connection, backend.factory);
  await queue.add('log', data, { ...jobOptions, ...options });
  const worker = new Worker(
    `${prefix}-${name}`,
    null,
    { prefix, connection: backend.workerConnection, autorun: false, lockDuration: LOCK_MS, skipLockRenewal: true },
    backend.factory,
  );
  // Closing cuts connections under way; what they then report does not matter here.
  queue.on('error', () => {});
  worker.on('error', () => {});
  await worker.waitUntilReady();
  const job = await worker.getNextJob('lost:1', { block: false });
  if (!job) throw new Error('the lost worker got no job');
  await worker.close(true);
  await queue.close();
  await backend.close();
}
