import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import ssh2, { type AuthContext } from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testFileServer } from '../../engine/actions';
import { uploadPath } from '../../engine/actions/upload-path';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionRow } from '../../engine/domain/actions';
import type { SftpServer } from '../../engine/domain/file-server';
import { serverTest } from '../support/server-test';
import { mountSmallDisk } from '../support/small-disk';
import { makeKey, type SshServer, sshdMissing, startSshd } from '../support/sshd';
import { temporaryFolder } from '../support/temporary-folder';
import { testUploads } from '../support/upload-spool';
import { ActionBench, anAlarm, aRow } from './action-bench';

const PASSWORD = 'never told';
const noFolders = { uploadFolders: [] };

const aFileServer = (port: number, fields: Partial<SftpServer> = {}): SftpServer => ({
  id: 'nas',
  protocol: 'sftp',
  name: 'Archive',
  host: '127.0.0.1',
  port,
  root: '',
  hostKey: '',
  credentials: { user: 'alarm', password: PASSWORD, privateKey: null, passphrase: null },
  ...fields,
});

const over = (server: SshServer, fields: Partial<SftpServer> = {}): SftpServer =>
  aFileServer(server.port, {
    root: server.folder,
    hostKey: server.fingerprint,
    credentials: { user: server.user, password: null, privateKey: server.privateKey, passphrase: null },
    ...fields,
  });

const anUpload = (params: Record<string, unknown> = {}) => ({
  serverId: 'nas',
  phases: ['raise'],
  path: 'pictures/{{alarm.deviceName}}/{{alarm.type}}',
  snapshotDeviceId: null,
  snapshotChannel: null,
  ...params,
});

const anUploadRow = (fields: Partial<ActionRow> = {}, params = {}): ActionRow =>
  aRow('sftp-upload', anUpload(params), { alarm: { ...anAlarm(), phase: 'raise' }, deviceId: 'cam', ...fields });

async function bench(fileServer: SftpServer | undefined): Promise<ActionBench> {
  const made = new ActionBench(systemClock, (await testUploads()).uploads);
  made.fileServer = fileServer;
  return made;
}

/** Name of the file that a row makes, without its folder. */
const nameOf = (row: ActionRow, ending = '.jpg'): string =>
  `${uploadPath(String(row.params.path), row, 'Depot').name}${ending}`;

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

