import type { Picture, PushRequest, ReceivedEvent } from '../../domain/devices';
import { userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { createFramer, type FramedPart } from '../wire';
import type { Reader } from './reader';

/** What a push held. */
export interface PushContent {
  events: Omit<ReceivedEvent, 'receivedAt'>[];
  /** Device times of the heart-beats in it, milliseconds. */
  heartbeats: (number | null)[];
}

/**
 * Reads the body of a push: bare XML or JSON, or a multipart form with pictures, in all the odd shapes of
 * PROTOCOLS §1.3. Throws `E_BAD_PUSH` (user) for a body that holds neither alert nor heart-beat.
 */
export function readPush(
  request: PushRequest,
  reader: Reader,
  log: Log,
  onPart: (part: FramedPart) => void = () => undefined,
): PushContent {
  if (!/^(POST|PUT)$/i.test(request.method))
    throw userError('E_BAD_PUSH', `A device pushes with POST; ${request.method} is not taken here`);
  if (request.body.length === 0)
    throw userError('E_BAD_PUSH', 'The push is empty: an alert as XML or JSON was expected');
  const header = request.headers['content-type'];
  const framer = createFramer({ contentType: Array.isArray(header) ? header[0] : header });
  const parts = [...framer.push(request.body), ...framer.end()];
  for (const part of parts) onPart(part);
  const content: PushContent = { events: [], heartbeats: [] };
  const early: (Picture & { name?: string })[] = [];
  const faults: string[] = [];
  let notices = 0;
  for (const finding of parts.flatMap((part) => reader.read(part))) {
    if (finding.kind === 'event') {
      const { draft, late, clockSuspect } = finding;
      content.events.push({ draft, late, clockSuspect, pictures: early.splice(0) });
    } else if (finding.kind === 'picture') {
      const { contentType, bytes, name } = finding;
      (content.events.at(-1)?.pictures ?? early).push({ contentType, bytes, name });
    } else if (finding.kind === 'heartbeat') content.heartbeats.push(finding.deviceAt);
    else if (finding.kind === 'notice') notices++;
    else faults.push(finding.reason);
  }
  if (content.events.length === 0 && content.heartbeats.length === 0 && notices === 0)
    throw userError('E_BAD_PUSH', `The push holds no alert: ${faults[0] ?? 'no part of it could be read'}`);
  if (faults.length > 0) log.warn('hikvision.push-faults', { count: faults.length, first: faults[0] });
  return content;
}
