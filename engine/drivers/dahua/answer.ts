import { type AlarmflowError, operationalError, userError } from '../../domain/errors';
import type { DeviceResponse } from '../wire';

/** Words of an answer that are shown in messages. */
const WORDS = 160;

/** The text of an answer, without what devices pad it with. */
export const textOf = (body: Buffer): string =>
  body
    .toString('utf8')
    .replaceAll('\0', ' ')
    .replace(/^\uFEFF/, '')
    .trim();

const says = (text: string, pattern: RegExp): boolean => pattern.test(text.slice(0, 2_000));

/** An answer that begins with the word Error is one, whatever its status (PROTOCOLS §2.1). */
export const isErrorText = (text: string): boolean => /^error\b/i.test(text);

/** Firmware that refuses a wrong password with a 200 says this; some says it of a request that it can't read, too. */
export const isAuthorityText = (text: string): boolean => isErrorText(text) && /invalid authority/i.test(text);

/** A page for people where an answer for programs was asked for: another maker's device. */
const isPage = (text: string): boolean => /^<(?:!doctype|html|head|\?xml)/i.test(text);

/**
 * The error in an answer, or null when it is a success: a 200 alone proves nothing (PROTOCOLS §0.7, §2.1).
 *
 * @param what the request in words, for the message (`Alarm output 0 of "Yard"`)
 */
export function errorIn(response: DeviceResponse, what: string): AlarmflowError | null {
  const text = textOf(response.body);
  const okHttp = response.status >= 200 && response.status < 300;
  const page = isPage(text);
  if (okHttp && !isErrorText(text) && !page) return null;
  const words = page ? '' : text.replace(/\s+/g, ' ').slice(0, WORDS);
  const said = `device answered HTTP ${response.status}${words === '' ? '' : ` "${words}"`}`;
  const facts = { http: response.status };
  if (says(text, /\block(?:ed)?\b/i))
    return operationalError(
      'E_CREDENTIALS_REFUSED',
      `${what}: ${said}. The account is locked: wait, or unlock it on the device`,
      {
        facts,
      },
    );
  if (response.status === 401)
    return operationalError('E_CREDENTIALS_REFUSED', `${what}: ${said}. Check user and password of the device`, {
      facts,
    });
  if (response.status === 403 || says(text, /no ?permission|permission denied|no authority|authority|forbidden/i))
    return userError('E_LOW_PRIVILEGE', `${what}: ${said}. Give the device's user the right to do this`, { facts });
  if (response.status === 503 || says(text, /\bbusy\b/i))
    return operationalError('E_DEVICE_BUSY', `${what}: ${said}. It is tried again`, { retryAfterMs: 1_000, facts });
  if (response.status === 404 || response.status === 501 || says(text, /not\s?(?:implement|support|found)/i) || page)
    return userError('E_NOT_SUPPORTED', `${what}: ${said}. This model can't do it, or not in its present setting`, {
      facts,
    });
  if (response.status === 400 || says(text, /bad request|invalid|parameter/i))
    return userError('E_BAD_PARAMETER', `${what}: ${said}. The device doesn't know this number, value or request`, {
      facts,
    });
  return operationalError('E_DEVICE_ERROR', `${what}: ${said}. It is tried again`, { facts });
}

/** `name=value` lines of an answer, in their order; `table.` in front of a name is dropped. */
export function readTable(text: string): Map<string, string> {
  const table = new Map<string, string>();
  for (const line of text.split(/\r\n|\n|\r/)) {
    const equals = line.indexOf('=');
    if (equals <= 0) continue;
    const name = line
      .slice(0, equals)
      .trim()
      .replace(/^table\./, '');
    if (!table.has(name)) table.set(name, line.slice(equals + 1).trim());
  }
  return table;
}

/** Values of `Name[i]<rest>` by their index, e.g. `ChannelTitle[0].Name` with rest `.Name`. */
export function listIn(table: ReadonlyMap<string, string>, name: string, rest: string): Map<number, string> {
  const list = new Map<number, string>();
  for (const [key, value] of table) {
    if (!key.startsWith(`${name}[`) || !key.endsWith(`]${rest}`)) continue;
    const index = key.slice(name.length + 1, key.length - rest.length - 1);
    if (/^\d{1,5}$/.test(index)) list.set(Number(index), value);
  }
  return list;
}