describe('an upload to OpenSSH', () => {
  let server: SshServer;
  beforeAll(async () => {
    if (!sshdMissing()) server = await startSshd();
  });
  const disk = sshdMissing() ? 'there is no server' : mountSmallDisk(1);
  afterAll(async () => {
    await server?.stop();
    if (typeof disk !== 'string') disk.remove();
  });

  /** A folder of the test's own on the server. */
  let count = 0;
  const own = (): SftpServer => over(server, { root: join(server.folder, `test-${++count}`) });

  serverTest('writes the snapshot of the camera into directories that it makes', sshdMissing, async () => {
    const target = own();
    const row = anUploadRow();
    const made = await bench(target);
    const result = await made.run(row);
    expect(made.cameras.get('cam')!.asked).toEqual(['snapshot 2']);
    const path = `pictures/Hall camera/${nameOf(row)}`;
    expect(filesBelow(target.root)).toEqual([path]);
    expect(readFileSync(join(target.root, path)).subarray(0, 2).toString('hex')).toBe('ffd8');
    expect(result).toEqual({
      status: 'done',
      summary: `1 picture on 127.0.0.1:${server.port} as ${target.root}/${path}`,
    });
  });

  serverTest('writes all pictures of the event, each with its number', sshdMissing, async () => {
    const target = own();
    const made = await bench(target);
    made.kept.push({ contentType: 'image/jpeg', bytes: Buffer.from('one') });
    made.kept.push({ contentType: 'image/png', bytes: Buffer.alloc(300_000, 7) });
    made.eventPictures = async () => [
      { mediaId: 'media-1', contentType: 'image/jpeg', size: 3 },
      { mediaId: 'media-2', contentType: 'image/png', size: 300_000 },
    ];
    const row = anUploadRow({}, { path: 'x' });
    await made.run(row);
    expect(made.cameras.get('cam')!.asked).toEqual([]);
    expect(filesBelow(target.root)).toEqual([nameOf(row, '-2.png'), nameOf(row)].sort());
    expect(readFileSync(join(target.root, nameOf(row, '-2.png'))).equals(made.kept[1]!.bytes)).toBe(true);
  });

  serverTest('makes one file of two tries', sshdMissing, async () => {
    const target = own();
    await (await bench(target)).run(anUploadRow());
    const again = await (await bench(target)).run(anUploadRow({ attempts: 1, status: 'retrying' }));
    expect(again).toMatchObject({ status: 'done', summary: expect.stringContaining('arrived at an earlier try') });
    expect(filesBelow(target.root)).toHaveLength(1);
  });

  serverTest('restarts what an earlier try has left half done', sshdMissing, async () => {
    const target = own();
    const row = anUploadRow({}, { path: 'x' });
    mkdirSync(target.root);
    const made = await bench(target);
    const { bytes } = await made.cameras.get('cam')!.picture(new AbortController().signal);
    const digest = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(target.root, `.${nameOf(row)}.${digest.slice(0, 8)}.part`), Buffer.alloc(5));
    await made.run(row);
    expect(filesBelow(target.root)).toEqual([nameOf(row)]);
    expect(readFileSync(join(target.root, nameOf(row))).length).toBe(13);
  });

  serverTest('never writes over a file that is there', sshdMissing, async () => {
    const target = own();
    const row = anUploadRow({}, { path: 'x' });
    mkdirSync(target.root);
    writeFileSync(join(target.root, nameOf(row)), 'of somebody else');
    await (await bench(target)).run(row);
    expect(readFileSync(join(target.root, nameOf(row)), 'utf8')).toBe('of somebody else');
  });

  serverTest('of two alarms at once under one name makes two files', sshdMissing, async () => {
    const target = own();
    const made = await bench(target);
    await Promise.all(['a', 'b', 'c', 'd'].map((key) => made.run(anUploadRow({ key }, { path: 'deep/er/same' }))));
    expect(filesBelow(target.root)).toHaveLength(4);
  });

  serverTest('goes nowhere while no host key is pinned, and shows the one it found', sshdMissing, async () => {
    const target = { ...own(), hostKey: '' };
    await expect((await bench(target)).run(anUploadRow())).rejects.toMatchObject({
      code: 'E_UPLOAD_HOST_KEY',
      family: 'user',
      message: expect.stringContaining(server.fingerprint),
    });
    expect(existsSync(target.root)).toBe(false);
  });

  serverTest('goes nowhere when another host key is pinned', sshdMissing, async () => {
    const hostKey = `SHA256:${'A'.repeat(43)}`;
    const sent = (await bench({ ...own(), hostKey })).run(anUploadRow());
    await expect(sent).rejects.toMatchObject({
      code: 'E_UPLOAD_HOST_KEY',
      message: expect.stringMatching(new RegExp(`${server.fingerprint.replace(/[+]/g, '\\+')}.*${hostKey}`)),
    });
  });

  serverTest('with a key that the server does not know is for people', sshdMissing, async () => {
    const privateKey = makeKey(join(await temporaryFolder(), 'other'));
    const credentials = { user: server.user, password: null, privateKey, passphrase: null };
    await expect((await bench({ ...own(), credentials })).run(anUploadRow())).rejects.toMatchObject({
      code: 'E_UPLOAD_LOGIN_REFUSED',
      family: 'user',
    });
  });

  serverTest('with a key that cannot be read is for people, and says no secret', sshdMissing, async () => {
    const privateKey = makeKey(join(await temporaryFolder(), 'locked'), 'right phrase');
    const credentials = { user: server.user, password: null, privateKey, passphrase: 'wrong phrase' };
    const error = await (await bench({ ...own(), credentials })).run(anUploadRow()).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'E_UPLOAD_KEY', family: 'user' });
    expect((error as Error).message).not.toContain('wrong phrase');
  });

  serverTest('where a file stands in the place of a directory is for people', sshdMissing, async () => {
    const target = own();
    mkdirSync(target.root);
    writeFileSync(join(target.root, 'pictures'), '');
    await expect((await bench(target)).run(anUploadRow())).rejects.toMatchObject({
      code: 'E_UPLOAD_PATH',
      family: 'user',
    });
  });

  serverTest('without the right to write is for people', sshdMissing, async () => {
    const other = await startSshd({ readOnly: true });
    try {
      await expect((await bench(over(other))).run(anUploadRow())).rejects.toMatchObject({
        code: 'E_UPLOAD_PERMISSION',
        family: 'user',
      });
    } finally {
      await other.stop();
    }
  });

  serverTest('to a server that comes back is made by the next try', sshdMissing, async () => {
    const other = await startSshd();
    const { port } = other;
    await other.stop();
    const made = await bench(over(other));
    await expect(made.run(anUploadRow())).rejects.toMatchObject({
      code: 'E_UPLOAD_UNREACHABLE',
      family: 'operational',
    });
    const back = await startSshd({ port });
    try {
      made.fileServer = over(back);
      // As the console's button asks for it; the queue itself waits a second.
      expect((await made.run(anUploadRow({ attempts: 2 }))).status).toBe('done');
    } finally {
      await back.stop();
    }
  });

  serverTest(
    'to a full disk is tried again and leaves no half file',
    () => sshdMissing() ?? (typeof disk === 'string' ? disk : null),
    async () => {
      if (typeof disk === 'string') return;
      const made = await bench(over(server, { root: disk.folder }));
      made.cameras.get('cam')!.picture = async () => ({ contentType: 'image/jpeg', bytes: Buffer.alloc(3_000_000) });
      await expect(made.run(anUploadRow({}, { path: 'x' }))).rejects.toMatchObject({
        code: 'E_UPLOAD_NO_SPACE',
        family: 'operational',
      });
      expect(readdirSync(disk.folder)).toEqual([]);
    },
  );

  describe('by the test button', () => {
    serverTest('writes a file, removes it and shows the host key', sshdMissing, async () => {
      const target = own();
      expect(await testFileServer(target, noFolders)).toEqual({
        ok: true,
        detail: expect.stringContaining(`host key ${server.fingerprint}`),
      });
      expect(readdirSync(target.root)).toEqual([]);
    });

    serverTest('shows the host key that is to be pinned, before there is a login', sshdMissing, async () => {
      expect(await testFileServer({ ...own(), hostKey: '', credentials: null }, noFolders)).toEqual({
        ok: false,
        detail: expect.stringContaining(server.fingerprint),
      });
    });
  });
});

