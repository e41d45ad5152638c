import { randomBytes } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionHandler } from '../../engine/domain/actions';
import { silentLog } from '../../engine/domain/log';
import { type BackendChoice, createExecutor, createTimers } from '../../engine/executor';
import { jobOptions } from '../../engine/executor/jobs';
import { createMemoryRecord } from '../contract/memory-record';
import { actionRow } from '../support/action-rows';
import { openBackendOf } from '../support/lost-worker';

/** Actions per round, and callers that submit at once: as many as an alarm storm brings. */
const JOBS = 3_000;
const CALLERS = 100;
const CONCURRENCY = 32;
/** Rounds of both kinds alternate, and the medians are compared: other work on the machine hits both alike. */
const ROUNDS = 3;

export interface ExecutorBench {
  /** BullMQ by itself at its fastest: addBulk of as many jobs as there are callers, a processor that does nothing. */
  bullmqAlonePerSecond: number;
  /** Submit to settled, in-memory record, handler that does nothing. */
  executorPerSecond: number;
  share: number;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Hands `items` to `add` from several callers at once, each with one after the other. */
async function byCallers<T>(items: T[], add: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (next < items.length) await add(items[next++]!);
    }),
  );
}

async function bullmqRound(choice: BackendChoice): Promise<number> {
  const backend = await openBackendOf(choice);
  const prefix = `b${randomBytes(5).toString('hex')}`;
  const name = `${prefix}-alone`;
  const queue = new Queue(name, { prefix, connection: backend.queueConnection }, backend.factory);
  let done = 0;
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const worker = new Worker(
    name,
    async () => {
      if (++done === JOBS) finish();
    },
    { prefix, connection: backend.workerConnection, concurrency: CONCURRENCY },
    backend.factory,
  );
  queue.on('error', () => {});
  worker.on('error', () => {});
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
  const jobs = Array.from({ length: JOBS }, (_, i) => ({
    name: 'log',
    data: { key: `job${i}` },
    opts: { ...jobOptions, jobId: `job${i}` },
  }));
  const from = systemClock.monotonic();
  for (let i = 0; i < JOBS; i += CALLERS) await queue.addBulk(jobs.slice(i, i + CALLERS));
  await finished;
  const seconds = (systemClock.monotonic() - from) / 1_000;
  await worker.close();
  await queue.close();
  await backend.close();
  return JOBS / seconds;
}

async function executorRound(choice: BackendChoice): Promise<number> {
  const record = createMemoryRecord();
  const handler: ActionHandler = {
    kind: 'log',
    heavy: false,
    defaultDeadlineMs: 60_000,
    attempts: 3,
    check() {},
    execute: async () => ({ status: 'done', summary: 'nothing to do' }),
  };
  let settled = 0;
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const executor = createExecutor({
    backend: choice,
    prefix: `b${randomBytes(5).toString('hex')}`,
    record,
    handlers: [handler],
    reconcile: async () => {},
    clock: systemClock,
    log: silentLog,
    concurrency: CONCURRENCY,
    onSettled() {
      if (++settled === JOBS) finish();
    },
  });
  await executor.start();
  const rows = Array.from({ length: JOBS }, (_, i) => actionRow(`alarm-${i}:node-1:raise`));
  const from = systemClock.monotonic();
  await byCallers(rows, async (row) => {
    record.keep(row);
    await executor.submit([row]);
  });
  await finished;
  const seconds = (systemClock.monotonic() - from) / 1_000;
  await executor.close();
  return JOBS / seconds;
}

/** Compares the executor with bare BullMQ on the same backend in the same run. Budget: share ≥ 0.7 (DESIGN §9). */
export async function runExecutorBench(choice: BackendChoice): Promise<ExecutorBench> {
  const alone: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await bullmqRound(choice));
    ours.push(await executorRound(choice));
  }
  const bullmqAlonePerSecond = Math.round(median(alone));
  const executorPerSecond = Math.round(median(ours));
  return { bullmqAlonePerSecond, executorPerSecond, share: executorPerSecond / bullmqAlonePerSecond };
}

export interface TimerBench {
  count: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Timers that fired before their time; must be 0. */
  early: number;
}

/** Lateness of 10,000 timers spread over two seconds. Budget: p99 ≤ 20 ms, none early (DESIGN §9). */
export async function runTimerBench(count = 10_000): Promise<TimerBench> {
  const timers = createTimers({ clock: systemClock, log: silentLog });
  const lateness: number[] = [];
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  timers.onDue('bench', async (timer) => {
    lateness.push(systemClock.now() - timer.at);
    if (lateness.length === count) finish();
  });
  const first = systemClock.now() + 500;
  for (let i = 0; i < count; i++) {
    // Shuffled by a step that shares no factor with the count, so that the heap has work.
    const place = (i * 7_919) % count;
    timers.arm({ id: `t${i}`, kind: 'bench', at: first + Math.floor((place * 2_000) / count), payload: {} });
  }
  await finished;
  timers.close();
  lateness.sort((a, b) => a - b);
  const at = (share: number): number => lateness[Math.min(count - 1, Math.floor(count * share))]!;
  return { count, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), early: lateness.filter((ms) => ms < 0).length };
}
