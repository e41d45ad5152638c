import { domainToASCII } from 'node:url';

export interface MailAddress {
  name: string;
  address: string;
}

/** Longest address, RFC 5321 §4.5.3.1.3. */
const LONGEST_ADDRESS = 254;

// One address of letters that need no quoting (RFC 5321 dot-string, RFC 6531 letters); hosts without a dot are allowed.
const addressForm = /^[^\s<>()[\],;:\\"@\p{Cc}]{1,64}@[\p{L}\p{N}]([\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u;

/** Whether the text is one plain mail address. */
export function isAddress(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > LONGEST_ADDRESS || !addressForm.test(value)) return false;
  const at = value.indexOf('@');
  const local = value.slice(0, at);
  return !value.includes('..') && !local.startsWith('.') && !local.endsWith('.');
}

/** `a@b` or `Name <a@b>`; null for anything else. */
export function parseSender(value: string): MailAddress | null {
  const text = value.trim();
  if (isAddress(text)) return { name: '', address: text };
  const open = text.lastIndexOf('<');
  if (open < 0 || !text.endsWith('>') || text.length > 400) return null;
  const address = text.slice(open + 1, -1).trim();
  const name = text
    .slice(0, open)
    .trim()
    .replace(/^"(.*)"$/, '$1');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a line break would begin a header of its own
  return isAddress(address) && !/[\u0000-\u001f\u007f<>]/.test(name) ? { name, address } : null;
}

/** Domain for message ids: that of the sender, in ASCII. */
export function idDomain(address: string): string {
  return domainToASCII(address.slice(address.lastIndexOf('@') + 1)) || 'alarmflow.invalid';
}
