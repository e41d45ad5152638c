import { AlarmflowError, operationalError, userError } from '../../domain/errors';
import { child, childrenOf, childText, type DeviceResponse, findAll, parseXml, type XmlElement } from '../wire';

/** What a device says instead of an answer; SOAP 1.2 and 1.1 alike. */
export interface SoapFault {
  /** HTTP status that it came with: 200, 400, 401, 403, 500 … (PROTOCOLS §4.2). */
  status: number;
  /** Code and sub-codes without prefixes, outermost first. */
  codes: string[];
  reason: string;
  detail: XmlElement | undefined;
}

/** `foreign`: no SOAP at all, e.g. the HTML page of a web server, whatever its status. */
export type SoapAnswer =
  | { kind: 'body'; body: XmlElement; text: string }
  | { kind: 'fault'; fault: SoapFault }
  | { kind: 'foreign'; status: number; reason: string };

const MAX_REASON = 300;

const local = (name: string): string => name.trim().slice(name.trim().lastIndexOf(':') + 1);

/** gSOAP declares dozens of namespaces on every envelope; none is needed, and the reader's limit on attributes is. */
const withoutNamespaces = (text: string): string =>
  text.replace(/\sxmlns(?::[\w.-]{1,64})?\s{0,4}=\s{0,4}(?:"[^"<]{0,400}"|'[^'<]{0,400}')/g, '');

/** What stands behind the envelope (padding, a second answer's beginning) concerns nobody. */
function withoutRest(text: string): string {
  const end = /<\/(?:[\w.-]{1,64}:)?Envelope\s{0,8}>/g;
  return end.test(text) ? text.slice(0, end.lastIndex) : text;
}

/** Root element of a SOAP document. Throws `E_BAD_XML` (user). */
export const parseSoap = (bytes: Buffer | string): XmlElement =>
  parseXml(withoutNamespaces(withoutRest(typeof bytes === 'string' ? bytes : bytes.toString('utf8'))));

/** Understands the answer to a SOAP request. Never throws for odd bytes. */
export function readAnswer(response: Pick<DeviceResponse, 'status' | 'body'>): SoapAnswer {
  const { status } = response;
  const text = response.body.toString('utf8');
  let root: XmlElement;
  try {
    root = parseSoap(text);
  } catch (thrown) {
    if (!(thrown instanceof AlarmflowError)) throw thrown;
    return { kind: 'foreign', status, reason: foreignReason(text, thrown.message) };
  }
  const body = root.name === 'Envelope' ? child(root, 'Body') : undefined;
  if (!body) return { kind: 'foreign', status, reason: foreignReason(text, `<${root.name}> is no SOAP envelope`) };
  const fault = child(body, 'Fault');
  if (fault) return { kind: 'fault', fault: readFault(fault, status) };
  if (status >= 400) return { kind: 'foreign', status, reason: `HTTP ${status} with a SOAP answer that is no fault` };
  return { kind: 'body', body, text };
}

function foreignReason(text: string, otherwise: string): string {
  if (text.trim() === '') return 'an empty answer';
  return /<!doctype html|<html/i.test(text.slice(0, 2_000)) ? 'a web page' : otherwise.slice(0, MAX_REASON);
}

function readFault(fault: XmlElement, status: number): SoapFault {
  const codes: string[] = [];
  for (let code = child(fault, 'Code'); code && codes.length < 6; code = child(code, 'Subcode')) {
    const value = childText(code, 'Value');
    if (value) codes.push(local(value));
  }
  const old = childText(fault, 'faultcode');
  if (old) codes.push(local(old));
  const texts = childrenOf(child(fault, 'Reason'), 'Text').map((t) => t.text.trim());
  const reason = texts.find((t) => t !== '') ?? childText(fault, 'faultstring') ?? '';
  const detail = child(fault, 'Detail') ?? child(fault, 'detail');
  return { status, codes, reason: reason.replace(/\s+/g, ' ').slice(0, MAX_REASON), detail };
}

/** Everything in a fault that names its kind: codes, the names of the detail's elements, the reason. */
const wordsOf = (fault: SoapFault): string =>
  [...fault.codes, ...(fault.detail?.children ?? []).map((c) => c.name), fault.reason].join(' ');

/** The login is missing, wrong, or not allowed this. */
export const isNotAuthorized = (fault: SoapFault): boolean =>
  fault.status === 401 ||
  /NotAuthori[sz]ed|Not Authori[sz]ed|FailedAuthentication|InvalidSecurity|authentication (failed|required)|unauthori[sz]ed/i.test(
    wordsOf(fault),
  );

/** The device doesn't know the call. */
export const isUnsupported = (fault: SoapFault): boolean =>
  /ActionNotSupported|ActionNotImplemented|NoSuchService|Method(?: '[^']{0,80}')? not implemented|NotImplemented|not supported|UnknownAction/i.test(
    wordsOf(fault),
  );

