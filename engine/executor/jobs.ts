import { hash } from 'node:crypto';
import type { JobsOptions } from 'bullmq';

/**
 * Those that hold actions. What waits for others has its own, so that it takes no place from what is quick; what makes
 * sense for seconds only has its own, so that no backlog is before it.
 */
export const actionQueueNames = ['urgent', 'actions', 'mails', 'pictures', 'devices', 'heavy'] as const;
/** Heavy work has its own queue, so that it cannot keep the locks of the others from being renewed. */
export type QueueName = (typeof actionQueueNames)[number] | 'outputs';

/**
 * Kinds of actions that are worth nothing after this time are urgent. After a stop all others may be behind by minutes,
 * and be done all the same; these would expire in the queue.
 */
export const URGENT_MS = 30_000;

/** All that an action's job carries; the rest is in the record. */
export interface ActionJob {
  /** Key of the action row. */
  key: string;
  /** A nearer deadline than the row's, set when a person had it tried again. */
  deadlineAt?: number;
  /** Attempts the row had used before that; they do not count any more. */
  attemptsBefore?: number;
  /** Process that made and submitted the row: it alone may run it without a claim. */
  mark?: string;
}

export interface ReconcileJob {
  outputId: string;
  generation: number;
}

export type JobData = ActionJob | ReconcileJob;

/** What became of one run of a job. */
export type Verdict =
  | { kind: 'over' }
  /** For good; the row is a dead letter. */
  | { kind: 'dead'; reason: string }
  | { kind: 'again'; delayMs: number; reason: string };

/**
 * A worker that was killed leaves its lock to run out, and the check for stalled jobs of any other finds it:
 * its job runs again when the lock has run out and the next check has come, 4 s after the last renewal at most.
 */
export const LOCK_MS = 3_000;
export const STALLED_INTERVAL_MS = 1_000;
/** Times a job may lose its worker. Our rows make every re-run harmless, so this only has to be far away. */
export const MOST_STALLS = 1_000_000;

/** Retries are decided by us, per error family and deadline; BullMQ only has to let them happen. */
const UNLIMITED_ATTEMPTS = 1_000_000;

/** BullMQ takes no ':' in ids and keys may be long: the hash names the same job for the same key. */
export const jobIdOf = (key: string): string => `k${hash('sha256', key, 'base64url').slice(0, 32)}`;

/** Finished jobs vanish: the record has the history, and an id must be free to be used again. */
export const jobOptions: JobsOptions = {
  attempts: UNLIMITED_ATTEMPTS,
  backoff: { type: 'custom' },
  removeOnComplete: true,
  removeOnFail: true,
  stackTraceLimit: 0,
};

/**
 * One waiting or running job per output in all processes; a request that comes while one runs becomes
 * one more run afterwards, one that comes during a back-off ends the back-off.
 */
export const reconcileOptions = (outputId: string): JobsOptions => ({
  ...jobOptions,
  deduplication: { id: jobIdOf(outputId), keepLastIfActive: true, reschedule: true },
});
