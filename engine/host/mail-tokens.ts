/** Refresh tokens that a token server has given in place of those in a mail server's dialog, kept sealed. */
import type { TokenKeeping } from '../actions';
import type { SettingsRecord } from '../domain/record';
import { readCredentialSecret } from './credential-secret';
import { createSeals } from './sealed-settings';

const SETTING = 'mail-token';

/** @param settings the record; a token that was sealed under another key counts as none, and the dialog's is used */
export function createTokenKeeping(dataDir: string, settings: SettingsRecord): TokenKeeping {
  const seals = createSeals(() => readCredentialSecret(dataDir));
  const nameOf = (id: string): string => `${SETTING}:${id}`;
  return {
    async read(id) {
      const sealed = await settings.readSetting<string>(nameOf(id));
      return sealed === null ? null : seals.open<string>(nameOf(id), sealed);
    },
    async write(id, refreshToken) {
      await settings.writeSetting(nameOf(id), await seals.seal(nameOf(id), refreshToken));
    },
  };
}
