import { type AlarmflowError, operationalError, userError } from '../../domain/errors';
import type { DeviceHttp, DeviceResponse } from '../wire';
import { type Params, paramsQuery, parseParams } from './params';

const TIMEOUT_MS = 8_000;

/** How a camera's CGI programs are asked (PROTOCOLS §3.1). Errors name the camera and what was asked. */
export interface Cgi {
  /** The answer's text. Throws what `errorIn` makes of it. */
  ask(path: string, what: string, signal: AbortSignal, timeoutMs?: number): Promise<string>;
  /** Parameters by name or by group (`event_i0`); those that the camera doesn't know are left out. */
  getParams(level: PrivilegePath, names: readonly string[], what: string, signal: AbortSignal): Promise<Params>;
  /** Writes parameters; answers with what the camera says they are now. */
  setParams(params: Readonly<Record<string, string>>, what: string, signal: AbortSignal): Promise<Params>;
  readonly http: DeviceHttp;
}

/** Folder of a CGI program; who may use it (levels 0, 1, 4 and 6). */
export type PrivilegePath = 'anonymous' | 'viewer' | 'operator' | 'admin';

export function createCgi(http: DeviceHttp, deviceName: string): Cgi {
  const named = (what: string): string => `${what} of "${deviceName}"`;

  async function ask(path: string, what: string, signal: AbortSignal, timeoutMs = TIMEOUT_MS): Promise<string> {
    const response = await http.request({ method: 'GET', path, signal, timeoutMs, maxBytes: 1 << 20 });
    const error = errorIn(response, named(what));
    if (error) throw error;
    return response.body.toString('utf8');
  }

  return {
    http,
    ask,
    async getParams(level, names, what, signal) {
      const query = names.map((name) => encodeURIComponent(name)).join('&');
      return parseParams(await ask(`/cgi-bin/${level}/getparam.cgi?${query}`, what, signal));
    },
    async setParams(params, what, signal) {
      const response = await http.request({
        method: 'POST',
        path: '/cgi-bin/admin/setparam.cgi',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: paramsQuery(params),
        signal,
        timeoutMs: TIMEOUT_MS,
      });
      const error = errorIn(response, named(what));
      if (error) throw error;
      return parseParams(response.body.toString('utf8'));
    },
  };
}

/** What the camera says went wrong, in an answer whose status may well be 200; null: nothing. */
export function errorText(body: Buffer): string | null {
  const start = body.toString('latin1', 0, 400).replaceAll('\0', '').trimStart();
  return /^ERROR\b\s{0,4}:?\s{0,4}([^\r\n<]{0,120})/i.exec(start)?.[1]?.trim() ?? null;
}

/**
 * The error in an answer, or null when it is a success: errors come as 200 with `ERROR: …`, also where the user lacks
 * the right (PROTOCOLS §3.1).
 *
 * @param what the request in words, for the message (`Output 1 of "Yard"`)
 */
export function errorIn(response: DeviceResponse, what: string): AlarmflowError | null {
  const text = errorText(response.body);
  const { status } = response;
  if (text === null && status >= 200 && status < 300) return null;
  const said = text === null ? `the camera answered HTTP ${status}` : `the camera answered "${text}"`;
  const facts = { http: status, text };
  if (status === 401)
    return operationalError('E_CREDENTIALS_REFUSED', `${what}: ${said}. Check user and password of the camera`, {
      facts,
    });
  if (status === 403)
    return userError('E_LOW_PRIVILEGE', `${what}: ${said}. Give the camera's user a higher privilege`, { facts });
  if (status === 503 || /busy|progress|running/i.test(text ?? ''))
    return operationalError('E_DEVICE_BUSY', `${what}: ${said}. It is tried again`, { retryAfterMs: 1_000, facts });
  if (status >= 500 || /fail|time\s?out/i.test(text ?? ''))
    return operationalError('E_DEVICE_ERROR', `${what}: ${said}. It is tried again`, { facts });
  if (status === 400 || /argument|parameter|value/i.test(text ?? ''))
    return userError('E_BAD_PARAMETER', `${what}: ${said}. The camera doesn't know this number or value`, { facts });
  return userError(
    'E_NOT_SUPPORTED',
    `${what}: ${said}. This model can't do it, or the camera's user lacks the privilege for it`,
    { facts },
  );
}
