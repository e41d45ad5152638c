import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { silentLog } from '../../engine/domain/log';
import { openPglite } from '../../engine/store/pglite-database';
import { answersSomebody } from '../../engine/store/turn';
import { temporaryFolder } from '../support/temporary-folder';

const never = new Promise<never>(() => undefined);

/** How an asking ends that has waited for so long. */
async function after(ms: number, asked: () => Promise<unknown>, silentMs: number): Promise<string> {
  const clock = new VirtualClock(1_780_315_200_000);
  let end = 'waits';
  answersSomebody(asked(), () => silentMs, clock).then(
    () => {
      end = 'answers';
    },
    (thrown: Error) => {
      end = thrown.message;
    },
  );
  await clock.advance(ms);
  await new Promise((resolve) => setImmediate(resolve));
  return end;
}

describe('whether the embedded database answers', () => {
  it.each([
    ['answers as soon as it has answered us', 0, async () => undefined, 60_000, 'answers'],
    ['passes on why it cannot answer', 0, () => Promise.reject(new Error('stopped')), 0, 'stopped'],
    ['waits for its turn for a while', 1_000, () => never, 5, 'waits'],
    ['answers while it answers others, however long our turn takes', 1_300, () => never, 1_900, 'answers'],
    ['does not answer when it has answered nobody for ten seconds', 1_300, () => never, 10_000, 'waits'],
  ])('%s', async (_name, ms, asked, silentMs, end) => {
    expect(await after(ms, asked, silentMs)).toBe(end);
  });

  it('is silent only while somebody waits and nobody is answered', async () => {
    const { db } = await openPglite(join(await temporaryFolder(), 'record'), silentLog);
    try {
      await systemClock.sleep(60);
      expect(db.silentMs()).toBe(0);
      await db.transaction(async (transaction) => {
        const waits = db.query('SELECT 1');
        const waitsSince = systemClock.monotonic();
        await systemClock.sleep(150);
        const waited = systemClock.monotonic() - waitsSince;
        expect(db.silentMs()).toBeGreaterThanOrEqual(waited);
        const asked = systemClock.monotonic();
        await transaction.query('SELECT 1');
        expect(db.silentMs()).toBeLessThanOrEqual(systemClock.monotonic() - asked);
        return { waits };
      });
    } finally {
      await db.close();
    }
  });
});
