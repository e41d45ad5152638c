import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { operationalError } from '../domain/errors';

/** The pass of this machine's own command line: whoever can read the file is the user that runs alarmflow. */
export interface CliToken {
  readonly value: string;
  /** Takes the file away, unless a later process has written its own. */
  remove(): Promise<void>;
}

const FILE = 'cli-token';

/** A new random token at each start, in `<data>/cli-token`, readable by its owner only. */
export async function writeCliToken(dataDir: string): Promise<CliToken> {
  const value = randomBytes(32).toString('base64url');
  const path = join(dataDir, FILE);
  const draft = `${path}.${process.pid}`;
  try {
    // Created anew with its mode, then moved: at no moment can somebody else read it, nor follow a link of theirs.
    await rm(draft, { force: true });
    await writeFile(draft, `${value}\n`, { mode: 0o600, flag: 'wx' });
    await rename(draft, path);
  } catch (error) {
    throw operationalError(
      'E_DATA_NOT_WRITABLE',
      `The file ${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}): give the user that runs alarmflow the right to write to the data folder`,
      { cause: error },
    );
  }
  return {
    value,
    async remove() {
      const present = await readFile(path, 'utf8').catch(() => '');
      if (present.trim() === value) await rm(path, { force: true });
    },
  };
}
