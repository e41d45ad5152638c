import { describe, expect, it } from 'vitest';
import { type ActionParts, createActionHandlers } from '../../engine/actions';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionHandler, ActionRow } from '../../engine/domain/actions';
import { bugError, operationalError, userError } from '../../engine/domain/errors';
import { type Log, silentLog } from '../../engine/domain/log';
import type { ActionRecord } from '../../engine/domain/record';
import { createActionRuns } from '../../engine/executor/action-runs';
import { actionRow } from '../support/action-rows';

const START = 1_795_000_000_000;
/** Long enough for every try of an action that has a number of them. */
const DEADLINE_MS = 60_000;
const nothing = new Proxy({}, { get: () => () => undefined });
const parts = new Proxy(
  { clock: new VirtualClock(START), log: silentLog, siteName: 'Depot' } as Record<string, unknown>,
  { get: (target, name) => target[String(name)] ?? nothing },
) as unknown as ActionParts;
const handlers = createActionHandlers(parts);

/** One row of a handler's kind, run again as often as the executor is told to. */
async function life(handler: ActionHandler, fails: () => unknown, over: Partial<ActionRow> = {}) {
  const clock = new VirtualClock(START);
  let row = actionRow('key', {
    kind: handler.kind,
    requestedAt: START,
    deadlineAt: START + DEADLINE_MS,
    ...over,
  });
  let executed = 0;
  const bugs: string[] = [];
  const record = {
    async claimAction() {
      row = { ...row, status: 'running', attempts: row.attempts + 1 };
      return row;
    },
    async settleAction(_key: string, outcome: Partial<ActionRow>) {
      row = { ...row, ...outcome };
    },
  } as unknown as ActionRecord;
  const log: Log = { ...silentLog, error: (event) => void bugs.push(event) };
  const runs = createActionRuns({
    record,
    handlers: [
      {
        ...handler,
        attempts: handler.attempts,
        async execute() {
          executed++;
          await clock.sleep(5);
          throw fails();
        },
      },
    ],
    clock,
    log,
  });
  for (let turn = 0; turn < 1_000; turn++) {
    const run = runs.run({ key: 'key' });
    const [verdict] = await Promise.all([run, clock.advance(10)]);
    if (verdict.kind !== 'again') break;
    await clock.advance(verdict.delayMs);
  }
  return { row, executed, bugs };
}

describe.each(handlers.map((handler) => [handler.kind, handler] as const))('the action %s', (_kind, handler) => {
  it('is not tried again after an error that somebody must mend', async () => {
    const { row, executed, bugs } = await life(handler, () => userError('E_NO_SERVER', 'choose another'));
    expect([executed, bugs]).toEqual([1, []]);
    expect(row).toMatchObject({ status: 'failed', errorCode: 'E_NO_SERVER', attempts: 1, durationMs: 5 });
  });

  it('is tried as often as it says after an error of the world', async () => {
    const { row, executed, bugs } = await life(handler, () =>
      operationalError('E_AWAY', 'the server is away', { retryAfterMs: 100 }),
    );
    expect(bugs).toEqual([]);
    expect(row).toMatchObject({ errorCode: 'E_AWAY', attempts: executed, durationMs: 5 });
    // One without a number of tries is tried until its deadline.
    if (Number.isFinite(handler.attempts)) expect([executed, row.status]).toEqual([handler.attempts, 'failed']);
    else expect([executed > 50, row.status]).toEqual([true, 'expired']);
  });

  it('is not tried again after a bug, which is reported once', async () => {
    for (const thrown of [new TypeError('x is undefined'), bugError('E_BUG', 'ours')]) {
      const { row, executed, bugs } = await life(handler, () => thrown);
      expect([executed, bugs]).toEqual([1, ['action failed by a bug']]);
      expect(row.status).toBe('failed');
    }
  });

  it('is recorded as expired and not done once its deadline is over, also when a restart finds it', async () => {
    for (const found of ['queued', 'retrying', 'running'] as const) {
      const { row, executed } = await life(handler, () => userError('E_NEVER', 'not called'), {
        status: found,
        requestedAt: START - 2_000_000_000,
        deadlineAt: START - 1,
      });
      expect(executed).toBe(0);
      expect(row).toMatchObject({ status: 'expired', errorCode: 'E_EXPIRED', durationMs: 0, finishedAt: START });
    }
  });
});
