import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { forkTypescript } from '../support/fork-typescript';
import { postgresMissing, startPostgres } from '../support/postgres';
import { serverTest } from '../support/server-test';
import { temporaryFolder } from '../support/temporary-folder';

const COUNT = 10_000;
/** What a machine that is shared with other suites may take to write what was overdue all at once. */
const AT_ONCE_MS = 5_000;

interface Fired {
  timer: string;
  at: number;
  firedAt: number;
}

function start(dataDir: string, url: string, ...more: string[]): ChildProcess {
  const child = forkTypescript('test/executor/timer-process.ts', [dataDir, url, ...more]);
  child.stderr?.pipe(process.stderr);
  return child;
}

async function messageOf<T>(child: ChildProcess): Promise<T> {
  const gone = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the process ended with ${code}`)));
  const [message] = (await Promise.race([once(child, 'message'), gone])) as [T];
  gone.catch(() => undefined);
  return message;
}

/** Sets 10,000 timers in a process that dies while they fall due, and lets another take them up. */
async function killAmongTimers(dataDir: string, url = ''): Promise<void> {
  const [, signal] = await once(start(dataDir, url, String(COUNT)), 'exit');
  expect(signal).toBe('SIGKILL');

  const second = start(dataDir, url);
  const { resumedAt, left, rows } = await messageOf<{ resumedAt: number; left: number; rows: Fired[] }>(second);
  await once(second, 'exit');

  const overdue = rows.filter(({ at, firedAt }) => firedAt >= resumedAt && at <= resumedAt);
  // The kill came in the middle: some had fired, some were overdue, some were still to come.
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(COUNT);
  expect(overdue.length).toBeGreaterThan(0);
  expect(rows.some(({ at }) => at > resumedAt)).toBe(true);

  expect(rows).toHaveLength(COUNT);
  expect(new Set(rows.map(({ timer }) => timer)).size).toBe(COUNT);
  expect(rows.filter(({ at, firedAt }) => firedAt < at)).toEqual([]);
  expect(Math.max(...overdue.map(({ firedAt }) => firedAt - resumedAt))).toBeLessThan(AT_ONCE_MS);
}

describe.concurrent('10,000 timers whose process is killed while they fall due fire once each, none early, overdue ones at once', () => {
  it('on the embedded database', async () => {
    await killAmongTimers(await temporaryFolder());
  }, 180_000);

  serverTest(
    'on PostgreSQL',
    postgresMissing,
    async () => {
      const postgres = await startPostgres();
      try {
        await killAmongTimers(await temporaryFolder(), postgres.url);
      } finally {
        await postgres.stop();
      }
    },
    180_000,
  );
});
