/** A throw-away OpenSSH server with SFTP, from the machine's Debian package, on a free port, for the current user. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port';

const SSHD = '/usr/sbin/sshd';

/** Why no SSH server can be started here, or null. */
export function sshdMissing(): string | null {
  return existsSync(SSHD) ? null : 'OpenSSH is not installed (Debian package "openssh-server")';
}

export interface SshServer {
  port: number;
  user: string;
  /** A private key that the server lets in. */
  privateKey: string;
  /** Fingerprint of its host key as ssh-keygen tells it. */
  fingerprint: string;
  /** Folder for the uploads. */
  folder: string;
  stop(): Promise<void>;
}

/** Makes a key with ssh-keygen. */
export function makeKey(file: string, passphrase = ''): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', file]);
  return readFileSync(file, 'utf8');
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
    // It may be gone again before it has greeted.
    socket.once('close', () => resolve(false));
  });

/** @param options.readOnly every write is refused for want of permission */
export async function startSshd(options: { readOnly?: boolean; port?: number } = {}): Promise<SshServer> {
  const folder = mkdtempSync(join(tmpdir(), 'alarmflow-sshd-'));
  const uploads = join(folder, 'uploads');
  mkdirSync(uploads);
  makeKey(join(folder, 'host'));
  const privateKey = makeKey(join(folder, 'login'));
  const port = options.port ?? (await freePort());
  // Run by root, sshd wants this folder, which the package makes only when its service starts.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  writeFileSync(
    join(folder, 'config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'login.pub')}`,
      `PidFile ${join(folder, 'pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      `Subsystem sftp internal-sftp${options.readOnly ? ' -R' : ''}`,
    ].join('\n'),
  );
  const server = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000);
  });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  // A test run that dies must not leave a server behind.
  const atExit = (): void => {
    server.kill('SIGKILL');
  };
  process.once('exit', atExit);
  for (let attempt = 0; !(await answers(port)); attempt++) {
    if (attempt > 600 || server.exitCode !== null) throw new Error(`sshd did not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const told = execFileSync('ssh-keygen', ['-lf', join(folder, 'host.pub')], { encoding: 'utf8' });
  return {
    port,
    user: userInfo().username,
    privateKey,
    fingerprint: told.split(' ')[1]!,
    folder: uploads,
    async stop() {
      if (server.exitCode === null && server.signalCode === null) server.kill('SIGTERM');
      await ended;
      process.removeListener('exit', atExit);
      // Sessions outlive the server for a moment.
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}
