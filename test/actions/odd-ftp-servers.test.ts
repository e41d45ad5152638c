/** FTP servers that lack what others have: lists of another kind, no SIZE, no REST, no EPSV; and names that are hard to have. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { withFtp } from '../../engine/actions/ftp';
import { joinPath, uploadPath } from '../../engine/actions/upload-path';
import { type Uploaded, uploadFile } from '../../engine/actions/upload-transfer';
import { systemClock } from '../../engine/clock/system-clock';
import type { FtpServer } from '../../engine/domain/file-server';
import { type RudeFtp, startRudeFtp } from '../support/rude-ftp';
import { anAlarm, aRow } from './action-bench';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, at) => at % 251));
const file = {
  name: 'hall-1.jpg',
  size: bytes.length,
  digest: createHash('sha256').update(bytes).digest('hex'),
  read: (from: number) => Readable.from([bytes.subarray(from)]),
};
const half = `.${file.name}.${file.digest.slice(0, 8)}.part`;

async function ftp(options: Parameters<typeof startRudeFtp>[1]): Promise<{ folder: string; rude: RudeFtp }> {
  const folder = mkdtempSync(join(tmpdir(), 'alarmflow-ftp-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  const rude = await startRudeFtp(folder, options);
  closers.push(() => rude.close());
  return { folder, rude };
}

function upload({ port }: RudeFtp, directory = ''): Promise<Uploaded> {
  const server: FtpServer = {
    id: 'nas',
    name: 'NAS',
    protocol: 'ftp',
    host: '127.0.0.1',
    port,
    root: '',
    authority: '',
    certificate: '',
    dataHost: 'same',
    credentials: null,
  };
  return withFtp(server, systemClock, new AbortController().signal, 10_000, async (target) => {
    if (directory !== '') await target.ensureDirectory(directory);
    return uploadFile(server, target, directory, file);
  });
}

const refusing =
  (...verbs: string[]) =>
  (_line: string, verb: string): string | null =>
    verbs.includes(verb) ? '502 not here' : null;

describe('a file comes whole, once, to a server', () => {
  it.each([
    ['without SIZE, with a list as IIS writes it', { answer: refusing('SIZE'), listing: 'windows' }],
    [
      'without SIZE, with a list as Unix writes it, which hides the half file',
      { answer: refusing('SIZE'), listing: 'unix' },
    ],
    ['without SIZE and with an empty list', { answer: refusing('SIZE'), listing: 'none' }],
    ['without EPSV', { answer: refusing('EPSV') }],
    ['without PASV', { answer: refusing('PASV') }],
    [
      'that refuses options of LIST',
      { answer: (line: string) => (/^SIZE|^LIST -/.test(line) ? '501 no' : null), listing: 'windows' },
    ],
    ['without OPTS and FEAT', { answer: refusing('OPTS', 'FEAT') }],
    ['that tells the address of somebody else for files', { answer: refusing('EPSV'), told: '203.0.113.9' }],
  ] as [string, Parameters<typeof startRudeFtp>[1]][])('%s', async (_what, options) => {
    const { folder, rude } = await ftp(options);
    expect(await upload(rude)).toMatchObject({ name: file.name });
    await upload(rude);
    expect(readdirSync(folder)).toEqual([file.name]);
    expect(readFileSync(join(folder, file.name)).equals(bytes)).toBe(true);
  });

  it('without REST, anew where an earlier try has left a half file', async () => {
    const { folder, rude } = await ftp({ answer: refusing('REST') });
    writeFileSync(join(folder, half), bytes.subarray(0, 2_000));
    await upload(rude);
    expect(readFileSync(join(folder, file.name)).equals(bytes)).toBe(true);
    expect(readdirSync(folder)).toEqual([file.name]);
  });

  it.each([
    ['that lets nothing be continued', 'APPE'],
    ['that lets nothing be written over', 'STOR'],
  ])('%s, which refuses what an earlier try has left', async (_what, verb) => {
    let there = (_name: string): boolean => false;
    const { folder, rude } = await ftp({
      answer: (line, asked) => (asked === verb && there(line.slice(5)) ? '451 Not permitted, try again' : null),
    });
    there = (name) => readdirSync(folder).includes(name);
    // Of another file there is nothing to go on with.
    writeFileSync(join(folder, half), verb === 'APPE' ? bytes.subarray(0, 2_000) : Buffer.alloc(2_000, 1));
    expect(await upload(rude)).toMatchObject({ name: file.name, resumed: 0 });
    expect(readFileSync(join(folder, file.name)).equals(bytes)).toBe(true);
    expect(readdirSync(folder)).toEqual([file.name]);
  });
});

describe('names that people give devices', () => {
  it.each([
    ['Tür Süd / Ärger', 'Tür Süd _ Ärger'],
    ['../../etc/passwd', '___.._etc_passwd'],
    ['Halle\u0301 2', 'Hallé 2'],
    [`CON`, '_CON'],
    ['Lager\r\nDELE x', 'Lager DELE x'],
    ['a'.repeat(250), 'a'.repeat(120)],
  ])('%j is one directory and nothing else', async (deviceName, expected) => {
    const { folder, rude } = await ftp({});
    const row = aRow('upload', {}, { alarm: { ...anAlarm({ deviceName }), phase: 'raise' } });
    const { directories } = uploadPath('{{alarm.deviceName}}/x', row, 'Site');
    await upload(rude, directories.join('/'));
    expect(readdirSync(folder)).toEqual([expected]);
    expect(readdirSync(join(folder, expected))).toEqual([file.name]);
    expect(rude.heard.some((line) => line.startsWith('DELE'))).toBe(false);
    expect(joinPath('a', 'b')).toBe('a/b');
  });
});
