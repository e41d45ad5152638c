import type { DeviceHttp, DeviceResponse } from '../wire';
import { errorIn, isAuthorityText, readTable, textOf } from './answer';

export interface CgiRequest {
  /** `configManager`, without `.cgi`. */
  name: string;
  /** In their order; the first is the action. Not encoded yet. */
  parameters: readonly (readonly [string, string])[];
  signal: AbortSignal;
  timeoutMs?: number;
  maxBytes?: number;
  /** As of a device's request: a 401 is a missing right. */
  optional?: boolean;
}

/** Requests to the CGI programs of one device (PROTOCOLS §2.1). */
export interface Cgi {
  /** The answer, whatever it is. */
  send(request: CgiRequest): Promise<DeviceResponse>;
  /** The text of a successful answer; throws what `errorIn` finds. `what` is for its message. */
  text(request: CgiRequest, what: string): Promise<string>;
  /** The lines of a successful answer. */
  table(request: CgiRequest, what: string): Promise<Map<string, string>>;
  /** The request target in the spelling of brackets that this device takes. */
  target(name: string, parameters: CgiRequest['parameters']): string;
  /** The other spelling was taken: it comes first from now on. */
  spelling(raw: boolean): void;
  usesRaw(): boolean;
  /** Makes sure that the device takes the login; throws `E_CREDENTIALS_REFUSED` where it refuses it in words. */
  proveLogin(signal: AbortSignal): Promise<void>;
}

/** What every device of the line answers to a right login. */
const KNOWN = '/cgi-bin/magicBox.cgi?action=getDeviceType';
const TIMEOUT_MS = 8_000;
const MAX_BYTES = 4 << 20;

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/['()!*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * The request target: brackets and blanks percent-encoded, or the brackets as they are, for firmware that takes only
 * those (PROTOCOLS §2.1).
 */
export function cgiTarget(name: string, parameters: CgiRequest['parameters'], raw = false): string {
  const query = parameters.map(([key, value]) => `${encoded(key)}=${encoded(value)}`).join('&');
  const target = `/cgi-bin/${name}.cgi${query === '' ? '' : `?${query}`}`;
  return raw ? target.replaceAll('%5B', '[').replaceAll('%5D', ']') : target;
}

export function createCgi(http: DeviceHttp): Cgi {
  let raw = false;
  /** The device has taken the login at least once. */
  let proved = false;
  let refusals = 0;

  const get = ({ signal, timeoutMs, maxBytes, optional }: Omit<CgiRequest, 'name' | 'parameters'>, path: string) =>
    http.request({
      method: 'GET',
      path,
      signal,
      timeoutMs: timeoutMs ?? TIMEOUT_MS,
      maxBytes: maxBytes ?? MAX_BYTES,
      optional: optional === true,
    });

  /** A password that is refused with a 200 counts at the device all the same: it must not be tried on and on. */
  async function once(request: CgiRequest, path: string): Promise<DeviceResponse> {
    const response = await get(request, path);
    if (!deniesLogin(response)) {
      if (response.status === 200) {
        proved = true;
        refusals = 0;
      }
      return response;
    }
    // Where the login was good before, the words may be about this one request.
    if (proved) await proveLogin(request.signal);
    else throw http.refused(++refusals);
    return response;
  }

  async function proveLogin(signal: AbortSignal): Promise<void> {
    if (deniesLogin(await get({ signal }, KNOWN))) {
      proved = false;
      throw http.refused(++refusals);
    }
    proved = true;
    refusals = 0;
  }

  async function send(request: CgiRequest): Promise<DeviceResponse> {
    const path = cgiTarget(request.name, request.parameters, raw);
    const other = cgiTarget(request.name, request.parameters, !raw);
    const first = await once(request, path);
    if (path === other || !refusesSpelling(first)) return first;
    const second = await once(request, other);
    if (errorIn(second, '') !== null) return first;
    raw = !raw;
    return second;
  }

  async function text(request: CgiRequest, what: string): Promise<string> {
    const response = await send(request);
    const error = errorIn(response, what);
    if (error) throw error;
    return textOf(response.body);
  }

  return {
    send,
    text,
    table: async (request, what) => readTable(await text(request, what)),
    target: (name, parameters) => cgiTarget(name, parameters, raw),
    spelling(useRaw) {
      raw = useRaw;
    },
    usesRaw: () => raw,
    proveLogin,
  };
}

const deniesLogin = ({ status, body }: DeviceResponse): boolean => status === 200 && isAuthorityText(textOf(body));

/** Set commands and questions may be sent twice; what a device says of brackets it can't read is "bad request". */
function refusesSpelling(response: DeviceResponse): boolean {
  const error = errorIn(response, '');
  return (
    error !== null &&
    (error.code === 'E_BAD_PARAMETER' || error.code === 'E_NOT_SUPPORTED' || error.code === 'E_DEVICE_ERROR')
  );
}
