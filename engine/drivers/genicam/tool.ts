import { spawn } from 'node:child_process';
import type { Clock } from '../../clock/clock';
import { type AlarmflowError, operationalError } from '../../domain/errors';

/** What one call of arv-tool printed. */
export interface ToolOutput {
  stdout: string;
  stderr: string;
}

export interface ToolLimits {
  signal: AbortSignal;
  /** Longest time of the process, milliseconds. */
  timeoutMs: number;
  /** Most bytes that it may print; default 256 KiB. */
  maxBytes?: number;
}

/**
 * Runs arv-tool once and resolves with what it printed. Its exit code says nothing: it is 0 for every failure
 * (PROTOCOLS §6.1). Throws `E_ARAVIS_MISSING`, `E_DEVICE_TIMEOUT`, `E_DEVICE_ERROR` (operational) or the signal's reason.
 */
export type RunTool = (args: readonly string[], limits: ToolLimits) => Promise<ToolOutput>;

export interface ToolCommand {
  /** Program; looked for in PATH where it holds no slash. */
  command: string;
  /** Arguments in front of those of each call. */
  args?: readonly string[];
}

/** What Debian's package installs (PROTOCOLS §6). */
export const aravisTool: ToolCommand = { command: 'arv-tool-0.8' };

/** How long it takes until somebody looks again whether Aravis is there, milliseconds. */
export const LOOK_AGAIN_MS = 60_000;

const MOST_BYTES = 256 * 1024;

const missing = (command: string, cause: unknown): AlarmflowError =>
  operationalError(
    'E_ARAVIS_MISSING',
    `"${command}" is not installed on this machine: run "sudo apt install aravis-tools-cli"; alarmflow looks again every minute`,
    { cause, retryAfterMs: LOOK_AGAIN_MS },
  );

/**
 * Runs the program as a process of its own, never through a shell. It gets no more of this process's environment than
 * PATH, and is killed with all that it started when it lasts too long, prints too much, or the signal aborts.
 */
export function createToolRunner(clock: Clock, { command, args: first = [] }: ToolCommand = aravisTool): RunTool {
  return (args, { signal, timeoutMs, maxBytes = MOST_BYTES }) =>
    new Promise<ToolOutput>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const child = spawn(command, [...first, ...args], {
        // A group of its own: killed with whatever it started.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        // The decimal point must be a point.
        env: { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
      });
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let size = 0;
      let failure: unknown = null;

      const kill = (reason: unknown): void => {
        failure ??= reason;
        if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It ended by itself in the same moment; `close` follows.
        }
        // A grandchild that left the group could hold the pipes open.
        child.stdout.destroy();
        child.stderr.destroy();
      };
      const timer = clock.after(timeoutMs, () =>
        kill(operationalError('E_DEVICE_TIMEOUT', `${command} had no answer from the camera within ${timeoutMs} ms`)),
      );
      const abort = (): void => kill(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const collect =
        (into: Buffer[]) =>
        (chunk: Buffer): void => {
          size += chunk.length;
          if (size <= maxBytes) into.push(chunk);
          else
            kill(operationalError('E_DEVICE_ERROR', `${command} printed more than ${maxBytes} bytes and was stopped`));
        };
      child.stdout.on('data', collect(out));
      child.stderr.on('data', collect(err));

      const done = (settle: () => void): void => {
        timer.cancel();
        signal.removeEventListener('abort', abort);
        settle();
      };
      child.on('error', (error: NodeJS.ErrnoException) =>
        done(() =>
          reject(error.code === 'ENOENT' || error.code === 'EACCES' ? missing(command, error) : failed(error)),
        ),
      );
      const failed = (cause: unknown): AlarmflowError =>
        operationalError('E_DEVICE_ERROR', `${command} could not be run: ${String(cause)}`, { cause });
      child.on('close', (_code, by) =>
        done(() => {
          if (failure !== null) return reject(failure);
          if (by !== null) return reject(failed(`ended by ${by}`));
          resolve({ stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') });
        }),
      );
    });
}
