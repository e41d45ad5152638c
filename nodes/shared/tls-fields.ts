import { X509Certificate } from 'node:crypto';
import type { Fields } from './fields';

/** Also within a line that openssl prints, and without its colons. */
const fingerprint = /(?:^|[\s=])((?:[0-9a-f]{2}:){31}[0-9a-f]{2}|[0-9a-f]{64})$/i;
const pemBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]{1,20000}-----END CERTIFICATE-----/g;

/** SHA-256 of a certificate as `AA:BB:…`; '' for none. */
export function readFingerprint(fields: Fields, field: string, label: string): string {
  const text = fields.text(field, label, { max: 500 });
  if (text === '') return '';
  const found = fingerprint.exec(text)?.[1]?.replaceAll(':', '').toUpperCase();
  if (found === undefined) return fields.refuse(label, text, 'empty or a SHA-256 fingerprint of 64 hexadecimal digits');
  return found.match(/../g)!.join(':');
}

/** Certificates in PEM, '' for none. Every block must be one, or nothing of it would work and nobody would know why. */
export function readCertificates(fields: Fields, field: string, label: string): string {
  const text = fields.text(field, label, { max: 100_000, lines: true }).trim();
  if (text === '') return '';
  const blocks = text.match(pemBlock) ?? [];
  const readable = blocks.every((block) => {
    try {
      return new X509Certificate(block).subject !== undefined;
    } catch {
      // OpenSSL's reasons say nothing to people; the refusal below names the remedy.
      return false;
    }
  });
  if (blocks.length === 0 || !readable)
    fields.refuse(label, text.slice(0, 40), 'empty or certificates in PEM (-----BEGIN CERTIFICATE-----)');
  return `${blocks.join('\n')}\n`;
}

/** A private key in PEM among the credentials; a browser may have changed its line ends. '' for none. */
export function readPrivateKey(fields: Fields, field: string, label: string): string {
  const key = fields.secret(field, label, { max: 20_000 });
  if (key === null) return '';
  const text = key.replace(/\r\n?/g, '\n').trim();
  if (!/^-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----\n/.test(text))
    fields.refuse(label, '•••', 'a private key in PEM (-----BEGIN PRIVATE KEY-----)');
  return `${text}\n`;
}
