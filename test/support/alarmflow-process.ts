/** Runs the built command line as a process of its own, so that tests can kill it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Tests and measurements run from the project's root. */
const root = process.cwd();
/** The launcher, as `npm start` runs it: with the flags of a small box. */
export const cliMain = join(root, 'bin', 'alarmflow.cjs');

export interface AlarmflowProcess {
  child: ChildProcess;
  url: string;
  /** Everything printed so far. */
  output(): string;
  api<T>(path: string, init?: { method?: string; body?: unknown }): Promise<T>;
  /** Where a device of the flow may push. */
  ingestUrl(deviceId: string): Promise<string>;
  kill(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface StartOptions {
  args: string[];
  dataDir: string;
  env?: Record<string, string>;
  timeoutMs?: number;
}

/** Starts `alarmflow <args>` and resolves when its health says that the flows run. */
export async function startAlarmflow(options: StartOptions): Promise<AlarmflowProcess> {
  if (!existsSync(cliMain)) throw new Error('dist/ is missing: run "npm run build" first');
  const child = spawn(process.execPath, [cliMain, ...options.args, '--data', options.dataDir], {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream! }).on('line', (line) => lines.push(line));
  const output = (): string => lines.join('\n');
  // Not "exit": what it said last is read only when its outputs are closed.
  let exited = false;
  child.once('close', () => {
    exited = true;
  });

  const limit = performance.now() + (options.timeoutMs ?? 180_000);
  let base: string | null = null;
  while (base === null) {
    if (exited) throw new Error(`alarmflow stopped by itself (exit ${child.exitCode}):\n${output()}`);
    if (performance.now() > limit) {
      child.kill('SIGKILL');
      throw new Error(`alarmflow did not become healthy:\n${output()}`);
    }
    const url = await urlOf(options.dataDir, child.pid!);
    if (url && (await healthy(url))) base = url;
    else await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const where = base;
  const running: AlarmflowProcess = {
    child,
    url: where,
    output,
    async api<T>(path: string, init: { method?: string; body?: unknown } = {}): Promise<T> {
      const token = (await readFile(join(options.dataDir, 'cli-token'), 'utf8')).trim();
      const response = await fetch(new URL(path, where), {
        method: init.method ?? 'GET',
        headers: {
          authorization: `Bearer ${token}`,
          ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
    async ingestUrl(deviceId) {
      const { path } = await running.api<{ path: string }>(`/api/v1/devices/${deviceId}/ingest`);
      return new URL(path, where).href;
    },
    async kill(signal = 'SIGKILL') {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
      return child.exitCode;
    },
  };
  return running;
}

/** The address that the process of this pid has written into the lock of its data folder. */
async function urlOf(dataDir: string, pid: number): Promise<string | null> {
  try {
    const lock = JSON.parse(await readFile(join(dataDir, 'alarmflow.lock'), 'utf8')) as {
      pid: number;
      url?: string | null;
    };
    return lock.pid === pid ? (lock.url ?? null) : null;
  } catch {
    // Not written yet, or just being written.
    return null;
  }
}

async function healthy(url: string): Promise<boolean> {
  try {
    return (await fetch(new URL('/healthz', url))).ok;
  } catch {
    // Not listening yet.
    return false;
  }
}

/** Resolves with the first truthy answer; fails with the reason after the limit. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T> | T,
  limitMs = 30_000,
): Promise<NonNullable<T>> {
  const limit = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value as NonNullable<T>;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > limit) throw new Error(`waited ${limitMs} ms for ${what}; last: ${String(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
