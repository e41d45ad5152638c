import type { Clip } from '../domain/media';

/** What a clip lacks of the time that was asked for, in words; null: nothing. */
export function clipGap({ missingMs, missingReason }: Pick<Clip, 'missingMs' | 'missingReason'>): string | null {
  if (!missingMs) return null;
  const without = `without ${Math.ceil(missingMs / 1000)} s`;
  return missingReason ? `${without}: ${missingReason}` : `${without} that were not recorded`;
}