describe('a server that misbehaves', () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  /** An SSH server that decides on logins and offers no SFTP. */
  async function doorkeeper(decide: (context: AuthContext) => void): Promise<SftpServer> {
    const { private: hostKey } = ssh2.utils.generateKeyPairSync('ed25519');
    const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
      connection.on('authentication', decide).on('error', () => undefined);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    open.push({ close: () => new Promise((done) => server.close(done)) });
    const target = aFileServer(server.address().port);
    const told = (await testFileServer(target, noFolders)).detail;
    return { ...target, hostKey: /SHA256:[A-Za-z0-9+/]{43}/.exec(told)![0] };
  }

  async function raw(onConnection: (socket: Socket) => void): Promise<SftpServer> {
    const sockets: Socket[] = [];
    const server: Server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    open.push({
      async close() {
        for (const socket of sockets) socket.destroy();
        await new Promise<void>((done) => server.close(() => done()));
      },
    });
    const address = server.address();
    return aFileServer(typeof address === 'object' && address ? address.port : 0);
  }

  it('is given the password only in a login', async () => {
    const heard: (string | undefined)[] = [];
    const target = await doorkeeper((context) => {
      heard.push(context.password);
      if (context.method === 'password' && context.password === PASSWORD) context.accept();
      else context.reject(['password']);
    });
    await expect((await bench(target)).run(anUploadRow())).rejects.toMatchObject({
      code: 'E_UPLOAD_NO_SFTP',
      family: 'user',
    });
    expect(heard).toEqual([PASSWORD]);
  });

  it('may ask for the password as a question', async () => {
    const target = await doorkeeper((context) => {
      if (context.method === 'keyboard-interactive')
        context.prompt([{ prompt: 'Password: ', echo: false }], (answers) =>
          answers[0] === PASSWORD ? context.accept() : context.reject(),
        );
      else context.reject(['keyboard-interactive']);
    });
    await expect((await bench(target)).run(anUploadRow())).rejects.toMatchObject({ code: 'E_UPLOAD_NO_SFTP' });
  });

  it('refuses the login: for people, without the password', async () => {
    const target = await doorkeeper((context) => context.reject(['password']));
    const error = await (await bench(target)).run(anUploadRow()).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'E_UPLOAD_LOGIN_REFUSED', family: 'user' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(PASSWORD);
  });

  it.each([
    ['closes at once', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
    ['speaks no SSH', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['sends noise after its greeting', (socket: Socket) => socket.write(`SSH-2.0-x\r\n${'\xff'.repeat(500)}`)],
  ] as const)('%s: tried again', async (_what, act) => {
    const target = await raw(act);
    await expect((await bench(target)).run(anUploadRow())).rejects.toMatchObject({
      code: 'E_UPLOAD_UNREACHABLE',
      family: 'operational',
    });
  });

  it('says nothing: the try ends with its signal', { timeout: 10_000 }, async () => {
    const target = await raw(() => undefined);
    const abort = new AbortController();
    const sent = (await bench(target)).run(anUploadRow(), abort.signal);
    systemClock.after(50, () => abort.abort(new Error('stop now')));
    await expect(sent).rejects.toThrow('stop now');
  });
});

describe('an upload', () => {
  it('without any picture is skipped, with the reason', async () => {
    const made = await bench(aFileServer(1));
    made.cameras.get('cam')!.picture = async () => {
      throw new Error('lens cap');
    };
    const result = await made.run(anUploadRow());
    expect(result).toMatchObject({ status: 'skipped', summary: expect.stringContaining('lens cap') });
  });

  it('is skipped at a phase that is not asked for', async () => {
    const result = await (await bench(aFileServer(1))).run(anUploadRow({}, { phases: ['clear'] }));
    expect(result.status).toBe('skipped');
  });

  it('without its server is for people', async () => {
    const sent = (await bench(undefined)).run(anUploadRow());
    await expect(sent).rejects.toMatchObject({ code: 'E_UNKNOWN_FILE_SERVER', family: 'user' });
  });

  it('without a login is for people', async () => {
    const hostKey = `SHA256:${'A'.repeat(43)}`;
    const sent = (await bench(aFileServer(1, { credentials: null, hostKey }))).run(anUploadRow());
    await expect(sent).rejects.toMatchObject({ code: 'E_UPLOAD_NO_LOGIN', family: 'user' });
  });

  it.each([
    [{ serverId: '' }, 'serverId'],
    [{ path: 5 }, 'path'],
    [{ path: 'a/'.repeat(40) }, 'path'],
    [{ phases: ['dawn'] }, 'phases'],
    [{ snapshotDeviceId: 7 }, 'snapshotDeviceId'],
    [{ snapshotChannel: 0 }, 'snapshotChannel'],
  ])('refuses the parameters %j', (params, field) => {
    expect(() => new ActionBench().handler('sftp-upload').check(anUpload(params))).toThrow(`"${field}"`);
  });
});
