import { existsSync, readFileSync } from 'node:fs';

const file = '/proc/sys/kernel/random/boot_id';

/** Changes whenever the machine starts; null where the system does not tell. */
export const bootId = (): string | null => (existsSync(file) ? readFileSync(file, 'utf8').trim() : null);
