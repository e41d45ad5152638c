import { createHash, randomBytes } from 'node:crypto';
import type { SettingsRecord } from '../domain/record';

/** Secret paths under which devices push; one token a device, kept over restarts and deploys. */
export interface IngestTokens {
  /** The device's token; made at the first call. */
  tokenFor(deviceId: string): Promise<string>;
  /** The device behind a token, or null. */
  resolve(token: string): string | null;
}

const SETTING = 'ingest-tokens';

/** 192 random bits as 32 characters: unguessable, and short enough for the URL field of every firmware. */
const newToken = (): string => randomBytes(24).toString('base64url');

const digest = (token: string): string => createHash('sha256').update(token).digest('base64');

export async function openIngestTokens(settings: SettingsRecord): Promise<IngestTokens> {
  const byDevice = new Map(Object.entries((await settings.readSetting<Record<string, string>>(SETTING)) ?? {}));
  // Looked up by hash: how long the look-up takes then says nothing about a token that is nearly right.
  const byDigest = new Map([...byDevice].map(([deviceId, token]) => [digest(token), deviceId]));
  let writing: Promise<void> = Promise.resolve();

  /** One after another: two devices that are new at once must both be in what is written last. */
  function persist(): Promise<void> {
    const next = writing
      .catch(() => undefined)
      .then(() => settings.writeSetting(SETTING, Object.fromEntries(byDevice)));
    writing = next;
    return next;
  }

  return {
    async tokenFor(deviceId) {
      const known = byDevice.get(deviceId);
      if (known) return known;
      const token = newToken();
      byDevice.set(deviceId, token);
      byDigest.set(digest(token), deviceId);
      try {
        await persist();
      } catch (error) {
        byDevice.delete(deviceId);
        byDigest.delete(digest(token));
        throw error;
      }
      return token;
    },
    resolve: (token) => byDigest.get(digest(token)) ?? null,
  };
}
