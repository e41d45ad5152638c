import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { operationalError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import { createRecordHealth, type WatchedRecord } from '../../engine/host/record-health';

function record(over: Partial<WatchedRecord> = {}) {
  const clock = new VirtualClock(1_780_315_200_000);
  let counted = 0;
  const health = createRecordHealth(
    {
      kind: 'postgres',
      broken: () => null,
      trouble: () => null,
      answers: async () => undefined,
      stats: async () => ({ events: ++counted }),
      ...over,
    },
    clock,
    silentLog,
  );
  return { clock, health, counted: () => counted };
}

const full = operationalError('E_RECORD_WRITE', 'The record cannot be written: free some space');
const away = operationalError('E_DATABASE_UNREACHABLE', 'The database at db:5432/site cannot be used');

describe('the health of the record', () => {
  it('is well with its figures, which are counted once a minute however often it is asked', async () => {
    const { clock, health, counted } = record();
    expect(await health()).toEqual({ ok: true, detail: 'postgres', facts: { events: 1 } });
    await clock.advance(59_000);
    await health();
    expect(counted()).toBe(1);
    await clock.advance(2_000);
    await health();
    expect(counted()).toBe(2);
  });

  it('is not well while nothing can be written, though all can be read', async () => {
    expect(await record({ trouble: () => full }).health()).toEqual({ ok: false, detail: full.message });
    expect(await record({ broken: () => full }).health()).toEqual({ ok: false, detail: full.message });
  });

  it('is not well while the database does not answer, also when it was counted before', async () => {
    let reachable = true;
    const { health } = record({ answers: async () => (reachable ? undefined : Promise.reject(away)) });
    await health();
    reachable = false;
    await expect(health()).rejects.toBe(away);
  });

  it('waits for the counts and the answer at once, as it would be taken for dead after both', async () => {
    const { clock, health } = record({
      answers: () => clock.sleep(1_200),
      stats: () => new Promise(() => undefined),
    });
    const asked = health();
    await clock.advance(1_200);
    expect(await Promise.race([asked, 'waits'])).toEqual({ ok: true, detail: 'postgres' });
  });

  it('does not wait for counts that take long', async () => {
    const { clock, health } = record({ stats: () => new Promise(() => undefined) });
    const asked = health();
    await clock.advance(1_000);
    expect(await asked).toEqual({ ok: true, detail: 'postgres' });
  });
});
