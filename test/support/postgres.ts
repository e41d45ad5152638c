/** A throw-away PostgreSQL server from the machine's Debian packages, on a free port, in a temporary folder. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port';

const run = promisify(execFile);

const binFolder = (): string | undefined =>
  globSync('/usr/lib/postgresql/*/bin')
    .filter((folder) => existsSync(join(folder, 'initdb')))
    .sort()
    .at(-1);

/** Why no PostgreSQL can be started here, or null. */
export function postgresMissing(): string | null {
  return binFolder() ? null : 'PostgreSQL is not installed (Debian package "postgresql")';
}

/** PostgreSQL refuses to run as root: then the package's own user runs it. */
function serverUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })));
  return { uid: uid!, gid: gid! };
}

export interface PostgresServer {
  url: string;
  /** Kills the server as a crash would; `stop` still has to be called. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server; resolves when it answers. `stop` ends it and removes its folder. */
export async function startPostgres(): Promise<PostgresServer> {
  const missing = postgresMissing();
  if (missing) throw new Error(missing);
  const bin = binFolder()!;
  const user = serverUser();
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-postgres-'));
  if (user) await chown(folder, user.uid, user.gid);
  const as = { ...(user ?? {}), cwd: folder, env: { ...process.env, LC_ALL: 'C.UTF-8' } };
  const data = join(folder, 'data');
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'alarmflow', '-A', 'trust', '-E', 'UTF8', '--no-sync'], as);
  const port = await freePort();
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-c', 'fsync=off', '-c', 'max_connections=200'],
    { ...as, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000);
  });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) server.kill(signal);
    await ended;
  };
  // A test run that dies must not leave a server behind.
  const atExit = (): void => {
    server.kill('SIGKILL');
  };
  process.once('exit', atExit);
  for (let attempt = 0; ; attempt++) {
    try {
      await run(join(bin, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port), '-q'], as);
      break;
    } catch (thrown) {
      if (attempt > 300 || server.exitCode !== null) {
        throw new Error(`PostgreSQL did not start: ${said}`, { cause: thrown });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return {
    url: `postgres://alarmflow@127.0.0.1:${port}/postgres`,
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGINT');
      process.removeListener('exit', atExit);
      if ((await readdir(folder).catch(() => null)) !== null) await rm(folder, { recursive: true, force: true });
    },
  };
}
