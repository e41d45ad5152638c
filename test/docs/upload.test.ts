/** Runs the fault table of docs/actions/upload.md against real servers, disks, and a server that is rude on demand. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { ftpLimits } from '../../engine/actions/ftp';
import { sftpLimits } from '../../engine/actions/sftp';
import { uploadPath } from '../../engine/actions/upload-path';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { asAlarmflowError } from '../../engine/domain/errors';
import type { FileServer, FolderServer, FtpServer, SftpServer } from '../../engine/domain/file-server';
import { ActionBench, anAlarm, aRow } from '../actions/action-bench';
import { tablesIn } from '../support/doc-tables';
import { freePort } from '../support/free-port';
import { startRudeFtp } from '../support/rude-ftp';
import { serverTest } from '../support/server-test';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk';
import { anAuthority, selfSigned } from '../support/smtp-certificate';
import { makeKey, type SshServer, sshdMissing, startSshd } from '../support/sshd';
import { temporaryFolder } from '../support/temporary-folder';
import { testUploads } from '../support/upload-spool';
import { type FtpService, type FtpServiceOptions, startVsftpd, vsftpdMissing } from '../support/vsftpd';

const [table] = tablesIn(readFileSync(join(__dirname, '../../docs/actions/upload.md'), 'utf8'));
const PASSWORD = 'never told';
const usual = { ftp: { ...ftpLimits }, sftp: { ...sftpLimits } };

const opened: (() => unknown)[] = [];
afterEach(async () => {
  Object.assign(ftpLimits, usual.ftp);
  Object.assign(sftpLimits, usual.sftp);
  for (const close of opened.splice(0).reverse()) await close();
});

/** What a row of the table needs. */
interface Scene {
  /** The server as the flow has it while the fault is there; undefined: it has none. */
  broken: FileServer | undefined;
  /** Takes the fault away; resolves to the server as the flow has it then. */
  mend(): Promise<FileServer | undefined>;
  /** Where the files are in the end. */
  folder(): string;
  /** Another upload goes before the one that the row is about, or comes after it. */
  ahead?: true;
  after?: true;
}

/** What scenes may change before anything is uploaded. */
let uploads: NonNullable<Parameters<typeof testUploads>[0]>;
let periodOpen: boolean;
/** What the camera shows; null: it says nothing. */
let picture: Buffer | null;
beforeEach(() => {
  uploads = {};
  periodOpen = true;
  picture = randomBytes(1_000);
});

const aRowOf = (key: string, params: Record<string, unknown> = {}): ActionRow =>
  aRow(
    'upload',
    { serverId: 'nas', phases: ['raise'], path: 'x', snapshotDeviceId: null, snapshotChannel: null, ...params },
    { key, alarm: { ...anAlarm(), phase: 'raise' }, deadlineAt: systemClock.now() + 86_400_000 },
  );
const row = aRowOf('alarm-1:node-1:raise', { scheduleId: 'nights' });
const nameOf = (of: ActionRow): string => `${uploadPath('x', of, 'Depot').name}.jpg`;

const login = { user: 'ftp', password: PASSWORD };
const overFtp = (port: number, fields: Partial<FtpServer> = {}): FtpServer => ({
  id: 'nas',
  name: 'Archive',
  protocol: 'ftp',
  host: '127.0.0.1',
  port,
  root: 'uploads',
  authority: '',
  certificate: '',
  dataHost: 'same',
  credentials: login,
  ...fields,
});

const overSftp = (server: SshServer, fields: Partial<SftpServer> = {}): SftpServer => ({
  id: 'nas',
  name: 'Archive',
  protocol: 'sftp',
  host: '127.0.0.1',
  port: server.port,
  root: server.folder,
  hostKey: server.fingerprint,
  credentials: { user: server.user, password: null, privateKey: server.privateKey, passphrase: null },
  ...fields,
});

const inFolder = (root: string, fields: Partial<FolderServer> = {}): FolderServer => ({
  id: 'nas',
  name: 'Archive',
  protocol: 'folder',
  root,
  presence: 'none',
  marker: '.here',
  ...fields,
});

async function vsftpd(options: FtpServiceOptions = {}): Promise<FtpService> {
  const server = await startVsftpd({ password: PASSWORD, ...options });
  opened.push(() => server.stop());
  return server;
}

