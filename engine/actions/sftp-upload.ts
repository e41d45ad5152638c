/** The action `sftp-upload` (REQUIREMENTS L5): the alarm's pictures as files on an SFTP server. */
import { systemClock } from '../clock/system-clock';
import type { ActionHandler, ActionResult } from '../domain/actions';
import { asAlarmflowError, userError } from '../domain/errors';
import type { FileServer } from '../domain/file-server';
import { isAskedFor } from './fields';
import { withHeldBack } from './held-back';
import { collectPictures, type PictureParts } from './pictures';
import { joinPath, sftpLimits, withSftp } from './sftp';
import { readSftpUploadParams } from './upload-params';
import { uploadPath } from './upload-path';

export interface SftpUploadParts extends PictureParts {
  fileServer(id: string): FileServer | undefined;
  siteName: string;
}

const pictureLimits = { purpose: 'an upload', mostPictures: 10, mostBytes: 64 * 1024 * 1024 };
/** A person waits for the answer. */
const TEST_LIMIT_MS = 30_000;

export function sftpUploadHandler(parts: SftpUploadParts): ActionHandler {
  return {
    kind: 'sftp-upload',
    heavy: false,
    // Pictures are evidence: worth a day of tries.
    defaultDeadlineMs: 24 * 60 * 60_000,
    // The deadline decides.
    attempts: 1_500,
    check(params) {
      readSftpUploadParams(params);
    },
    async execute({ row, signal }): Promise<ActionResult> {
      const params = readSftpUploadParams(row.params);
      if (!isAskedFor(params.phases, row))
        return { status: 'skipped', summary: `No upload is asked for at the phase "${row.phase}"` };
      const server = parts.fileServer(params.serverId);
      if (!server)
        throw userError(
          'E_UNKNOWN_FILE_SERVER',
          `Upload node "${row.nodeName || row.nodeId}" names a file server that is gone: choose one in its dialog`,
        );
      const { pictures, missing } = await collectPictures(parts, row, { ...params, ...pictureLimits }, signal);
      if (pictures.length === 0) return { status: 'skipped', summary: `There is no picture to upload: ${missing}` };
      const { directories, name } = uploadPath(params.path, row, parts.siteName);
      const directory = directories.reduce(joinPath, server.root);
      const files = pictures.map(({ filename, content }, at) => ({
        name: `${name}${at === 0 ? '' : `-${at + 1}`}${filename.slice(filename.lastIndexOf('.'))}`,
        content,
      }));
      const written = await withSftp(server, parts.clock, signal, sftpLimits.wholeMs, async (connection) => {
        await connection.ensureDirectory(directory);
        let fresh = 0;
        for (const file of files) if (await connection.writeWhole(directory, file.name, file.content)) fresh++;
        return fresh;
      });
      return {
        status: 'done',
        summary: withHeldBack(summaryOf(server, joinPath(directory, files[0]!.name), files.length, written), row),
      };
    },
  };
}

function summaryOf(server: FileServer, first: string, files: number, written: number): string {
  const count = `${files} picture${files === 1 ? '' : 's'}`;
  const more = files === 1 ? '' : ` and ${files - 1} more`;
  const before = written === files ? '' : `; ${files - written} of them had arrived at an earlier try`;
  return `${count} on ${server.host}:${server.port} as ${first}${more}${before}`;
}

/**
 * Logs in, writes a small file and removes it, and says what happened, for the test button of the file server's
 * dialog; the fingerprint of the host key is told in any case. Never rejects.
 */
export async function testFileServer(
  server: FileServer,
  options: { clock?: typeof systemClock } = {},
): Promise<{ ok: boolean; detail: string }> {
  try {
    return await withSftp(
      server,
      options.clock ?? systemClock,
      new AbortController().signal,
      TEST_LIMIT_MS,
      async (connection) => {
        await connection.ensureDirectory(server.root);
        await connection.probe(server.root);
        const where = server.root === '' ? 'where the login leads' : `in ${server.root}`;
        return {
          ok: true,
          detail: `${server.host}:${server.port} (host key ${connection.fingerprint}) took a test file ${where}; it has been removed again`,
        };
      },
    );
  } catch (error) {
    return { ok: false, detail: asAlarmflowError(error).message };
  }
}
