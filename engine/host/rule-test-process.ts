/**
 * Runs the tests of a flow that is not deployed, in a process of its own: Node-RED exists once in a process, and what a
 * draft does must never reach the site that runs.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../clock/clock';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { RuleTestReport } from '../domain/rule-tests';

const LIMIT_MS = 60_000;
const MOST_OUTPUT = 16 * 1024 * 1024;
/** Megabytes for the draft's objects: a small box runs the site beside it. */
const HEAP_MB = 256;

export type RunRuleTests = (flows: unknown) => Promise<RuleTestReport>;

/**
 * One run at a time.
 *
 * @param main the built command line; tests give another
 */
export function ruleTestProcess(clock: Clock, log: Log, main = join(__dirname, '..', 'cli', 'main.js')): RunRuleTests {
  let running = false;
  return async (flows) => {
    if (running)
      throw userError('E_TESTS_RUNNING', 'The tests are being run already: wait for their result and try again');
    if (!existsSync(main))
      throw operationalError('E_NOT_BUILT', 'The command line that runs the tests is not built: run "npm run build"');
    running = true;
    try {
      return await runOnce(main, JSON.stringify(flows), clock, log);
    } finally {
      running = false;
    }
  };
}

function runOnce(main: string, flows: string, clock: Clock, log: Log): Promise<RuleTestReport> {
  return new Promise((resolve, reject) => {
    const { DATABASE_URL: _database, REDIS_URL: _redis, ...env } = process.env;
    const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MB}`, main, 'test', '-', '--json'], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    try {
      // Alarms come first: the site's own work is not to wait for a test.
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch (error) {
      log.debug('rule-tests.priority-not-set', { error: asAlarmflowError(error).message });
    }
    const output: Buffer[] = [];
    const complaints: Buffer[] = [];
    let size = 0;
    let stopped: AlarmflowError | null = null;
    const stop = (reason: AlarmflowError): void => {
      stopped ??= reason;
      child.kill('SIGKILL');
    };
    const limit = clock.after(LIMIT_MS, () =>
      stop(
        userError(
          'E_TESTS_TOO_LONG',
          `The tests were not done within ${LIMIT_MS / 1_000} s: run them with "alarmflow test" on the command line`,
        ),
      ),
    );
    for (const [stream, kept] of [
      [child.stdout, output],
      [child.stderr, complaints],
    ] as const)
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MOST_OUTPUT) stop(userError('E_TESTS_TOO_LONG', 'The tests have more to tell than fits here'));
        else kept.push(chunk);
      });
    child.on('error', (error) => {
      limit.cancel();
      reject(operationalError('E_TESTS_NOT_RUN', `The tests cannot be run: ${error.message}`, { cause: error }));
    });
    // A process that ends early closes its input; why it ended is told by its error output.
    child.stdin.on('error', (error) => log.debug('rule-tests.input-closed', { error: error.message }));
    child.stdin.end(flows);
    child.on('close', () => {
      limit.cancel();
      if (stopped) return reject(stopped);
      try {
        resolve(JSON.parse(Buffer.concat(output).toString('utf8')) as RuleTestReport);
      } catch {
        // No report: the command has said why.
        reject(refusal(Buffer.concat(complaints).toString('utf8')));
      }
    });
  });
}

/** The command's own words, which are meant for people. */
function refusal(complaint: string): AlarmflowError {
  const told = /^alarmflow: (.*) \[(E_[A-Z_]+)\]$/m.exec(complaint);
  if (told && told[2] !== 'E_UNEXPECTED') return userError(told[2]!, told[1]!);
  return operationalError('E_TESTS_NOT_RUN', `The tests could not be run: ${complaint.trim().slice(0, 500)}`);
}
