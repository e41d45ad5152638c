import { describe, expect, it } from 'vitest';
import { withFloodSite } from './flood';

/** So slow that each device says something every four seconds: what is late on a busy machine is not overtaken. */
const PER_SECOND = 15.5;

describe('a site with 64 devices', () => {
  // What a busy machine can promise; `npm run bench -- flood` holds the figures against the budget.
  it('keeps serving the others while one of them floods it', { timeout: 300_000 }, () =>
    withFloodSite({ env: {} }, async ({ flood, measure }) => {
      const calm = await measure(8, PER_SECOND);
      expect(calm).toMatchObject({ missing: 0 });
      flood({ by: 'stream', kind: 'edges', perSecond: 2_000 });
      const flooded = await measure(8, PER_SECOND);
      expect(flooded).toMatchObject({ missing: 0 });
      expect(flooded.floodedPerSecond).toBeGreaterThan(1_000);
      // Without the shares of the devices it is thirty times that of the calm.
      expect(flooded.p50Ms).toBeLessThan(10 * calm.p50Ms + 20);
      expect(flooded.memoryMiB - calm.memoryMiB).toBeLessThan(200);
    }),
  );
});
