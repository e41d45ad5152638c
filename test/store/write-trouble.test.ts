import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { operationalError } from '../../engine/domain/errors';
import { type Log, silentLog } from '../../engine/domain/log';
import { createWriteTrouble } from '../../engine/store/write-trouble';

const full = operationalError('E_RECORD_WRITE', 'The record cannot be written: no space left');

function watched() {
  const clock = new VirtualClock(1_780_315_200_000);
  const told: string[] = [];
  const note = (event: string): void => void told.push(event);
  const log: Log = { ...silentLog, error: note, info: note, with: () => log };
  let writable = false;
  let probes = 0;
  const trouble = createWriteTrouble(
    async () => {
      probes++;
      if (!writable) throw full;
    },
    clock,
    log,
  );
  let changes = 0;
  trouble.onChange(() => changes++);
  return {
    clock,
    trouble,
    told,
    probes: () => probes,
    changes: () => changes,
    mend() {
      writable = true;
    },
  };
}

describe('a record that cannot be written', () => {
  it('is in trouble from the first commit that failed to the first that worked', () => {
    const { trouble, changes } = watched();
    expect(trouble.now()).toBeNull();
    trouble.failed(full);
    expect(trouble.now()).toBe(full);
    trouble.failed(full);
    trouble.worked();
    expect([trouble.now(), changes()]).toEqual([null, 2]);
  });

  it('is asked for a commit twice a second once it has lasted for a second, and at every one before', async () => {
    const { clock, trouble } = watched();
    let tried = 0;
    const commit = (): void => {
      if (trouble.resting()) return;
      tried++;
      trouble.failed(full);
    };
    for (let turn = 0; turn < 100; turn++) {
      commit();
      await clock.advance(10);
    }
    expect(tried).toBe(100);
    for (let turn = 0; turn < 1_000; turn++) {
      commit();
      await clock.advance(10);
    }
    expect(tried - 100).toBeGreaterThanOrEqual(19);
    expect(tried - 100).toBeLessThanOrEqual(21);
  });

  it('takes every commit as soon as one has worked', async () => {
    const { clock, trouble } = watched();
    trouble.failed(full);
    await clock.advance(1_500);
    expect(trouble.resting()).toBeNull();
    expect(trouble.resting()).toBe(full);
    trouble.worked();
    expect(trouble.resting()).toBeNull();
    expect(trouble.resting()).toBeNull();
  });

  it('is found well again though nobody writes, and is left alone while it is well', async () => {
    const { clock, trouble, mend, probes } = watched();
    await clock.advance(60_000);
    expect(probes()).toBe(0);
    trouble.failed(full);
    await clock.advance(10_000);
    expect(trouble.now()).toBe(full);
    mend();
    await clock.advance(2_000);
    expect(trouble.now()).toBeNull();
    const asked = probes();
    await clock.advance(60_000);
    expect(probes()).toBe(asked);
  });

  it('is told when it begins, once a minute while it lasts, and when it ends, however much is refused', async () => {
    const { clock, trouble, told, mend } = watched();
    for (let second = 0; second < 150; second++) {
      for (let each = 0; each < 20; each++) trouble.failed(full);
      await clock.advance(1_000);
    }
    mend();
    await clock.advance(2_000);
    expect(told).toEqual([
      ...Array.from({ length: 3 }, () => 'the record cannot be written'),
      'the record is written again',
    ]);
  });
});
