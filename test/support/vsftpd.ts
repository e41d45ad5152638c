/** A throw-away vsftpd, from the machine's Debian package, on a free port. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port';
import type { Certificate } from './smtp-certificate';

const VSFTPD = '/usr/sbin/vsftpd';
/** An account that every Debian has, with a home directory that is there. */
const ACCOUNT = { name: 'daemon', id: 1 };

/** Why no FTP server can be started here, or null. */
export function vsftpdMissing(): string | null {
  if (!existsSync(VSFTPD)) return 'vsftpd is not installed (Debian package "vsftpd")';
  // Its logins without system accounts need a change of root directory.
  return process.getuid?.() === 0 ? null : 'vsftpd needs root to let somebody in without an account of the system';
}

export interface FtpService {
  port: number;
  /** The only user and password that it lets in; without `password` in the options anybody is. */
  user: string;
  /** What clients see as `/`; only `uploads` in it may be written. */
  folder: string;
  /** `uploads` as this machine sees it. */
  uploads: string;
  stop(): Promise<void>;
}

export interface FtpServiceOptions {
  port?: number;
  /** Asked of the user `ftp`; absent: nothing is asked. */
  password?: string;
  certificate?: Certificate;
  /** The connection begins with TLS. */
  implicit?: boolean;
  /** Folder that clients are to see as `/`, e.g. a small disk; it outlives the server. */
  root?: string;
  /** Further lines of its configuration. */
  lines?: string[];
}

const greets = (port: number, silent: boolean): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const over = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    // With implicit TLS the client speaks first.
    socket.once(silent ? 'connect' : 'data', over(true));
    socket.once('error', over(false));
    // It may be gone again before it has greeted.
    socket.once('close', over(false));
  });

/** The processes that a process has begun, and theirs: vsftpd makes two of each session. */
function childrenOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)))
    try {
      // Behind the name, which may have blanks and brackets: state, then parent.
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended meanwhile.
    }
  const below = (of: number): number[] =>
    [...parents].flatMap(([child, parent]) => (parent === of ? [child, ...below(child)] : []));
  return below(pid);
}

export async function startVsftpd(options: FtpServiceOptions = {}): Promise<FtpService> {
  const folder = mkdtempSync(join(tmpdir(), 'alarmflow-vsftpd-'));
  const root = options.root ?? join(folder, 'root');
  const empty = join(folder, 'empty');
  const uploads = join(root, 'uploads');
  for (const place of [uploads, empty]) mkdirSync(place, { recursive: true });
  // Its root must not be one that its clients may write.
  for (const place of [folder, root]) chmodSync(place, 0o755);
  chownSync(uploads, ACCOUNT.id, ACCOUNT.id);
  const port = options.port ?? (await freePort());
  const yes = (name: string, value = true): string => `${name}=${value ? 'YES' : 'NO'}`;
  const lines = [
    ...['background', 'local_enable', 'xferlog_enable', 'seccomp_sandbox', 'port_enable'].map((name) =>
      yes(name, false),
    ),
    ...['listen', 'anonymous_enable', 'write_enable', 'anon_upload_enable', 'anon_mkdir_write_enable'].map((name) =>
      yes(name),
    ),
    ...['anon_other_write_enable', 'allow_writeable_chroot', 'pasv_enable'].map((name) => yes(name)),
    yes('anon_world_readable_only', false),
    'anon_umask=022',
    `ftp_username=${ACCOUNT.name}`,
    'nopriv_user=nobody',
    'listen_address=127.0.0.1',
    `listen_port=${port}`,
    `anon_root=${root}`,
    `secure_chroot_dir=${empty}`,
    ...(options.lines ?? []),
  ];
  if (options.password !== undefined) {
    writeFileSync(join(folder, 'passwords'), `${options.password}\n`);
    lines.push(yes('secure_email_list_enable'), `email_password_file=${join(folder, 'passwords')}`);
  }
  if (options.certificate) {
    writeFileSync(join(folder, 'server.pem'), `${options.certificate.key}\n${options.certificate.cert}`);
    lines.push(
      ...['ssl_enable', 'allow_anon_ssl', 'force_anon_logins_ssl', 'force_anon_data_ssl', 'require_ssl_reuse'].map(
        (name) => yes(name),
      ),
      yes('implicit_ssl', options.implicit === true),
      'ssl_ciphers=HIGH',
      `rsa_cert_file=${join(folder, 'server.pem')}`,
      `rsa_private_key_file=${join(folder, 'server.pem')}`,
    );
  }
  writeFileSync(join(folder, 'config'), `${lines.join('\n')}\n`);
  const server = spawn(VSFTPD, [join(folder, 'config')], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000);
    });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const kill = (): void => {
    // Once it has ended, its number may be that of another process.
    if (server.exitCode !== null || server.signalCode !== null) return;
    for (const pid of server.pid === undefined ? [] : [server.pid, ...childrenOf(server.pid)])
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
  };
  process.once('exit', kill);
  for (let attempt = 0; !(await greets(port, options.implicit === true)); attempt++) {
    if (attempt > 600 || server.exitCode !== null) throw new Error(`vsftpd did not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    port,
    user: 'ftp',
    folder: root,
    uploads,
    async stop() {
      kill();
      await ended;
      process.removeListener('exit', kill);
      // A session may be just dying.
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}