/** What a fault says, for messages. */
export const faultWords = (fault: SoapFault): string => {
  const code = fault.codes.slice(1).join('/') || fault.codes[0] || `HTTP ${fault.status}`;
  return fault.reason === '' ? code : `${code}: ${fault.reason}`;
};

/** The error that a fault stands for, apart from a refused login (PROTOCOLS §0.7). */
export function faultError(fault: SoapFault, what: string): AlarmflowError {
  const said = `${what}: the device answered with a fault (${faultWords(fault)})`;
  const facts = { http: fault.status, code: fault.codes.join('/') };
  const words = wordsOf(fault);
  if (isUnsupported(fault))
    return userError('E_NOT_SUPPORTED', `${said}. This model can't do it, or not in its present setting`, { facts });
  if (/InvalidArg|NoToken|NoEntity|NoProfile|NoConfig|NoRelay|RelayToken|PresetToken|WellFormed/i.test(words))
    return userError('E_BAD_PARAMETER', `${said}. The device doesn't know this number or value`, { facts });
  if (fault.status === 503 || /busy|too many|MaxPullPoints|UnableToCreate|unable to create|OutOfMemory/i.test(words))
    return operationalError('E_DEVICE_BUSY', `${said}. It is tried again`, { retryAfterMs: 1_000, facts });
  return operationalError('E_DEVICE_ERROR', `${said}. It is tried again`, { facts });
}

/** The error that an answer without SOAP stands for. */
export function foreignError(answer: { status: number; reason: string }, what: string): AlarmflowError {
  const facts = { http: answer.status };
  const said = `${what}: the device answered HTTP ${answer.status} with ${answer.reason} instead of ONVIF`;
  if (answer.status === 503)
    return operationalError('E_DEVICE_BUSY', `${said}. It is tried again`, { retryAfterMs: 1_000, facts });
  if (answer.status === 403)
    return userError('E_LOW_PRIVILEGE', `${said}. Give the device's ONVIF user the right to do this`, { facts });
  if (answer.status >= 500) return operationalError('E_DEVICE_ERROR', `${said}. It is tried again`, { facts });
  return userError('E_NOT_ONVIF', `${said}. Check that ONVIF is switched on and that port and path are its`, { facts });
}

/** First descendant of that local name. */
export const firstOf = (root: XmlElement | undefined, name: string): XmlElement | undefined => findAll(root, name)[0];

/** Trimmed text of the first descendant of that name, or null. */
export const textIn = (root: XmlElement | undefined, name: string): string | null =>
  firstOf(root, name)?.text.trim() ?? null;

/** Milliseconds of an ISO 8601 duration (`PT1M30S`, also with days; months and years roughly), or null. */
export function durationMs(text: string | null): number | null {
  if (text === null || text.length > 64) return null;
  const match =
    /^P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$/.exec(
      text.trim(),
    );
  if (!match || text.trim().length < 3) return null;
  const [years, months, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  const dayCount = years! * 365 + months! * 30 + days!;
  return Math.round(((dayCount * 24 + hours!) * 60 + minutes!) * 60_000 + seconds! * 1000);
}
