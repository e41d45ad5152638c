import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionHandler, ActionRow, ActionRun } from '../../engine/domain/actions';
import { operationalError, userError } from '../../engine/domain/errors';
import { type Log, type LogFields, silentLog } from '../../engine/domain/log';
import { type BackendChoice, createExecutor, type Executor, type ExecutorOptions } from '../../engine/executor';
import { jobIdOf, reconcileOptions } from '../../engine/executor/jobs';
import { actionRow } from '../support/action-rows';
import { leaveJobTaken } from '../support/lost-worker';
import { steadyClock } from '../support/steady-clock';
import { createMemoryRecord, type MemoryRecord } from './memory-record';

/** A place for queues that a run of the contract works on. */
export interface ContractBackend {
  choice: BackendChoice;
  stop(): Promise<void>;
}

/** Far above what it takes: a machine on which sixteen others want to compute is slow, not wrong. */
const quick = { timeout: 40_000, interval: 10 };

/** A log that remembers what it was told. */
function rememberingLog(): { log: Log; lines: { level: string; event: string; fields?: LogFields }[] } {
  const lines: { level: string; event: string; fields?: LogFields }[] = [];
  const at = (level: string) => (event: string, fields?: LogFields) => {
    lines.push({ level, event, fields });
  };
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), with: () => log };
  return { log, lines };
}

/** A handler of kind `log` whose work a test gives. */
function handlerOf(execute: (run: ActionRun) => Promise<string>, over: Partial<ActionHandler> = {}): ActionHandler {
  return {
    kind: 'log',
    heavy: false,
    defaultDeadlineMs: 60_000,
    attempts: 3,
    check() {},
    execute: async (run) => ({ status: 'done', summary: await execute(run) }),
    ...over,
  };
}

