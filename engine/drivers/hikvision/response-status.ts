import { type AlarmflowError, operationalError, userError } from '../../domain/errors';
import type { DeviceResponse } from '../wire';
import { findNode, looksLikeDocument, numberOf, readDocuments, textOf } from './document';

/** What a device says about a request, in XML or as its JSON twin (PROTOCOLS §1.1). */
export interface ResponseStatus {
  /** 1 OK, 2 busy, 3 device error, 4 invalid operation, 5 bad format, 6 bad content, 7 reboot required; some send 0 for OK. */
  code: number;
  text: string;
  /** `notSupport`, `lowPrivilege`, `badAuthorization`, `deviceBusy` … */
  sub: string;
}

/** The ResponseStatus in a body, or null when the body is something else. */
export function responseStatusOf(body: Buffer): ResponseStatus | null {
  if (!looksLikeDocument(body)) return null;
  try {
    for (const root of readDocuments(body)) {
      const node = findNode(root, 'ResponseStatus') ?? (root.name === '' ? root : undefined);
      const code = numberOf(node, 'statusCode');
      if (node && code !== undefined)
        return { code, text: textOf(node, 'statusString', 'errorMsg') ?? '', sub: textOf(node, 'subStatusCode') ?? '' };
    }
  } catch {
    // A body that can't be read is no ResponseStatus; the caller judges it by its HTTP status and says so.
  }
  return null;
}

/**
 * The error in an answer, or null when it is a success: a 200 alone proves nothing (PROTOCOLS §0.7).
 *
 * @param what the request in words, for the message ("Alarm output 1")
 */
export function errorIn(response: DeviceResponse, what: string): AlarmflowError | null {
  const status = responseStatusOf(response.body);
  const okHttp = response.status >= 200 && response.status < 300;
  if (okHttp && (status === null || status.code === 0 || status.code === 1 || status.code === 7)) return null;
  const said = status
    ? `device answered ${status.code} ${[status.text, status.sub].filter(Boolean).join(', ')}`
    : `device answered HTTP ${response.status}`;
  const sub = status?.sub.toLowerCase() ?? '';
  const facts = { http: response.status, code: status?.code ?? null, sub: status?.sub ?? null };
  if (sub === 'badauthorization' || response.status === 401)
    return operationalError('E_CREDENTIALS_REFUSED', `${what}: ${said}. Check user and password of the device`, {
      facts,
    });
  if (sub === 'lowprivilege')
    return userError('E_LOW_PRIVILEGE', `${what}: ${said}. Give the device's user the right to do this`, { facts });
  if (status?.code === 2 || sub === 'devicebusy' || response.status === 503)
    return operationalError('E_DEVICE_BUSY', `${what}: ${said}. It is tried again`, { retryAfterMs: 1_000, facts });
  if (status?.code === 3 || response.status >= 500)
    return operationalError('E_DEVICE_ERROR', `${what}: ${said}. It is tried again`, { facts });
  if (sub !== 'notsupport' && (status?.code === 5 || status?.code === 6 || response.status === 400))
    return userError('E_BAD_PARAMETER', `${what}: ${said}. The device doesn't know this number or value`, { facts });
  return userError('E_NOT_SUPPORTED', `${what}: ${said}. This model can't do it, or not in its present setting`, {
    facts,
  });
}
