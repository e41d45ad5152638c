/** A throw-away MQTT broker from the machine's Debian package, on a free port, in a folder of its own. */
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from './free-port';
import { temporaryFolder } from './temporary-folder';

const MOSQUITTO = '/usr/sbin/mosquitto';

/** Why no broker can be started here, or null. */
export function mosquittoMissing(): string | null {
  return existsSync(MOSQUITTO) ? null : 'mosquitto is not installed (Debian package "mosquitto")';
}

export interface Mosquitto {
  port: number;
  /** Stops it as a crash does, or in order; on the same port it can be started again. */
  stop(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  start(): Promise<void>;
  /** Suspends the process: connections stay open and nothing is answered. */
  freeze(frozen: boolean): void;
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** @param login `user:password` lines as mosquitto_passwd makes them; absent: anybody may connect */
export async function startMosquitto(login?: string): Promise<Mosquitto> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const config = join(folder, 'mosquitto.conf');
  const passwords = join(folder, 'passwords');
  if (login) writeFileSync(passwords, `${login}\n`, { mode: 0o600 });
  const lines = [
    `listener ${port} 127.0.0.1`,
    ...(login ? ['allow_anonymous false', `password_file ${passwords}`] : ['allow_anonymous true']),
    'persistence false',
    'log_dest none',
    // Started by root, it would otherwise become a user that may not read its own folder.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  let broker: ReturnType<typeof spawn> | null = null;
  let ended: Promise<void> = Promise.resolve();
  const atExit = (): void => {
    broker?.kill('SIGKILL');
  };
  process.once('exit', atExit);

  async function start(): Promise<void> {
    const mine = spawn(MOSQUITTO, ['-c', config], { stdio: 'ignore' });
    broker = mine;
    ended = new Promise((resolve) => mine.once('exit', () => resolve()));
    for (let tries = 0; !(await listens(port)); tries++) {
      if (tries > 1_200 || mine.exitCode !== null) throw new Error(`mosquitto does not listen on port ${port}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  await start();
  return {
    port,
    start,
    async stop(signal = 'SIGTERM') {
      broker?.kill('SIGCONT');
      broker?.kill(signal);
      await ended;
      process.removeListener('exit', atExit);
    },
    freeze: (frozen) => void broker?.kill(frozen ? 'SIGSTOP' : 'SIGCONT'),
  };
}
