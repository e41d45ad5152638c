import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { removeFolder } from './remove-folder';

const made: string[] = [];
afterAll(async () => {
  for (const folder of made.splice(0)) await removeFolder(folder);
});

/** An empty folder that is removed after the tests of the file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-test-'));
  made.push(folder);
  return folder;
}
