import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** engine/host, or dist/engine/host → docs/devices of the project. */
const folders = [join(__dirname, '..', '..', 'docs', 'devices'), join(__dirname, '..', '..', '..', 'docs', 'devices')];

/** How to set up the devices of a driver, as Markdown; null where nothing is written. The kind must be that of a driver. */
export async function readGuide(kind: string): Promise<string | null> {
  for (const folder of folders) {
    try {
      return await readFile(join(folder, `${kind}.md`), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return null;
}
