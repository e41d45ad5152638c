import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { createFreshRows } from '../../engine/executor/fresh-rows';
import { createMemoryRecord } from '../contract/memory-record';
import { actionRow } from '../support/action-rows';

function setUp(most?: number) {
  const record = createMemoryRecord();
  const clock = new VirtualClock(0);
  const fresh = createFreshRows(record, clock, most);
  return {
    record,
    clock,
    fresh,
    submitted(key: string): ActionRow {
      const row = actionRow(key);
      record.keep(row);
      fresh.offer([row]);
      return row;
    },
  };
}

describe('a row runs without a claim', () => {
  it('once, by the process that made and submitted it', () => {
    const { fresh, submitted } = setUp();
    const row = submitted('a');
    const job = fresh.jobOf(row);
    expect(fresh.take(job, 1)).toEqual(row);
    expect(fresh.take(job, 1)).toBeNull();
  });

  it('as it is on disk, whatever the flow has done to its message since', () => {
    const { record, fresh } = setUp();
    const row = actionRow('a', { params: { text: 'before' } });
    record.keep(row);
    fresh.offer([row]);
    row.params.text = 'after';
    expect(fresh.take(fresh.jobOf(row), 1)?.params).toEqual({ text: 'before' });
  });

  it('never when its job was taken before: that try may still be under way', () => {
    const { fresh, submitted } = setUp();
    const job = fresh.jobOf(submitted('a'));
    expect(fresh.take(job, 2)).toBeNull();
    expect(fresh.take(job, 1)).toBeNull();
  });

  it('never by another process', () => {
    const one = setUp();
    const two = setUp();
    const job = one.fresh.jobOf(one.submitted('a'));
    two.submitted('a');
    expect(two.fresh.take(job, 1)).toBeNull();
  });

  it('never when its job was added for a row read from the record', () => {
    const { fresh, submitted } = setUp();
    const row = submitted('a');
    expect(fresh.take(fresh.jobOf({ ...row }), 1)).toBeNull();
    expect(fresh.take(fresh.jobOf(row), 1)).toBeNull();
  });

  it('never when the record had it already, be it open or done', () => {
    const { record, fresh } = setUp();
    const row = actionRow('a');
    record.keep(row);
    record.takeNewAction?.('a');
    fresh.offer([row]);
    expect(fresh.take(fresh.jobOf(row), 1)).toBeNull();
  });

  it('never when it was claimed between its commit and its submission', async () => {
    const { record, fresh } = setUp();
    const row = actionRow('a');
    record.keep(row);
    await record.claimAction('a', 0);
    fresh.offer([row]);
    expect(fresh.take(fresh.jobOf(row), 1)).toBeNull();
  });

  it('never when the record does not tell new rows from others', () => {
    const { takeNewAction: _, ...record } = createMemoryRecord();
    const fresh = createFreshRows(record, new VirtualClock(0));
    const row = actionRow('a');
    record.keep(row);
    fresh.offer([row]);
    expect(fresh.take(fresh.jobOf(row), 1)).toBeNull();
  });
});

describe('when there are more than memory should hold', () => {
  it('later ones are claimed', () => {
    const { fresh, submitted } = setUp(2);
    const jobs = ['a', 'b', 'c'].map((key) => fresh.jobOf(submitted(key)));
    expect(jobs.map((job) => fresh.take(job, 1)?.key)).toEqual(['a', 'b', undefined]);
  });

  it('those that another process must have run make room after a minute', async () => {
    const { clock, fresh, submitted } = setUp(1);
    const old = fresh.jobOf(submitted('old'));
    await clock.advance(60_000);
    const young = fresh.jobOf(submitted('young'));
    expect(fresh.take(young, 1)?.key).toBe('young');
    expect(fresh.take(old, 1)).toBeNull();
  });
});