/** What every backend must do for the executor, in one suite (DESIGN §5). */
export function executorContract(name: string, skip: boolean, open: () => Promise<ContractBackend>): void {
  vi.setConfig({ testTimeout: 120_000 });
  describe.skipIf(skip)(`the executor on ${name}`, () => {
    let backend: ContractBackend;
    let prefix: string;
    let started: Executor[] = [];

    beforeAll(async () => {
      backend = await open();
    });

    afterEach(async () => {
      await Promise.all(started.map((executor) => executor.close(500)));
      started = [];
    });

    afterAll(async () => {
      await backend?.stop();
    });

    const fresh = (): void => {
      prefix = `t${randomBytes(5).toString('hex')}`;
    };

    async function run(
      options: Partial<ExecutorOptions> & { handlers: ActionHandler[] },
    ): Promise<{ executor: Executor; record: MemoryRecord; submit(...rows: ActionRow[]): Promise<void> }> {
      const record = (options.record as MemoryRecord | undefined) ?? createMemoryRecord();
      const executor = createExecutor({
        backend: backend.choice,
        prefix,
        reconcile: async () => {},
        clock: steadyClock,
        log: silentLog,
        ...options,
        record,
      });
      started.push(executor);
      await executor.start();
      return {
        executor,
        record,
        async submit(...rows) {
          record.keep(...rows);
          await executor.submit(rows);
        },
      };
    }

    /** What the queues hold now; throws where only older figures are told. */
    const counts = async (executor: Executor) => {
      const health = await executor.health();
      expect(health.warnings.filter((words) => /figures are older|does not answer/.test(words))).toEqual([]);
      return health;
    };

    /** Until no queue holds anything that could still be done. */
    const atRest = (executor: Executor): Promise<void> =>
      vi.waitFor(async () => {
        expect(await counts(executor)).toMatchObject({ waiting: 0, active: 0, delayed: 0 });
      }, quick);

    /** Work that goes on until as many are under way at once. */
    const gathering = (count: number) => {
      let inside = 0;
      let open: () => void = () => {};
      const complete = new Promise<void>((resolve) => {
        open = resolve;
      });
      return {
        inside: () => inside,
        async join(): Promise<void> {
          if (++inside >= count) open();
          await complete;
        },
      };
    };

    it('does an action once, also when it is submitted twice, at once and afterwards', async () => {
      fresh();
      const seen: string[] = [];
      const settled: ActionRow[] = [];
      const { executor, record, submit } = await run({
        handlers: [
          handlerOf(async ({ row, attempt }) => {
            seen.push(`${row.key}#${attempt}`);
            return 'written';
          }),
        ],
        onSettled: (row) => settled.push(row),
      });
      const row = actionRow('alarm-1:node:1:raise');
      await Promise.all([submit(row, row), submit(row)]);
      await vi.waitFor(() => expect(record.rows.get(row.key)?.status).toBe('done'), quick);
      await submit(row);
      await atRest(executor);
      expect(seen).toEqual(['alarm-1:node:1:raise#1']);
      expect(record.outcomes.get(row.key)).toEqual(['done']);
      expect(settled).toEqual([expect.objectContaining({ key: row.key, status: 'done', summary: 'written' })]);
    });

    it('does many actions of many callers, each once, and leaves empty queues', async () => {
      fresh();
      let done = 0;
      const { executor, record, submit } = await run({
        handlers: [
          handlerOf(async () => {
            done++;
            return 'written';
          }),
        ],
      });
      const rows = Array.from({ length: 200 }, (_, i) => actionRow(`a${i}`));
      await Promise.all(rows.map((row) => submit(row)));
      await vi.waitFor(() => expect(record.outcomes.size).toBe(200), quick);
      expect(done).toBe(200);
      await atRest(executor);
      expect((await executor.health()).failed).toBe(0);
    });

    it('runs heavy kinds one at a time and others side by side', async () => {
      fresh();
      const light = gathering(2);
      let most = 0;
      let inside = 0;
      const { record, submit } = await run({
        handlers: [
          handlerOf(() => light.join().then(() => 'ok')),
          handlerOf(
            async () => {
              most = Math.max(most, ++inside);
              await steadyClock.sleep(60);
              inside--;
              return 'ok';
            },
            { kind: 'snapshot', heavy: true },
          ),
        ],
      });
      const rows = (['snapshot', 'log'] as const).flatMap((kind) =>
        Array.from({ length: 5 }, (_, i) => actionRow(`${kind}${i}`, { kind })),
      );
      await submit(...rows);
      await vi.waitFor(() => expect(record.outcomes.size).toBe(10), quick);
      expect(most).toBe(1);
      expect(light.inside()).toBe(5);
    });

    it('does what is quick at once, however many actions wait for pictures and devices', async () => {
      fresh();
      const waits = new AbortController();
      const hang = () => steadyClock.sleep(60_000, waits.signal).then(() => 'too late');
      const { record, submit } = await run({
        handlers: [
          handlerOf(hang, { kind: 'snapshot', waitsFor: () => 'pictures' }),
          handlerOf(hang, { kind: 'modbus-write', waitsFor: () => 'devices' }),
          handlerOf(async () => 'ok', { waitsFor: ({ key }) => (key === 'clip' ? 'pictures' : null) }),
        ],
      });
      try {
        const many = (kind: 'snapshot' | 'modbus-write') =>
          Array.from({ length: 150 }, (_, i) => actionRow(`${kind}${i}`, { kind }));
        await submit(...many('snapshot'), ...many('modbus-write'), actionRow('clip'), actionRow('text'));
        await vi.waitFor(() => expect(record.rows.get('text')?.status).toBe('done'), quick);
        expect(record.rows.get('clip')?.status).toBe('queued');
      } finally {
        waits.abort(userError('E_TEST_OVER', 'The test is over'));
      }
    });

    it('does at once what makes sense for seconds only, however many actions of its device wait', async () => {
      fresh();
      const waits = new AbortController();
      const hang = () => steadyClock.sleep(60_000, waits.signal).then(() => 'too late');
      const record = createMemoryRecord();
      const left = Array.from({ length: 300 }, (_, i) => actionRow(`write${i}`, { kind: 'modbus-write' }));
      const kind = 'device-trigger';
      record.keep(...left, actionRow('fire', { kind }));
      try {
        const { submit } = await run({
          record,
          handlers: [
            handlerOf(hang, { kind: 'modbus-write', waitsFor: () => 'devices' }),
            handlerOf(async () => 'ok', { kind, waitsFor: () => 'devices', defaultDeadlineMs: 10_000 }),
          ],
        });
        await vi.waitFor(() => expect(record.rows.get('fire')?.status).toBe('done'), quick);
        await submit(actionRow('again', { kind }));
        await vi.waitFor(() => expect(record.rows.get('again')?.status).toBe('done'), quick);
        expect([...record.outcomes.keys()]).toEqual(['fire', 'again']);
      } finally {
        waits.abort(userError('E_TEST_OVER', 'The test is over'));
      }
    });

    it('starves nothing by it: slow urgent actions hold up no others', async () => {
      fresh();
      const waits = new AbortController();
      const hang = () => steadyClock.sleep(60_000, waits.signal).then(() => 'too late');
      const kind = 'device-trigger';
      const { record, submit } = await run({
        handlers: [
          handlerOf(hang, { kind, waitsFor: () => 'devices', defaultDeadlineMs: 10_000 }),
          handlerOf(async () => 'ok'),
          handlerOf(async () => 'ok', { kind: 'modbus-write', waitsFor: () => 'devices' }),
        ],
      });
      try {
        await submit(
          ...Array.from({ length: 300 }, (_, i) => actionRow(`fire${i}`, { kind })),
          actionRow('text'),
          actionRow('write', { kind: 'modbus-write' }),
        );
        await vi.waitFor(() => expect([...record.outcomes.keys()].sort()).toEqual(['text', 'write']), quick);
      } finally {
        waits.abort(userError('E_TEST_OVER', 'The test is over'));
      }
    });

    it('tries an operational failure again without holding a place, and says so in the row', async () => {
      fresh();
      const attempts: number[] = [];
      const { record, submit } = await run({
        concurrency: 1,
        handlers: [
          handlerOf(async ({ row, attempt }) => {
            if (row.key !== 'flaky') return 'ok';
            attempts.push(attempt);
            if (attempt < 3) throw operationalError('E_DEVICE_OFFLINE', 'Camera 1 is away', { retryAfterMs: 300 });
            return 'ok at last';
          }),
        ],
      });
      await submit(actionRow('flaky'));
      await vi.waitFor(() => expect(record.rows.get('flaky')?.status).toBe('retrying'), quick);
      expect(record.rows.get('flaky')).toMatchObject({ errorCode: 'E_DEVICE_OFFLINE', finishedAt: null });
      expect(record.rows.get('flaky')?.summary).toContain('Camera 1 is away');
      await submit(actionRow('other'));
      await vi.waitFor(() => expect(record.rows.get('other')?.status).toBe('done'), quick);
      await vi.waitFor(() => expect(record.rows.get('flaky')?.status).toBe('done'), quick);
      expect(attempts).toEqual([1, 2, 3]);
      expect(record.outcomes.get('flaky')).toEqual(['done']);
    });

    it.each([
      [
        'a user error',
        () => userError('E_BAD_PARAMETER', 'Preset 400 does not exist: choose 1 to 300'),
        'E_BAD_PARAMETER',
      ],
      ['a bug', () => new TypeError('x is not a function'), 'E_UNEXPECTED'],
    ])('does not try %s again and keeps it as a dead letter', async (_name, thrown, code) => {
      fresh();
      let calls = 0;
      const { log, lines } = rememberingLog();
      const { executor, record, submit } = await run({
        log,
        handlers: [
          handlerOf(async () => {
            calls++;
            throw thrown();
          }),
        ],
      });
      await submit(actionRow('dead'));
      await vi.waitFor(() => expect(record.rows.get('dead')?.status).toBe('failed'), quick);
      await vi.waitFor(async () => expect((await counts(executor)).failed).toBe(1), quick);
      await atRest(executor);
      expect(calls).toBe(1);
      expect(record.rows.get('dead')).toMatchObject({ errorCode: code, attempts: 1 });
      const logged = lines.find((line) => line.event.startsWith('action failed'))!;
      expect(logged.level).toBe(code === 'E_UNEXPECTED' ? 'error' : 'warn');
      if (code === 'E_UNEXPECTED') expect(String(logged.fields?.stack)).toContain('executor-contract');
    });

    it('waits as long as it is told to, also for a part of a millisecond', async () => {
      fresh();
      const { log, lines } = rememberingLog();
      const attempts: number[] = [];
      const { record, submit } = await run({
        log,
        handlers: [
          handlerOf(
            async ({ attempt }) => {
              attempts.push(systemClock.monotonic());
              if (attempt < 2) throw operationalError('E_PAUSED', 'The login rests', { retryAfterMs: 4_200.4567 });
              return 'ok';
            },
            { attempts: 5 },
          ),
        ],
      });
      await submit(actionRow('rests'));
      await vi.waitFor(() => expect(record.rows.get('rests')?.status).toBe('done'), quick);
      expect(attempts).toHaveLength(2);
      expect(attempts[1]! - attempts[0]!).toBeGreaterThanOrEqual(4_200);
      expect(record.rows.get('rests')?.attempts).toBe(2);
      expect(lines.filter(({ event }) => event === 'queue error')).toEqual([]);
    });

    it('gives up after the handler’s attempts, and does it again when a person asks', async () => {
      fresh();
      let broken = true;
      let calls = 0;
      const { executor, record, submit } = await run({
        handlers: [
          handlerOf(
            async () => {
              calls++;
              if (broken) throw operationalError('E_DEVICE_OFFLINE', 'Camera 1 is away', { retryAfterMs: 20 });
              return 'ok';
            },
            { attempts: 2, defaultDeadlineMs: 5_000 },
          ),
        ],
      });
      await submit(actionRow('dead'));
      await vi.waitFor(() => expect(record.rows.get('dead')?.status).toBe('failed'), quick);
      expect(calls).toBe(2);
      expect(record.rows.get('dead')?.summary).toContain('Camera 1 is away');
      broken = false;
      const before = systemClock.now();
      const row = await executor.retry('dead');
      expect(row.deadlineAt).toBeGreaterThan(before + 3_000);
      expect(row.deadlineAt).toBeLessThanOrEqual(systemClock.now() + 5_000);
      await vi.waitFor(() => expect(record.rows.get('dead')?.status).toBe('done'), quick);
      expect(calls).toBe(3);
    });

    it('can be asked for a retry by the listener that hears of the failure', async () => {
      fresh();
      let calls = 0;
      let executor: Executor | undefined;
      const started = await run({
        handlers: [
          handlerOf(async () => {
            calls++;
            if (calls === 1) throw userError('E_BAD_PARAMETER', 'Wrong');
            return 'ok';
          }),
        ],
        onSettled: (row) => {
          if (row.status === 'failed') executor?.retry(row.key).catch(() => {});
        },
      });
      executor = started.executor;
      await started.submit(actionRow('dead'));
      await vi.waitFor(() => expect(started.record.rows.get('dead')?.status).toBe('done'), quick);
      expect(calls).toBe(2);
    });

    it('refuses to try again what has not failed', async () => {
      fresh();
      const { executor } = await run({ handlers: [] });
      await expect(executor.retry('nobody')).rejects.toMatchObject({ code: 'E_NOT_RETRYABLE', family: 'user' });
    });

    it('records an action as expired when its turn comes past its deadline', async () => {
      fresh();
      let calls = 0;
      const { record, submit } = await run({
        handlers: [
          handlerOf(async () => {
            calls++;
            return 'ok';
          }),
        ],
      });
      const now = systemClock.now();
      await submit(actionRow('late', { requestedAt: now - 90_000, deadlineAt: now - 30_000 }));
      await vi.waitFor(() => expect(record.rows.get('late')?.status).toBe('expired'), quick);
      const [, late] = /(\d+) s past its deadline/.exec(record.rows.get('late')?.summary ?? '') ?? [];
      expect(Number(late)).toBeGreaterThanOrEqual(30);
      expect(calls).toBe(0);
    });

    it('aborts an action at its deadline and does not wait for one that ignores it', async () => {
      fresh();
      let hear: () => void = () => {};
      const silence = new Promise<void>((resolve) => {
        hear = resolve;
      });
      const { record, submit } = await run({
        handlers: [
          handlerOf(async ({ row, signal }) => {
            if (row.key === 'deaf') await silence;
            else await steadyClock.sleep(60_000, signal);
            return 'too late';
          }),
        ],
      });
      const deadlineAt = systemClock.now() + 400;
      await submit(actionRow('obedient', { deadlineAt }), actionRow('deaf', { deadlineAt }));
      await vi.waitFor(() => expect(record.rows.get('obedient')?.status).toBe('expired'), quick);
      await vi.waitFor(() => expect(record.rows.get('deaf')?.status).toBe('expired'), quick);
      hear();
      await steadyClock.sleep(100);
      expect(record.outcomes.get('deaf')).toEqual(['expired']);
    });

    it('expires at once when the next try would be past the deadline', async () => {
      fresh();
      const { record, submit } = await run({
        handlers: [
          handlerOf(async () => {
            throw operationalError('E_CREDENTIALS_REFUSED', 'Locked', { retryAfterMs: 300_000 });
          }),
        ],
      });
      await submit(actionRow('late', { deadlineAt: systemClock.now() + 30_000 }));
      await vi.waitFor(() => expect(record.rows.get('late')?.status).toBe('expired'), quick);
      expect(record.rows.get('late')).toMatchObject({ errorCode: 'E_CREDENTIALS_REFUSED', attempts: 1 });
    });

    it('fails an action that nobody knows how to do', async () => {
      fresh();
      const { record, submit } = await run({ handlers: [] });
      await submit(actionRow('odd', { kind: 'email' }));
      await vi.waitFor(() => expect(record.rows.get('odd')?.status).toBe('failed'), quick);
      expect(record.rows.get('odd')?.errorCode).toBe('E_NO_HANDLER');
    });

    it('does not lose an outcome that the record could not take, and does not do the action again for it', async () => {
      fresh();
      let calls = 0;
      const record = createMemoryRecord();
      record.settleFailures.push(operationalError('E_RECORD_WRITE', 'The disk is full'));
      const { submit } = await run({
        record,
        handlers: [
          handlerOf(async () => {
            calls++;
            return 'ok';
          }),
        ],
      });
      await submit(actionRow('x'));
      await vi.waitFor(() => expect(record.rows.get('x')?.status).toBe('done'), quick);
      expect(calls).toBe(1);
    });

    it('claims nothing that it submitted itself, counts the attempt and claims what is tried again', async () => {
      fresh();
      const { record, submit } = await run({
        handlers: [
          handlerOf(async ({ row, attempt }) => {
            if (row.key === 'flaky' && attempt < 3)
              throw operationalError('E_DEVICE_OFFLINE', 'Away', { retryAfterMs: 20 });
            return `try ${attempt} of a ${row.status} row`;
          }),
        ],
      });
      await submit(actionRow('plain'), actionRow('flaky'));
      await vi.waitFor(() => expect(record.outcomes.size).toBe(2), quick);
      expect(record.rows.get('plain')).toMatchObject({ attempts: 1, summary: 'try 1 of a running row' });
      expect(record.rows.get('flaky')).toMatchObject({ attempts: 3, summary: 'try 3 of a running row' });
      expect(record.claims).toEqual(['flaky', 'flaky']);
    });

    it('shows an action as running once it takes more than a second', async () => {
      fresh();
      let finish = (): void => {};
      const { record, submit } = await run({
        handlers: [
          handlerOf(async () => {
            await new Promise<void>((resolve) => {
              finish = resolve;
            });
            return 'ok';
          }),
        ],
      });
      await submit(actionRow('long'));
      await steadyClock.sleep(500);
      expect(record.rows.get('long')?.status).toBe('queued');
      await vi.waitFor(() => expect(record.rows.get('long')?.status).toBe('running'), quick);
      finish();
      await vi.waitFor(() => expect(record.rows.get('long')?.status).toBe('done'), quick);
      expect(record.rows.get('long')?.attempts).toBe(1);
      expect(record.outcomes.get('long')).toEqual(['done']);
    });

    it('has a row claimed by the process that did not submit it, each once', async () => {
      fresh();
      const record = createMemoryRecord();
      const seen: string[] = [];
      const handlers = [
        handlerOf(async ({ row }) => {
          seen.push(row.key);
          return 'ok';
        }),
      ];
      // The two share the record, so that both would run what they get without asking it.
      const one = await run({ record, handlers, concurrency: 1 });
      await run({ record: { ...record, takeNewAction: () => false }, handlers, concurrency: 1 });
      const rows = Array.from({ length: 100 }, (_, i) => actionRow(`r${i}`));
      await one.submit(...rows);
      await vi.waitFor(() => expect(record.outcomes.size).toBe(100), quick);
      expect(seen.toSorted()).toEqual(rows.map((row) => row.key).toSorted());
      expect([...record.rows.values()].every((row) => row.attempts === 1)).toBe(true);
      expect(record.claims.length).toBeLessThan(100);
    });

    it('does what a crash has left: rows without jobs', async () => {
      fresh();
      const record = createMemoryRecord();
      record.keep(
        ...Array.from({ length: 50 }, (_, i) => actionRow(`left${i}`, { status: i % 2 ? 'running' : 'queued' })),
      );
      await run({ record, handlers: [handlerOf(async () => 'ok')] });
      await vi.waitFor(() => expect(record.outcomes.size).toBe(50), quick);
    });

    it('drives outputs and does what is urgent before it has looked at what else is open', async () => {
      fresh();
      const record = createMemoryRecord();
      const looked = Promise.withResolvers<void>();
      const openActions = record.openActions.bind(record);
      record.openActions = async (limit) => {
        await looked.promise;
        return await openActions(limit);
      };
      const done: string[] = [];
      const executor = createExecutor({
        backend: backend.choice,
        prefix,
        record,
        handlers: [
          handlerOf(async ({ row }) => String(done.push(row.key)), { kind: 'ptz-preset', defaultDeadlineMs: 15_000 }),
          handlerOf(async ({ row }) => String(done.push(row.key))),
        ],
        reconcile: async (outputId) => {
          done.push(outputId);
        },
        clock: steadyClock,
        log: silentLog,
      });
      started.push(executor);
      const left = actionRow('left');
      const urgent = actionRow('urgent', { kind: 'ptz-preset' });
      record.keep(left);
      const starting = executor.start(async () => {
        executor.requestReconcile('siren', 1);
        record.keep(urgent);
        await executor.submit([urgent]);
      });
      await vi.waitFor(() => expect(done.toSorted()).toEqual(['siren', urgent.key]), quick);
      looked.resolve();
      await starting;
      await vi.waitFor(() => expect(done).toContain(left.key), quick);
    });

    it('gives 10,000 open rows their jobs within seconds', async () => {
      fresh();
      const record = createMemoryRecord();
      record.keep(...Array.from({ length: 10_000 }, (_, i) => actionRow(`left${i}`)));
      // Seconds of the processor: what other programs do meanwhile is not ours.
      const from = process.cpuUsage();
      const { executor } = await run({ record, handlers: [handlerOf(async () => 'ok')] });
      const { user, system } = process.cpuUsage(from);
      expect((user + system) / 1_000).toBeLessThan(8_000);
      await vi.waitFor(() => expect(record.outcomes.size).toBeGreaterThan(32), quick);
      await vi.waitFor(async () => {
        const { waiting, active } = await counts(executor);
        expect(waiting + active + record.outcomes.size).toBeGreaterThan(9_000);
      }, quick);
    });

    it('runs what a killed worker had taken again within 5 s: actions and reconciles', async () => {
      fresh();
      const record = createMemoryRecord();
      record.keep(actionRow('orphan', { status: 'running', attempts: 1 }));
      const output = 'cam/relay/1';
      await leaveJobTaken(
        backend.choice,
        prefix,
        'outputs',
        { outputId: output, generation: 1 },
        reconcileOptions(output),
      );
      await leaveJobTaken(backend.choice, prefix, 'actions', { key: 'orphan' }, { jobId: jobIdOf('orphan') });
      const killed = steadyClock.monotonic();
      let ranAfter = Number.NaN;
      const reconciled: string[] = [];
      const { executor } = await run({
        record,
        handlers: [
          handlerOf(async () => {
            ranAfter = steadyClock.monotonic() - killed;
            return 'ok';
          }),
        ],
        async reconcile(outputId) {
          reconciled.push(outputId);
        },
      });
      executor.requestReconcile(output, 2);
      await vi.waitFor(() => expect(record.rows.get('orphan')?.status).toBe('done'), quick);
      await vi.waitFor(() => expect(reconciled.length).toBeGreaterThanOrEqual(1), quick);
      expect(ranAfter).toBeLessThan(5_000);
      expect(record.outcomes.get('orphan')).toEqual(['done']);
    });

    it('reconciles an output once for many requests, and again for one that comes meanwhile', async () => {
      fresh();
      let inside = 0;
      let most = 0;
      const calls: string[] = [];
      let confirm: () => void = () => {};
      const confirmed = new Promise<void>((resolve) => {
        confirm = resolve;
      });
      const { executor } = await run({
        handlers: [],
        async reconcile(output) {
          calls.push(output);
          most = Math.max(most, ++inside);
          await confirmed;
          await steadyClock.sleep(150);
          inside--;
        },
      });
      for (let generation = 1; generation <= 20; generation++) executor.requestReconcile('cam/relay/1', generation);
      await vi.waitFor(() => expect(calls).toHaveLength(1), quick);
      for (let generation = 21; generation <= 30; generation++) executor.requestReconcile('cam/relay/1', generation);
      confirm();
      await vi.waitFor(() => expect(calls).toHaveLength(2), quick);
      await steadyClock.sleep(400);
      expect(calls).toHaveLength(2);
      expect(most).toBe(1);
    });

    it('reconciles different outputs side by side', async () => {
      fresh();
      const outputs = gathering(3);
      const { executor } = await run({ handlers: [], reconcile: outputs.join });
      for (const output of ['a', 'b', 'c']) executor.requestReconcile(output, 1);
      await vi.waitFor(() => expect(outputs.inside()).toBe(3), quick);
    });

    it('never drives an output twice at once, for requests here and the job that a killed process has left', async () => {
      fresh();
      const output = 'cam/relay/1';
      const left = { outputId: output, generation: 1 };
      await leaveJobTaken(backend.choice, prefix, 'outputs', left, reconcileOptions(output));
      let inside = 0;
      let most = 0;
      const { executor } = await run({
        handlers: [],
        async reconcile() {
          most = Math.max(most, ++inside);
          await steadyClock.sleep(60);
          inside--;
        },
      });
      // Long enough for the job to be found stalled and run again between the requests.
      for (let generation = 2; generation <= 100; generation++) {
        executor.requestReconcile(output, generation);
        await steadyClock.sleep(50);
      }
      await vi.waitFor(() => expect(inside).toBe(0), quick);
      expect(most).toBe(1);
    });

    it('reconciles again and again until the device confirms, at once when asked anew', async () => {
      fresh();
      const at: number[] = [];
      let away = true;
      const { executor } = await run({
        handlers: [],
        async reconcile() {
          at.push(systemClock.monotonic());
          if (away) throw operationalError('E_DEVICE_OFFLINE', 'Away', at.length > 1 ? { retryAfterMs: 60_000 } : {});
        },
      });
      executor.requestReconcile('cam/relay/1', 1);
      await vi.waitFor(() => expect(at).toHaveLength(2), quick);
      expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(950);
      // The wait is 60 s now; the device comes back and the outputs ask again.
      await steadyClock.sleep(150);
      away = false;
      executor.requestReconcile('cam/relay/1', 1);
      await vi.waitFor(() => expect(at).toHaveLength(3), quick);
    });

    it('does not wait out an old back-off when asked while a failing try is under way', async () => {
      fresh();
      let calls = 0;
      let ask: () => void = () => {};
      const asked = new Promise<void>((resolve) => {
        ask = resolve;
      });
      const { executor } = await run({
        handlers: [],
        async reconcile() {
          calls++;
          if (calls > 1) return;
          await asked;
          throw operationalError('E_DEVICE_OFFLINE', 'Away', { retryAfterMs: 60_000 });
        },
      });
      executor.requestReconcile('cam/relay/1', 1);
      await vi.waitFor(() => expect(calls).toBe(1), quick);
      executor.requestReconcile('cam/relay/1', 2);
      ask();
      await vi.waitFor(() => expect(calls).toBeGreaterThanOrEqual(2), quick);
    });

    it('waits for running actions when it closes', async () => {
      fresh();
      let begun = false;
      const { executor, record, submit } = await run({
        handlers: [
          handlerOf(async ({ signal }) => {
            begun = true;
            await steadyClock.sleep(400, signal);
            return 'ok';
          }),
        ],
      });
      await submit(actionRow('x'));
      await vi.waitFor(() => expect(begun).toBe(true), quick);
      await executor.close(3_000);
      expect(record.rows.get('x')?.status).toBe('done');
    });

    it('aborts what still runs after the time for a close, and does it at the next start', async () => {
      fresh();
      let patient = true;
      const handlers = [
        handlerOf(async ({ signal }) => {
          if (patient) await steadyClock.sleep(60_000, signal);
          return 'ok';
        }),
      ];
      const first = await run({ handlers });
      await first.submit(actionRow('x'));
      await vi.waitFor(() => expect(first.record.rows.get('x')?.status).toBe('running'), quick);
      const from = steadyClock.monotonic();
      await first.executor.close(200);
      expect(steadyClock.monotonic() - from).toBeLessThan(2_000);
      expect(first.record.rows.get('x')).toMatchObject({ status: 'retrying', attempts: 1 });
      patient = false;
      await run({ handlers, record: first.record });
      await vi.waitFor(() => expect(first.record.rows.get('x')?.status).toBe('done'), quick);
    });

    it('closes idle without waiting for anything, and twice', async () => {
      fresh();
      const { executor } = await run({ handlers: [] });
      const from = steadyClock.monotonic();
      await Promise.all([executor.close(), executor.close()]);
      expect(steadyClock.monotonic() - from).toBeLessThan(1_500);
      expect((await executor.health()).warnings).toHaveLength(1);
    });
  });
}
