/** A throw-away SNMP trap receiver from the machine's Debian packages, on a free UDP port, that decodes with our MIB. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeUdpPort } from './free-port';

export { freeUdpPort };

const SNMPTRAPD = '/usr/sbin/snmptrapd';
const MIBS = join(__dirname, '../../resources');

/** Why no receiver can be started here, or null. */
export function snmptrapdMissing(): string | null {
  return existsSync(SNMPTRAPD) ? null : 'snmptrapd is not installed (Debian package "snmptrapd")';
}

/** Ours, and those that it imports: they are not free and so not in Debian's packages, but net-snmp's has them. */
export const mibFolders = [MIBS, join(__dirname, '../../node_modules/net-snmp/lib/mibs')].join(':');

export interface TrapReceiver {
  port: number;
  /** What has arrived so far, as the receiver prints it. */
  printed(): string;
  /** Resolves to all that is printed once it matches. */
  until(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

/** @param users lines `createUser …` and `authUser …` of snmptrapd.conf; the community `alarm` is always let in */
export async function startSnmptrapd(users: string[] = []): Promise<TrapReceiver> {
  const folder = mkdtempSync(join(tmpdir(), 'alarmflow-snmptrapd-'));
  const config = join(folder, 'snmptrapd.conf');
  writeFileSync(config, ['authCommunity log alarm', ...users, ''].join('\n'));
  const port = await freeUdpPort();
  const server = spawn(
    SNMPTRAPD,
    [
      '-f',
      '-n',
      '-Lo',
      '-C',
      '-c',
      config,
      '-F',
      'v1=%N %w %q %a %v\\n',
      '-x',
      `tcp:127.0.0.1:0`,
      `udp:127.0.0.1:${port}`,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        MIBDIRS: mibFolders,
        MIBS: 'ALARMFLOW-MIB',
        SNMP_PERSISTENT_DIR: folder,
        SNMPCONFPATH: folder,
      },
    },
  );
  let said = '';
  let listeners: (() => void)[] = [];
  const hear = (chunk: Buffer): void => {
    said += chunk.toString();
    for (const listener of listeners) listener();
  };
  server.stdout.on('data', hear);
  server.stderr.on('data', hear);
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const atExit = (): void => {
    server.kill('SIGKILL');
  };
  process.once('exit', atExit);
  const until = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`nothing matches ${pattern} in:\n${said}`)), 30_000);
      const look = (): void => {
        if (!pattern.test(said)) return;
        clearTimeout(limit);
        listeners = listeners.filter((one) => one !== look);
        resolve(said);
      };
      listeners.push(look);
      look();
    });
  await until(/NET-SNMP version/);
  return {
    port,
    printed: () => said,
    until,
    async stop() {
      if (server.exitCode === null && server.signalCode === null) server.kill('SIGTERM');
      await ended;
      process.removeListener('exit', atExit);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
