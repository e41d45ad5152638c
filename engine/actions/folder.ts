/**
 * A folder of this machine or a mounted NAS. Nothing is written outside the folders that the site allows, nor where the
 * NAS should be and is not: its files would fill the disk below the place where it is mounted.
 */
import { constants } from 'node:fs';
import { link, lstat, mkdir, open, realpath, rename, stat, statfs, unlink } from 'node:fs/promises';
import { dirname, isAbsolute, resolve, sep } from 'node:path';
import { AlarmflowError, asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { FolderServer } from '../domain/file-server';
import { limited } from './time-limit';
import { answerOf, isFile, noSpace, notPermitted, notReached, notWritten, serverName } from './upload-errors';
import { joinPath } from './upload-path';
import type { TargetParts, UploadTarget } from './upload-target';

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';

const gone = (thrown: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(thrown));

/** File systems that have no second names for files (FAT, many network shares). */
const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'];

function folderError(server: FolderServer, thrown: unknown): AlarmflowError {
  if (thrown instanceof AlarmflowError) return thrown;
  const code = codeOf(thrown);
  if (code === '') return asAlarmflowError(thrown);
  const said = answerOf(server, (thrown as Error).message);
  const facts = { systemCode: code };
  if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace(server, null, facts);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return notPermitted(server, said, facts);
  if (code === 'ENOTDIR') return isFile(server, server.root);
  if (code === 'ENAMETOOLONG' || code === 'EINVAL' || code === 'ELOOP')
    return userError('E_UPLOAD_PATH', `${serverName(server)} does not take this path: ${said}. Choose another one`, {
      facts,
    });
  if (['EIO', 'ESTALE', 'EHOSTDOWN', 'ENOTCONN', 'ETIMEDOUT', 'ENXIO', 'ENODEV'].includes(code))
    return notReached(server, said, facts);
  return notWritten(server, said, facts);
}

const isBelow = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);

/** Where a path leads once all links are followed; what is not there yet counts as it is written. */
async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (thrown) {
    const above = dirname(path);
    if (!gone(thrown) || above === path) throw thrown;
    return joinPath(await realOf(above), path.slice(above.endsWith(sep) ? above.length : above.length + 1));
  }
}

/** @throws E_UPLOAD_FOLDER (user) */
async function allowedRoot(server: FolderServer, folders: readonly string[]): Promise<string> {
  const root = resolve(server.root);
  const remedy =
    folders.length === 0
      ? 'this site allows none: name one in its configuration ("uploadFolders", --upload-folders)'
      : `this site allows ${folders.join(', ')} (configuration "uploadFolders")`;
  if (!isAbsolute(server.root) || server.root.includes('\0'))
    throw userError('E_UPLOAD_FOLDER', `${serverName(server)} is no absolute path: ${remedy}`);
  const real = await realOf(root);
  for (const folder of folders) if (isBelow(real, await realOf(resolve(folder)))) return real;
  throw userError('E_UPLOAD_FOLDER', `${serverName(server)} is not below a folder for uploads: ${remedy}`);
}

/** The folder at which something is mounted that holds the path; `/` where nothing else is. */
async function mountOf(path: string): Promise<string> {
  let at = path;
  for (;;) {
    const above = dirname(at);
    if (above === at) return at;
    try {
      if ((await stat(at)).dev !== (await stat(above)).dev) return at;
    } catch (thrown) {
      // What is not there yet is where the folder above it is.
      if (!gone(thrown)) throw thrown;
    }
    at = above;
  }
}

/** @throws E_UPLOAD_NOT_MOUNTED (operational) */
async function checkPresence(server: FolderServer, root: string, folders: readonly string[]): Promise<void> {
  if (server.presence === 'marker') {
    try {
      await lstat(joinPath(root, server.marker));
      return;
    } catch (thrown) {
      if (!gone(thrown)) throw thrown;
      throw operationalError(
        'E_UPLOAD_NOT_MOUNTED',
        `${serverName(server)} lacks its marker file "${server.marker}", so what should be mounted there is away and nothing was written: mount it, or make the file once ("touch ${joinPath(root, server.marker)}"); it is tried again`,
      );
    }
  }
  if (server.presence === 'mount') {
    const mount = await mountOf(root);
    const allowed = await Promise.all(folders.map((folder) => realOf(resolve(folder))));
    if (mount !== '/' && allowed.some((folder) => isBelow(mount, folder))) return;
    throw operationalError(
      'E_UPLOAD_NOT_MOUNTED',
      `${serverName(server)} has nothing mounted at it or between it and the allowed folder, so nothing was written: mount the NAS, or choose another way to tell that it is there in the dialog; it is tried again`,
    );
  }
}

