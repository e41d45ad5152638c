import type { PushRequest, ReceivedEvent } from '../../domain/devices';
import { userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import type { Reader } from './reader';

/**
 * Reads a WS-BaseNotification Notify that the device posts (PROTOCOLS §4.3). Throws `E_BAD_PUSH` (user) for a body that
 * holds no message that can be read.
 */
export function readNotify(request: PushRequest, reader: Reader, log: Log): Omit<ReceivedEvent, 'receivedAt'>[] {
  if (!/^(POST|PUT)$/i.test(request.method))
    throw userError('E_BAD_PUSH', `A device notifies with POST; ${request.method} is not taken here`);
  const { findings, set } = reader.read(request.body);
  if (set.messages.length === 0)
    throw userError('E_BAD_PUSH', `The push holds no ONVIF message: ${set.faults[0] ?? 'it is empty'}`);
  if (set.faults.length > 0) log.warn('onvif.push-faults', { count: set.faults.length, first: set.faults[0] });
  return findings.flatMap((finding) =>
    finding.kind === 'event'
      ? [{ draft: finding.draft, pictures: [], late: finding.late, clockSuspect: finding.clockSuspect }]
      : [],
  );
}
