import { expect, it } from 'vitest';
import { runGatesBench } from '../bench/gates';

it('runs the gates over a stream of which nine in ten are refused, at a speed that is no accident', {
  timeout: 120_000,
}, async () => {
  const { eventsPerCpuSecond, refusedShare } = await runGatesBench();
  expect(refusedShare).toBeCloseTo(0.9, 2);
  // The budget itself is the bench's business; a test machine may be slow.
  expect(eventsPerCpuSecond).toBeGreaterThan(30_000);
});
