import { it } from 'vitest';

/**
 * A test that needs a server or browser of the operating system. Where it is missing the test is skipped and says why,
 * unless ALARMFLOW_REQUIRE_ALL is set: then it fails.
 */
export function serverTest(
  name: string,
  missing: () => string | null,
  work: () => Promise<void>,
  timeoutMs = 300_000,
): void {
  const reason = missing();
  if (reason !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1') {
    it.skip(`${name} (skipped: ${reason})`, () => undefined);
    return;
  }
  it(
    name,
    async () => {
      if (reason !== null) throw new Error(`${reason}, and ALARMFLOW_REQUIRE_ALL lets nothing be skipped`);
      await work();
    },
    timeoutMs,
  );
}
