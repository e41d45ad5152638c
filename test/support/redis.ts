import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port';

export { freePort };

export interface RedisOptions {
  /** Port to listen on; a free one when left out. */
  port?: number;
  /** Keep an append-only file; the default is to keep nothing. */
  aof?: boolean;
  /** Wake-ups per second of the server; 100 when left out. */
  hz?: number;
  /** Redis' own default is `noeviction`. */
  maxmemoryPolicy?: string;
  password?: string;
}

export interface StartedRedis {
  url: string;
  port: number;
  /** Ends the server at once and removes its folder. */
  stop(): Promise<void>;
}

/** Why a Redis server cannot be started here, or null when it can. */
export function redisMissing(): string | null {
  const found = spawnSync('redis-server', ['--version'], { stdio: 'ignore' });
  return found.error ? 'redis-server is not installed (Debian package redis-server)' : null;
}

/** Whether tests that need Redis are to be skipped, said plainly; with ALARMFLOW_REQUIRE_ALL=1 they run and fail. */
export function skipWithoutRedis(): boolean {
  const missing = redisMissing();
  if (missing === null || process.env.ALARMFLOW_REQUIRE_ALL === '1') return false;
  console.warn(`skipped: ${missing}`);
  return true;
}

/** Starts a throw-away redis-server on 127.0.0.1. */
export async function startRedis(options: RedisOptions = {}): Promise<StartedRedis> {
  const missing = redisMissing();
  if (missing !== null) throw new Error(missing);
  const port = options.port ?? (await freePort());
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-redis-'));
  const flags: Record<string, string> = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: options.aof ? 'yes' : 'no',
    hz: String(options.hz ?? 100),
    'maxmemory-policy': options.maxmemoryPolicy ?? 'noeviction',
    ...(options.password ? { requirepass: options.password } : {}),
  };
  const child = spawn(
    'redis-server',
    Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  // A test run that dies must not leave the server behind.
  const end = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', end);
  await ready(child);
  const login = options.password ? `:${options.password}@` : '';
  return {
    url: `redis://${login}127.0.0.1:${port}`,
    port,
    async stop() {
      process.removeListener('exit', end);
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      if (!output.includes('Ready to accept connections')) return;
      // Read on and forget, or the server would block on a full pipe.
      child.stdout?.removeListener('data', read).resume();
      child.stderr?.resume();
      child.removeListener('exit', died);
      resolve();
    };
    const died = (): void => reject(new Error(`redis-server ended at its start:\n${output}`));
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    child.once('exit', died);
  });
}
