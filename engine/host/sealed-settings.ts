/**
 * Secrets that the site makes for itself and keeps in the record, encrypted with a key from `<data>/secret.key` as the
 * credentials of devices are: whoever steals the record alone has none of them.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D §8.2.2). */
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Seals {
  /** @param purpose what the value is; what was sealed for one purpose opens for no other */
  seal(purpose: string, value: unknown): Promise<string>;
  /** null: sealed under another key or for another purpose, or damaged. */
  open<T>(purpose: string, sealed: string): Promise<T | null>;
}

/** @param secret reads the data folder's key; asked for once, at the first use: before that there may be none */
export function createSeals(secret: () => Promise<string>): Seals {
  let known: Promise<Buffer> | null = null;
  const key = (): Promise<Buffer> => {
    known ??= secret().then((text) => Buffer.from(hkdfSync('sha256', text, '', 'alarmflow sealed settings', 32)));
    known.catch(() => {
      known = null;
    });
    return known;
  };
  return {
    async seal(purpose, value) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, await key(), nonce).setAAD(Buffer.from(purpose));
      const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
    },
    async open<T>(purpose: string, sealed: string): Promise<T | null> {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv(CIPHER, await key(), bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(purpose))
        .setAuthTag(tag);
      try {
        const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
        return JSON.parse(text.toString('utf8')) as T;
      } catch {
        // Another key, or a damaged value: both mean that there is none.
        return null;
      }
    },
  };
}
