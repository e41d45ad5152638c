/** What every protocol can do with files, so that one procedure serves them all. */
import type { Readable } from 'node:stream';
import type { Clock } from '../clock/clock';

/** What is to be written; it reads the same however often. */
export interface UploadSource {
  /** In bytes. */
  size: number;
  /** Its bytes from an offset on. */
  read(from: number): Readable;
}

/** A place that files can be written to. Paths are as `joinPath` makes them from the server's root. */
export interface UploadTarget {
  /** What the server has shown of itself for people ("host key SHA256:…"); empty: it has nothing of that kind. */
  identity: string;
  /** Makes the directory and those above it where they are missing. */
  ensureDirectory(path: string): Promise<void>;
  /** Size in bytes of what has that name; null where nothing has. */
  sizeOf(path: string): Promise<number | null>;
  /** Bytes of a file from an offset on, as many as are asked for; null where they cannot be read. */
  readBack(path: string, from: number, length: number): Promise<Buffer | null>;
  /**
   * Writes from an offset on; from 0 whatever was there is replaced. Resolves when the server has confirmed, with the offset
   * from which it was written: 0 where the server lets nothing be continued.
   */
  write(path: string, source: UploadSource, from: number): Promise<number>;
  /** Gives a file its own name. Resolves to false where that is taken, if the server can tell; never replaces then. */
  rename(from: string, to: string): Promise<boolean>;
  remove(path: string): Promise<void>;
  /** Bytes that fit into the directory; null where the server cannot tell. */
  spaceIn(directory: string): Promise<number | null>;
}

export interface TargetParts {
  clock: Clock;
  /** Folders below which a file server may name a folder of this machine. */
  uploadFolders: readonly string[];
}
