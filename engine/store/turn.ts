import type { Clock } from '../clock/clock';

/** How long an answer is waited for before it is asked whether others are answered; less than health waits for a part. */
const TURN_MS = 1_200;
/** A database that has answered nobody for so long is taken for dead, also by those who only wait for their turn. */
const SILENT_MS = 10_000;

/**
 * Resolves when the asked one has answered, and also when it merely has not come to us yet: one that answers others is
 * at work, and a site that its supervisor restarts for that is as far behind afterwards.
 * @param silentMs for how long it has answered nobody although somebody waits
 */
export async function answersSomebody(asked: Promise<unknown>, silentMs: () => number, clock: Clock): Promise<void> {
  const waiting = new AbortController();
  const turn = clock.sleep(TURN_MS, waiting.signal).then(
    () => (silentMs() < SILENT_MS ? undefined : asked),
    () => undefined,
  );
  try {
    await Promise.race([asked, turn]);
  } finally {
    waiting.abort();
  }
}