/** Folders whose file system has not answered within the limit of a try; each call would hold one more thread. */
const hanging = new Set<string>();

/**
 * Checks that the folder is allowed and there, and works in it. Throws E_UPLOAD_FOLDER, E_UPLOAD_PERMISSION,
 * E_UPLOAD_PATH (user), E_UPLOAD_NOT_MOUNTED, E_UPLOAD_NO_SPACE, E_UPLOAD_UNREACHABLE, E_UPLOAD_FAILED, E_TOO_SLOW
 * (operational); when the signal aborts, its reason.
 */
export async function withFolder<T>(
  server: FolderServer,
  parts: TargetParts,
  signal: AbortSignal,
  wholeMs: number,
  work: (target: UploadTarget) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  if (hanging.has(server.root))
    throw notReached(server, 'its file system has not answered an earlier try yet, as a NAS that is away does');
  let working = false;
  try {
    return await limited(parts.clock, signal, wholeMs, `${serverName(server)} did not finish`, async (stop) => {
      working = true;
      try {
        const root = await allowedRoot(server, parts.uploadFolders);
        await checkPresence(server, root, parts.uploadFolders);
        return await work(targetIn(server, root, stop));
      } finally {
        working = false;
        hanging.delete(server.root);
      }
    });
  } catch (thrown) {
    if (working) hanging.add(server.root);
    signal.throwIfAborted();
    throw folderError(server, thrown);
  }
}

function targetIn(server: FolderServer, root: string, signal: AbortSignal): UploadTarget {
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (thrown) {
      throw signal.aborted ? signal.reason : folderError(server, thrown);
    }
  };
  /** Callers join paths to the root as it was entered. */
  const placed = (path: string): string => {
    const inside = path.startsWith(server.root) ? path.slice(server.root.length).replace(/^\/+/, '') : path;
    return inside === '' ? root : joinPath(root, inside);
  };

  return {
    identity: '',
    ensureDirectory: (path) =>
      told(async () => {
        const directory = placed(path);
        try {
          await mkdir(directory, { recursive: true });
        } catch (thrown) {
          if (['EEXIST', 'ENOTDIR'].includes(codeOf(thrown))) throw isFile(server, path);
          throw thrown;
        }
        // A link that somebody has laid in it must not lead out.
        if (!isBelow(await realpath(directory), root))
          throw userError(
            'E_UPLOAD_FOLDER',
            `${serverName(server)}: "${path}" leads out of the folder by a symbolic link: remove the link`,
          );
      }),
    sizeOf: (path) =>
      told(async () => {
        try {
          return (await lstat(placed(path))).size;
        } catch (thrown) {
          if (gone(thrown)) return null;
          throw thrown;
        }
      }),
    readBack: (path, from, length) =>
      told(async () => {
        let file: Awaited<ReturnType<typeof open>>;
        try {
          file = await open(placed(path), constants.O_RDONLY | constants.O_NOFOLLOW);
        } catch {
          // A folder that may be written and not read: nothing is compared then.
          return null;
        }
        try {
          const buffer = Buffer.alloc(length);
          const { bytesRead } = await file.read(buffer, 0, length, from);
          return buffer.subarray(0, bytesRead);
        } finally {
          await file.close();
        }
      }),
    write: (path, source, from) =>
      told(async () => {
        const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
        const flags = O_WRONLY | O_NOFOLLOW | (from === 0 ? O_CREAT | O_TRUNC : 0);
        const file = await open(placed(path), flags, 0o640);
        const stream = source.read(from);
        let position = from;
        try {
          for await (const chunk of stream) {
            signal.throwIfAborted();
            let rest = chunk as Buffer;
            while (rest.length > 0) {
              // A disk that is nearly full takes a part.
              const { bytesWritten } = await file.write(rest, 0, rest.length, position);
              position += bytesWritten;
              rest = rest.subarray(bytesWritten);
            }
          }
          await file.sync();
          return from;
        } finally {
          stream.destroy();
          await file.close();
        }
      }),
    rename: (from, to) =>
      told(async () => {
        try {
          // A second name is refused where it is taken; a rename would replace.
          await link(placed(from), placed(to));
        } catch (thrown) {
          if (codeOf(thrown) === 'EEXIST') return false;
          if (!noLinks.includes(codeOf(thrown))) throw thrown;
          await rename(placed(from), placed(to));
          return true;
        }
        await unlink(placed(from));
        return true;
      }),
    remove: (path) => told(() => unlink(placed(path))),
    async spaceIn(directory) {
      const { bavail, bsize } = await statfs(placed(directory));
      return bavail * bsize;
    },
  };
}
