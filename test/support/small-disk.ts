/** A small disk in memory, for tests of what happens when it is full. Needs the right to mount. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  folder: string;
  remove(): void;
}

/** Mounts one, or says why that cannot be done here. */
export function mountSmallDisk(megabytes: number): SmallDisk | string {
  if (process.platform !== 'linux') return 'only Linux can mount a disk in memory';
  if (process.getuid?.() !== 0) return 'mounting a disk needs root';
  const folder = mkdtempSync(join(tmpdir(), 'alarmflow-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'alarmflow-test', folder], { stdio: 'pipe' });
  } catch (thrown) {
    rmdirSync(folder);
    return `this machine does not let us mount a disk: ${String(thrown).split('\n')[0]}`;
  }
  return {
    folder,
    remove() {
      // Lazily: an aborted database engine never closes its files.
      execFileSync('umount', ['-l', folder], { stdio: 'pipe' });
      rmdirSync(folder);
    },
  };
}
