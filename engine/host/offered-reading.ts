import { userError } from '../domain/errors';
import type { DeviceEvent } from '../domain/events';
import { sortableId } from '../domain/ids';
import { OFFERED_READING } from '../domain/thermal';
import type { OfferedReading } from '../index';

/** Places that one message may tell. */
export const MOST_OFFERED_PLACES = 256;

/**
 * The event of temperatures that came as a message. The trigger stands for its own device, so that its places are
 * apart from those of cameras.
 *
 * @param now wall milliseconds of the receipt
 * @throws E_BAD_READING (user)
 */
export function readingEvent(triggerId: string, reading: OfferedReading, now: number): DeviceEvent {
  const { places } = reading;
  if (places.length === 0 || places.length > MOST_OFFERED_PLACES) {
    throw userError(
      'E_BAD_READING',
      `A message with ${places.length} temperatures was offered to node "${triggerId}": send 1 to ${MOST_OFFERED_PLACES} at once`,
    );
  }
  const [only] = places;
  const single = places.length === 1 ? only : undefined;
  return {
    id: sortableId(now),
    deviceId: triggerId,
    type: 'temperature-reading',
    vendorType: OFFERED_READING,
    phase: 'snapshot',
    ...(single === undefined
      ? { regions: places.map(({ name, temperature }) => ({ id: name, temperature })) }
      : { ...(single.name === '' ? {} : { rule: single.name }), temperature: single.temperature }),
    deviceTime: null,
    deviceAt: null,
    receivedAt: now,
    clockSuspect: false,
    late: false,
    pictures: [],
    raw: JSON.stringify(reading),
  };
}
