import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userError } from '../domain/errors';

const FILE = 'secret.key';

/**
 * The key under which credentials are encrypted: `<data>/secret.key`, readable by its owner only, made at the first
 * start. Whoever loses it must type every device's password again.
 */
export async function readCredentialSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, FILE);
  try {
    // Made only where none is: two starts can never write over each other's key.
    await writeFile(path, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const secret = (await readFile(path, 'utf8')).trim();
  if (secret.length < 20)
    throw userError(
      'E_SECRET_KEY',
      `The key file ${path} is damaged: restore it from your backup, or delete it and enter the passwords of all devices and mail servers again`,
    );
  return secret;
}