async function sshd(options: Parameters<typeof startSshd>[0] = {}): Promise<SshServer> {
  const server = await startSshd(options);
  opened.push(() => server.stop());
  return server;
}

async function rude(options: Parameters<typeof startRudeFtp>[1] = {}) {
  const folder = await temporaryFolder();
  mkdirSync(join(folder, 'uploads'));
  const server = await startRudeFtp(folder, options);
  opened.push(() => server.close());
  return { server, folder: () => join(folder, 'uploads') };
}

async function silentPort(): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  opened.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  return (server.address() as { port: number }).port;
}

/**
 * Passes everything on to a port until so many bytes have come from the client, then breaks off. What came before goes on,
 * and `over` resolves when the server has worked through it.
 */
async function cutter(port: number, bytes: number): Promise<{ port: number; over: Promise<void> }> {
  let ended = (): void => undefined;
  const over = new Promise<void>((done) => {
    ended = done;
  });
  const server: Server = createServer((client) => {
    const onward = connect(port, '127.0.0.1');
    let had = 0;
    for (const socket of [client, onward]) socket.on('error', () => undefined);
    onward.pipe(client);
    client.on('data', (chunk) => {
      had += chunk.length;
      onward.write(chunk);
      if (had > bytes) client.destroy();
    });
    // Nobody reads its answers any more; unread, they would keep it from coming to its end.
    client.on('close', () => onward.resume().end());
    onward.on('close', () => ended());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  opened.push(() => new Promise((done) => server.close(done)));
  return { port: (server.address() as { port: number }).port, over };
}

function smallDisk(): SmallDisk {
  const disk = mountSmallDisk(1);
  if (typeof disk === 'string') throw new Error(disk);
  opened.push(() => disk.remove());
  return disk;
}
/** So much of the small disk is taken while it is full. */
const fill = (folder: string): void => writeFileSync(join(folder, 'ballast'), Buffer.alloc(700_000));

/** A vsftpd that breaks with some of its options and works without. */
const wrongFtp =
  (broken: Partial<FtpServer>, options: FtpServiceOptions = {}, mended: Partial<FtpServer> = {}) =>
  async (): Promise<Scene> => {
    const server = await vsftpd(options);
    return {
      broken: overFtp(server.port, broken),
      mend: async () => overFtp(server.port, mended),
      folder: () => server.uploads,
    };
  };

/** A server that is rude until it is mended. */
const rudeFtp =
  (answer: (command: string, verb: string) => string | null, fields: Partial<FtpServer> = {}) =>
  async (): Promise<Scene> => {
    const { server, folder } = await rude({ answer });
    return {
      broken: overFtp(server.port, fields),
      async mend() {
        server.answer = () => null;
        return overFtp(server.port);
      },
      folder,
    };
  };

const wrongSftp = (broken: (server: SshServer) => Partial<SftpServer>) => async (): Promise<Scene> => {
  const server = await sshd();
  return {
    broken: overSftp(server, broken(server)),
    mend: async () => overSftp(server),
    folder: () => server.folder,
  };
};

async function ftpAway(): Promise<Scene> {
  const port = await freePort();
  let folder = '';
  return {
    broken: overFtp(port),
    async mend() {
      folder = (await vsftpd({ port })).uploads;
      return overFtp(port);
    },
    folder: () => folder,
  };
}

async function badCertificate(kind: 'self' | 'expired' | 'other-host' | 'pin'): Promise<Scene> {
  const own = selfSigned()!;
  const authority = kind === 'self' || kind === 'pin' ? null : anAuthority()!;
  const wrong =
    kind === 'expired'
      ? authority!.issue('127.0.0.1', -1)
      : kind === 'other-host'
        ? authority!.issue('nas.example', 2)
        : own;
  const server = await vsftpd({ certificate: wrong });
  const pinned = kind === 'pin' ? 'AB:'.repeat(31).concat('AB') : '';
  let folder = server.uploads;
  return {
    broken: overFtp(server.port, { protocol: 'ftps', authority: authority?.cert ?? '', certificate: pinned }),
    async mend() {
      const right = await vsftpd({ certificate: own });
      folder = right.uploads;
      return overFtp(right.port, { protocol: 'ftps', authority: own.cert });
    },
    folder: () => folder,
  };
}

const full = (make: (folder: string) => Promise<FileServer>) => async (): Promise<Scene> => {
  const { folder } = smallDisk();
  fill(folder);
  picture = randomBytes(500_000);
  const server = await make(folder);
  return {
    broken: server,
    async mend() {
      rmSync(join(folder, 'ballast'));
      return server;
    },
    folder: () => folder,
  };
};

/** Somebody else's file has the name. */
const taken = (scene: { broken: FileServer; folder(): string }): Scene => {
  writeFileSync(join(scene.folder(), nameOf(row)), 'of somebody else');
  return { ...scene, mend: async () => scene.broken };
};

async function folderScene(): Promise<{ broken: FolderServer; folder(): string }> {
  const base = await temporaryFolder();
  uploads.parts = { folders: [base] };
  const root = join(base, 'nas');
  mkdirSync(root);
  return { broken: inFolder(root), folder: () => root };
}

const scenes: Record<string, () => Promise<Scene>> = {
  'server away | ftp': ftpAway,
  'server away | sftp': async () => {
    const gone = await startSshd();
    await gone.stop();
    let folder = '';
    return {
      broken: overSftp(gone),
      async mend() {
        const back = await sshd({ port: gone.port });
        folder = back.folder;
        return overSftp(back);
      },
      folder: () => folder,
    };
  },
  'server away, second upload | ftp': async () => ({ ...(await ftpAway()), ahead: true }),
  'greeting that never comes | ftp': async () => {
    ftpLimits.silenceMs = 300;
    const port = await silentPort();
    const server = await vsftpd();
    return {
      broken: overFtp(port),
      async mend() {
        Object.assign(ftpLimits, usual.ftp);
        return overFtp(server.port);
      },
      folder: () => server.uploads,
    };
  },
  'greeting that never comes | sftp': async () => {
    sftpLimits.loginMs = 300;
    const port = await silentPort();
    const server = await sshd();
    return {
      broken: overSftp(server, { port }),
      async mend() {
        Object.assign(sftpLimits, usual.sftp);
        return overSftp(server);
      },
      folder: () => server.folder,
    };
  },
  'answer to a file that never comes | ftp': async () => {
    ftpLimits.silenceMs = 1_000;
    const scene = await rudeFtp((_command, verb) => (verb === 'STOR' ? '' : null))();
    return {
      ...scene,
      async mend() {
        Object.assign(ftpLimits, usual.ftp);
        return scene.mend();
      },
    };
  },
  'login refused | ftp': wrongFtp({ credentials: { user: 'ftp', password: 'wrong' } }),
  'login refused | sftp': async () => {
    const privateKey = makeKey(join(await temporaryFolder(), 'other'));
    return wrongSftp(({ user }) => ({ credentials: { user, password: null, privateKey, passphrase: null } }))();
  },
  'login refused, second upload | ftp': async () => ({
    ...(await wrongFtp({ credentials: { user: 'ftp', password: 'wrong' } })()),
    ahead: true,
  }),
  'nobody let in anonymously | ftp': wrongFtp({ credentials: null }),
  'too many users | ftp': rudeFtp((_command, verb) => (verb === '' ? '421 too many users, try later' : null)),
  'closes in the middle of a file | ftp': async () => {
    const root = await temporaryFolder();
    const place = join(root, 'uploads');
    // So slow that nobody on a busy machine misses its middle.
    const slow = await vsftpd({ root, lines: ['anon_max_rate=250000'] });
    picture = randomBytes(1_500_000);
    let stopping: Promise<void> | null = null;
    const watch = systemClock.every(20, () => {
      const half = readdirSync(place).find((name) => name.endsWith('.part'));
      if (stopping || half === undefined || statSync(join(place, half)).size < 200_000) return;
      stopping = slow.stop();
    });
    opened.push(() => watch.cancel());
    return {
      broken: overFtp(slow.port),
      async mend() {
        watch.cancel();
        await stopping;
        return overFtp((await vsftpd({ root })).port);
      },
      folder: () => place,
    };
  },
  'closes in the middle of a file | sftp': async () => {
    const server = await sshd();
    picture = randomBytes(4_000_000);
    const { port, over } = await cutter(server.port, 2_000_000);
    return {
      broken: overSftp(server, { port }),
      async mend() {
        await over;
        return overSftp(server);
      },
      folder: () => server.folder,
    };
  },
  'half file is not ours | ftp': async () => {
    const digest = createHash('sha256').update(picture!).digest('hex').slice(0, 8);
    const { server: kind, folder } = await rude();
    writeFileSync(join(folder(), `.${nameOf(row)}.${digest}.part`), Buffer.alloc(100, 7));
    return { broken: overFtp(kind.port), mend: async () => overFtp(kind.port), folder };
  },
  'disk full | ftp': full(async (folder) => overFtp((await vsftpd({ root: folder })).port)),
  'disk full | sftp': full(async (folder) => overSftp(await sshd(), { root: folder })),
  'disk full | folder': full(async (folder) => {
    uploads.parts = { folders: [folder] };
    return inFolder(folder);
  }),
  'quota used up (552) | ftp': rudeFtp((_command, verb) =>
    verb === 'STOR' ? '552 storage allocation exceeded' : null,
  ),
  'certificate of nobody | ftps': () => badCertificate('self'),
  'certificate expired | ftps': () => badCertificate('expired'),
  'certificate of another host | ftps': () => badCertificate('other-host'),
  'another certificate than the pinned one | ftps': () => badCertificate('pin'),
  'no TLS offered | ftps': wrongFtp({ protocol: 'ftps' }),
  'TLS wanted, none chosen | ftp': async () => {
    const certificate = selfSigned()!;
    return wrongFtp({}, { certificate }, { protocol: 'ftps', authority: certificate.cert })();
  },
  'host key changed | sftp': wrongSftp(() => ({ hostKey: `SHA256:${'A'.repeat(43)}` })),
  'no host key pinned | sftp': wrongSftp(() => ({ hostKey: '' })),
  'directory not writable | ftp': async () => {
    const server = await vsftpd();
    return {
      broken: overFtp(server.port, { root: '' }),
      mend: async () => overFtp(server.port),
      folder: () => server.uploads,
    };
  },
  'directory not writable | sftp': async () => {
    const closed = await sshd({ readOnly: true });
    const server = await sshd();
    return { broken: overSftp(closed), mend: async () => overSftp(server), folder: () => server.folder };
  },
  'no passive port open | ftp': rudeFtp((_command, verb) =>
    verb === 'EPSV' ? '229 (|||1|)' : verb === 'PASV' ? '227 (127,0,0,1,0,1)' : null,
  ),
  'inner address told behind NAT | ftp': async () => {
    const { server, folder } = await rude({
      told: '10.9.8.7',
      answer: (_command, verb) => (verb === 'EPSV' ? '500 what?' : null),
    });
    return { broken: overFtp(server.port), mend: async () => overFtp(server.port), folder };
  },
  'name taken by another file | ftp': async () => {
    const server = await vsftpd();
    return taken({ broken: overFtp(server.port), folder: () => server.uploads });
  },
  'name taken by another file | sftp': async () => {
    const server = await sshd();
    return taken({ broken: overSftp(server), folder: () => server.folder });
  },
  'name taken by another file | folder': async () => taken(await folderScene()),
  'NAS not mounted | folder': async () => {
    const scene = await folderScene();
    const { folder } = smallDisk();
    uploads.parts = { folders: [dirname(scene.folder()), folder] };
    return {
      ...scene,
      broken: inFolder(scene.folder(), { presence: 'mount' }),
      mend: async () => inFolder(join(folder, 'alarms'), { presence: 'mount' }),
      folder: () => join(folder, 'alarms'),
    };
  },
  'marker file missing | folder': async () => {
    const scene = await folderScene();
    const server = inFolder(scene.folder(), { presence: 'marker' });
    return {
      ...scene,
      broken: server,
      async mend() {
        writeFileSync(join(scene.folder(), '.here'), '');
        return server;
      },
    };
  },
  'folder not allowed | folder': async () => {
    const scene = await folderScene();
    return {
      ...scene,
      broken: inFolder(await temporaryFolder()),
      mend: async () => inFolder(scene.folder()),
    };
  },
  'way out of the folder by a link | folder': async () => {
    const scene = await folderScene();
    const link = join(scene.folder(), '..', 'link');
    symlinkSync(await temporaryFolder(), link);
    return { ...scene, broken: inFolder(link), mend: async () => scene.broken };
  },
  'outside the upload periods | ftp': async () => {
    periodOpen = false;
    const server = await vsftpd();
    return {
      broken: overFtp(server.port),
      async mend() {
        periodOpen = true;
        return overFtp(server.port);
      },
      folder: () => server.uploads,
    };
  },
  'dropped from a full queue | ftp': async () => {
    uploads.mostBytes = 20_000;
    picture = randomBytes(15_000);
    return { ...(await ftpAway()), after: true };
  },
  'camera silent | ftp': async () => {
    const server = await vsftpd();
    picture = null;
    return { broken: overFtp(server.port), mend: async () => overFtp(server.port), folder: () => server.uploads };
  },
  'file server deleted from the flow | ftp': async () => {
    const server = await vsftpd();
    return { broken: undefined, mend: async () => overFtp(server.port), folder: () => server.uploads };
  },
};

/** Names of the files below a folder, but for what a fault has put there. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'ballast' && entry.name !== '.here')
    .map((entry) => join(entry.parentPath, entry.name));

const needs = (name: string): string | null => {
  const protocol = name.split(' | ')[1]!;
  if (protocol === 'sftp') return sshdMissing();
  const mounts = name.startsWith('disk full') || name.startsWith('NAS');
  if (mounts && process.getuid?.() !== 0) return 'mounting a disk needs root';
  return protocol === 'folder' ? null : vsftpdMissing();
};

describe('the fault table of uploads', () => {
  const rows = table!.rows.map(([fault, protocol, ...rest]) => [`${fault} | ${protocol}`, rest] as const);

  serverTest(
    'has a scene for each row',
    () => null,
    async () => {
      expect(rows.map(([name]) => name)).toEqual(Object.keys(scenes));
    },
  );

  for (const [name, [code, again, journal, then, files]] of rows)
    serverTest(
      name,
      () => needs(name),
      async () => {
        const scene = await scenes[name]!();
        const { parts } = uploads;
        const site = await testUploads({
          ...uploads,
          parts: {
            ...parts,
            period: (_id, at) => ({ armed: periodOpen, to: at + 60_000, detail: 'schedule "Nights"' }),
          },
        });
        opened.push(() => site.uploads.spool.close());
        // The second upload is to come while the server is left alone, which is for a second after the first.
        const clock = scene.ahead ? { ...systemClock, monotonic: () => 0 } : systemClock;
        const bench = new ActionBench(clock, site.uploads);
        bench.cameras.get('cam')!.picture = async () => {
          if (picture === null) throw new Error('lens cap');
          return { contentType: 'image/jpeg', bytes: picture };
        };
        const other = aRowOf('alarm-2:node-1:raise');
        const run = async (
          of: ActionRow,
        ): Promise<{ code: string; again: string; journal: string; status: string }> => {
          try {
            const { status, summary } = await bench.run(of);
            return { code: '–', again: 'no', journal: summary, status };
          } catch (thrown) {
            const error = asAlarmflowError(thrown);
            expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(PASSWORD);
            const status = error.family === 'operational' ? 'retrying' : 'failed';
            return { code: error.code, again: status === 'retrying' ? 'yes' : 'no', journal: error.message, status };
          }
        };

        bench.fileServer = scene.broken;
        if (scene.ahead) await run(other);
        let first = await run(row);
        if (scene.after) {
          await run(other);
          first = await run(row);
        }
        expect(first).toMatchObject({ code, again });
        expect(first.journal.toLowerCase()).toContain(journal!.toLowerCase());

        bench.fileServer = await scene.mend();
        // As the console's button asks for it: the queue itself would wait.
        const later = await run({ ...row, attempts: 2 });

        expect(later).toMatchObject({ status: then!.replace(', resumed', '') });
        if (then!.endsWith('resumed')) expect(later.journal).toMatch(/\d+ bytes had been left by an earlier try/);
        if (scene.ahead) expect((await run({ ...other, attempts: 2 })).status).toBe('done');

        const found = filesIn(scene.folder());
        expect(found).toHaveLength(Number(files));
        const ours = found.filter((file) => readFileSync(file, 'utf8') !== 'of somebody else');
        for (const file of ours) expect(readFileSync(file).equals(picture!)).toBe(true);
        // Once more changes nothing, also when the site has forgotten that it is done.
        const forgetful = new ActionBench(systemClock, { ...(await testUploads({ parts: site.uploads })).uploads });
        forgetful.fileServer = bench.fileServer;
        forgetful.cameras.get('cam')!.picture = bench.cameras.get('cam')!.picture;
        await forgetful.run({ ...row, attempts: 2 });
        expect(filesIn(scene.folder())).toHaveLength(Number(files));
      },
    );
});
