/**
 * One file onto a server: under a temporary name until it is whole, continued where an earlier try broke off, compared
 * by size, then renamed; never over a file of somebody else.
 */
import type { Readable } from 'node:stream';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../domain/errors';
import type { FileServer } from '../domain/file-server';
import { noSpace, notWritten, serverName } from './upload-errors';
import { joinPath } from './upload-path';
import type { UploadSource, UploadTarget } from './upload-target';

/** So much of the end of a broken transfer is read back before it is continued. */
const COMPARED_BYTES = 64 * 1024;
/** Names that are tried where somebody else's file has the first. */
const MOST_NAMES = 9;

export interface UploadFile extends UploadSource {
  /** The name that it shall have, with its ending. */
  name: string;
  /** SHA-256 of its bytes, hexadecimal: a half file of the same is continued, no other one. */
  digest: string;
}

export interface Uploaded {
  name: string;
  /** false: it was there already, from an earlier try. */
  fresh: boolean;
  /** Bytes that an earlier try had left and that were not sent again. */
  resumed: number;
}

/** `picture.jpg` → `picture (2).jpg`. */
function numbered(name: string, number: number): string {
  if (number === 1) return name;
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? `${name} (${number})` : `${name.slice(0, dot)} (${number})${name.slice(dot)}`;
}

/** The first name that nobody has, or that has this file already. */
async function freeName(
  server: FileServer,
  target: UploadTarget,
  directory: string,
  file: UploadFile,
  from: number,
): Promise<{ name: string; number: number; there: boolean }> {
  for (let number = from; number <= MOST_NAMES; number++) {
    const name = numbered(file.name, number);
    const size = await target.sizeOf(joinPath(directory, name));
    if (size === null) return { name, number, there: false };
    if (size === file.size && (await isOurs(target, joinPath(directory, name), file, size)))
      return { name, number, there: true };
  }
  throw notWritten(server, `"${file.name}" and ${MOST_NAMES - 1} further names are taken by other files`);
}

/** Whether the last bytes before `size` are those of the file; where they cannot be read, the size must do. */
async function isOurs(target: UploadTarget, path: string, file: UploadFile, size: number): Promise<boolean> {
  const length = Math.min(size, COMPARED_BYTES);
  const there = length === 0 ? Buffer.alloc(0) : await target.readBack(path, size - length, length);
  return there === null || there.equals(await bytesOf(file.read(size - length), length));
}

/** The first bytes of a stream, which is closed then. */
async function bytesOf(stream: Readable, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let had = 0;
  for await (const chunk of stream) {
    parts.push(chunk as Buffer);
    had += (chunk as Buffer).length;
    if (had >= length) break;
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** From where on the file has to be sent: behind what an earlier try has left, if that is surely part of it. */
async function resumeAt(target: UploadTarget, temporary: string, file: UploadFile): Promise<number> {
  const left = await target.sizeOf(temporary);
  if (left === null || left === 0 || left > file.size) return 0;
  const length = Math.min(left, COMPARED_BYTES);
  const there = await target.readBack(temporary, left - length, length);
  if (there === null || !there.equals(await bytesOf(file.read(left - length), length))) return 0;
  return left;
}

async function removeLeftover(target: UploadTarget, path: string): Promise<void> {
  try {
    await target.remove(path);
  } catch {
    // It may never have come into being; if it has, the next try takes it up, as its name is the same.
  }
}

/** Why a write failed: a disk that is full says so more plainly than most servers. */
async function reasonOf(
  server: FileServer,
  target: UploadTarget,
  directory: string,
  missing: number,
  thrown: unknown,
): Promise<AlarmflowError> {
  const error = asAlarmflowError(thrown);
  if (error.code !== 'E_UPLOAD_FAILED') return error;
  try {
    const space = await target.spaceIn(directory);
    if (space !== null && space < missing) return noSpace(server, missing);
  } catch {
    // Without an answer the original failure is told as it came.
  }
  return error;
}

async function sendWhole(
  server: FileServer,
  target: UploadTarget,
  directory: string,
  temporary: string,
  file: UploadFile,
): Promise<number> {
  let from = await resumeAt(target, temporary, file);
  try {
    if (from < file.size || file.size === 0) from = await target.write(temporary, file, from);
    const kept = await target.sizeOf(temporary);
    if (kept === file.size) return from;
    await removeLeftover(target, temporary);
    throw operationalError(
      'E_UPLOAD_FAILED',
      `${serverName(server)} kept ${kept ?? 0} of ${file.size} bytes; it is tried again`,
    );
  } catch (thrown) {
    const reason = await reasonOf(server, target, directory, file.size - from, thrown);
    // What fills a disk must not stay on it.
    if (reason.code === 'E_UPLOAD_NO_SPACE') await removeLeftover(target, temporary);
    throw reason;
  }
}

/** Makes the file whole in the directory, which must be there. Safe to be done twice. */
export async function uploadFile(
  server: FileServer,
  target: UploadTarget,
  directory: string,
  file: UploadFile,
): Promise<Uploaded> {
  let free = await freeName(server, target, directory, file, 1);
  if (free.there) return { name: free.name, fresh: false, resumed: 0 };
  const temporary = joinPath(directory, `.${file.name}.${file.digest.slice(0, 8)}.part`);
  const resumed = await sendWhole(server, target, directory, temporary, file);
  for (let turn = 0; turn < MOST_NAMES; turn++) {
    if (await target.rename(temporary, joinPath(directory, free.name)))
      return { name: free.name, fresh: true, resumed };
    free = await freeName(server, target, directory, file, free.number);
    if (!free.there) continue;
    await removeLeftover(target, temporary);
    return { name: free.name, fresh: false, resumed: 0 };
  }
  throw notWritten(server, `the whole file could not be given its name "${file.name}"`);
}
