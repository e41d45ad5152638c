/** The test button of the file server's dialog. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { systemClock } from '../clock/system-clock';
import { asAlarmflowError } from '../domain/errors';
import type { FileServer } from '../domain/file-server';
import { oneLine } from './template';
import { placeOf } from './upload-errors';
import { joinPath } from './upload-path';
import { withTarget } from './upload-servers';
import { uploadFile } from './upload-transfer';

/** A person waits for the answer. */
const TEST_LIMIT_MS = 30_000;
const bytes = Buffer.from('alarmflow test\n');

/**
 * Logs in, makes the directory, writes a small file, removes it and says what happened; what the server shows of itself
 * (host key, certificate) is told in any case. Never rejects.
 */
export async function testFileServer(
  server: FileServer,
  options: { clock?: typeof systemClock; uploadFolders: readonly string[] },
): Promise<{ ok: boolean; detail: string }> {
  const clock = options.clock ?? systemClock;
  const parts = { clock, uploadFolders: options.uploadFolders };
  const did: string[] = [];
  try {
    return await withTarget(server, parts, new AbortController().signal, TEST_LIMIT_MS, async (target) => {
      const login = loginOf(server);
      did.push(`${placeOf(server)}${target.identity === '' ? '' : ` (${target.identity})`}${login}`);
      await target.ensureDirectory(server.root);
      const where = server.root === '' ? 'where the login leads' : `in ${server.root}`;
      did.push('the directory is there');
      const name = `alarmflow-test-${clock.now().toString(36)}.txt`;
      const digest = createHash('sha256').update(bytes).digest('hex');
      const file = { name, size: bytes.length, digest, read: (from: number) => Readable.from([bytes.subarray(from)]) };
      const sent = await uploadFile(server, target, server.root, file);
      did.push(`a test file was written ${where}, given its name and compared`);
      await target.remove(joinPath(server.root, sent.name));
      return { ok: true, detail: `${did.join('; ')}; it has been removed again` };
    });
  } catch (thrown) {
    // Nobody tries a test again by itself.
    const message = asAlarmflowError(thrown).message.replace('; it is tried again', '');
    const reached = did.length === 0 ? '' : ` It had come so far: ${did.join('; ')}.`;
    return { ok: false, detail: `${message}.${reached}`.replaceAll('..', '.').trim() };
  }
}

function loginOf(server: FileServer): string {
  if (server.protocol === 'folder') return ': the folder is allowed and there';
  const user = server.credentials === null ? 'anonymously' : `as "${oneLine(server.credentials.user)}"`;
  const open = server.protocol === 'ftp' ? ', without encryption' : '';
  return `: logged in ${user}${open}`;
}
