import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionHandler, ActionRow } from '../../engine/domain/actions';
import { waitError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import { createActionRuns } from '../../engine/executor/action-runs';
import { createMemoryRecord } from '../contract/memory-record';
import { actionRow } from '../support/action-rows';

const START = Date.UTC(2026, 10, 21);

function bench(deadlineMs: number) {
  const clock = new VirtualClock(START);
  const record = createMemoryRecord();
  const row: ActionRow = actionRow('a', { requestedAt: START, deadlineAt: START + deadlineMs });
  record.keep(row);
  const handler: ActionHandler = {
    kind: 'log',
    heavy: false,
    defaultDeadlineMs: deadlineMs,
    attempts: 2,
    check: () => undefined,
    execute: async () => {
      throw waitError('Waits for its period', 60_000);
    },
  };
  const runs = createActionRuns({ record, handlers: [handler], clock, log: silentLog });
  return { clock, record, run: () => runs.run({ key: 'a' }), row: () => record.rows.get('a')! };
}

describe('an action whose time has not come', () => {
  it('comes again when it said, as often as it takes, and says in the journal what it waits for', async () => {
    const { clock, run, row } = bench(3_600_000);
    for (let turn = 0; turn < 5; turn++) {
      expect(await run()).toMatchObject({ kind: 'again', delayMs: 60_000 });
      await clock.advance(60_000);
    }
    expect(row()).toMatchObject({
      status: 'retrying',
      errorCode: 'E_WAITS',
      summary: 'Waits for its period (looked at again in 60 s)',
    });
  });

  it('is looked at once more at its deadline, and tells then what it waited for', async () => {
    const { clock, run, row } = bench(90_000);
    expect(await run()).toMatchObject({ delayMs: 60_000 });
    await clock.advance(60_000);
    expect(await run()).toMatchObject({ delayMs: 30_001 });
    await clock.advance(30_001);
    expect(await run()).toEqual({ kind: 'over' });
    expect(row()).toMatchObject({ status: 'expired', summary: expect.stringContaining('Waits for its period') });
  });
});
