import type { Clock } from '../../clock/clock';
import { operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import type { DeviceHttp } from '../wire';
import { type DocumentNode, findNode, readDocuments } from './document';
import { errorIn, responseStatusOf } from './response-status';

/** Whom a question goes to. */
export interface AskOptions {
  http: DeviceHttp;
  /** The device as people know it, for messages. */
  name: string;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Collects what the device's user has no right to see. */
  forbidden?: Set<string>;
}

const TIMEOUT_MS = 8_000;
/** A device that is busy for the moment has the resource all the same. */
const BUSY_MS = 1_000;

/** A document of the device. Throws what the request throws, or why the answer is none. */
export async function ask(options: AskOptions, path: string): Promise<DocumentNode> {
  const { http, name, signal } = options;
  const response = await http.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
  const error = errorIn(response, `${path} of "${name}"`);
  if (error) throw error;
  try {
    const [root] = readDocuments(response.body);
    if (root && isAnswer(root, response.body)) return root;
  } catch (cause) {
    throw notIsapi(name, path, cause);
  }
  throw notIsapi(name, path);
}

/** The same for what a model may lack: null where it can't be had. Throws only when the device can't be reached. */
export async function askIf(options: AskOptions, path: string): Promise<DocumentNode | null> {
  const { http, name, signal, log, forbidden, clock } = options;
  const request = { method: 'GET', path, signal, timeoutMs: TIMEOUT_MS };
  let response = await http.request(request);
  let error = errorIn(response, `${path} of "${name}"`);
  if (error?.code === 'E_DEVICE_BUSY') {
    await clock.sleep(BUSY_MS, signal);
    response = await http.request(request);
    error = errorIn(response, `${path} of "${name}"`);
  }
  let reason = error?.message;
  if (error?.code === 'E_LOW_PRIVILEGE') forbidden?.add(path);
  if (!error) {
    try {
      const [root] = readDocuments(response.body);
      if (root && isAnswer(root, response.body)) return root;
      reason = 'an answer without the document';
    } catch (cause) {
      reason = `no document: ${(cause as Error).message}`;
    }
  }
  // 403 and 404 mostly mean "not on this model" (§1.1).
  log.debug('hikvision.resource-missing', { path, reason });
  return null;
}

/** A web page is well-formed XML now and then. */
const isAnswer = (root: DocumentNode, body: Buffer): boolean =>
  root.name.toLowerCase() !== 'html' && responseStatusOf(body) === null;

const notIsapi = (name: string, path: string, cause?: unknown): Error =>
  operationalError(
    'E_DEVICE_ERROR',
    `"${name}" answered ${path} with something that is no ISAPI document: check that address and port are those of the device`,
    { cause },
  );

/** Whether a flag of a capability document is set. */
export const flagIn = (root: DocumentNode | null, name: string): boolean =>
  root !== null && findNode(root, name)?.text.trim().toLowerCase() === 'true';

/** A count in a capability document; 0 where it has none. */
export function countIn(root: DocumentNode | null, name: string): number {
  const text = root && findNode(root, name)?.text.trim();
  return text && /^\d{1,4}$/.test(text) ? Number(text) : 0;
}
