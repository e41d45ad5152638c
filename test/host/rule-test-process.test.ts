import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { silentLog } from '../../engine/domain/log';
import { ruleTestProcess } from '../../engine/host/rule-test-process';
import { temporaryFolder } from '../support/temporary-folder';

/** A command line that does what the test says instead of running tests. */
async function command(source: string): Promise<string> {
  const file = join(await temporaryFolder(), 'main.js');
  await writeFile(file, source);
  return file;
}

afterEach(() => vi.unstubAllEnvs());

const echo = `process.stdin.pipe(process.stdout);`;

describe('the process that runs tests', () => {
  it('gets the flow and answers with the report', async () => {
    const run = ruleTestProcess(systemClock, silentLog, await command(echo));
    expect(await run({ kind: 'rule-tests' })).toEqual({ kind: 'rule-tests' });
  });

  it('is not told where the databases are', async () => {
    vi.stubEnv('DATABASE_URL', 'postgres://secret@localhost/x');
    const run = ruleTestProcess(
      systemClock,
      silentLog,
      await command(
        `process.stdin.resume().on('end', () => console.log(JSON.stringify(process.env.DATABASE_URL ?? null)))`,
      ),
    );
    expect(await run([])).toBeNull();
  });

  it('is refused in the words of the command', async () => {
    const words = `process.stderr.write('alarmflow: The flow has no tests: write some [E_NO_TESTS]\\n'); process.exit(1)`;
    await expect(ruleTestProcess(systemClock, silentLog, await command(words))([])).rejects.toMatchObject({
      code: 'E_NO_TESTS',
      family: 'user',
      message: 'The flow has no tests: write some',
    });
    const crash = `throw new Error('boom')`;
    await expect(ruleTestProcess(systemClock, silentLog, await command(crash))([])).rejects.toMatchObject({
      code: 'E_TESTS_NOT_RUN',
      message: expect.stringContaining('boom'),
    });
  });

  it('is ended when it takes too long, and only one runs at a time', async () => {
    const clock = new VirtualClock(0);
    const run = ruleTestProcess(clock, silentLog, await command('setInterval(() => {}, 1000)'));
    const first = run([]);
    const ended = expect(first).rejects.toMatchObject({ code: 'E_TESTS_TOO_LONG' });
    await expect(run([])).rejects.toMatchObject({ code: 'E_TESTS_RUNNING' });
    await clock.advance(60_000);
    await ended;
  });

  it('says that it is not built where it is not', async () => {
    await expect(ruleTestProcess(systemClock, silentLog, '/nowhere/main.js')([])).rejects.toMatchObject({
      code: 'E_NOT_BUILT',
    });
  });
});
