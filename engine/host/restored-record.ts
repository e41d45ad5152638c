import type { Clock } from '../clock/clock';
import { isoTime } from '../clock/clock';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import type { Site } from './site';

/** Stands for alarmflow itself where an event needs a device. */
export const OWN_DEVICE = 'alarmflow';

/**
 * A record that a power cut tore was replaced by its last backup (DESIGN §5): that is an exception like a broken disk,
 * so it goes through the gates and reaches whoever the exception flow tells.
 */
export async function reportRestoredRecord(site: Site, clock: Clock, log: Log): Promise<void> {
  const { restored } = site.store;
  if (!restored) return;
  const description = `The record was damaged (${restored.reason}) and was replaced by ${restored.from}; what happened after ${isoTime(restored.at)} is lost`;
  log.error('record.restored', { from: restored.from, reason: restored.reason });
  const now = clock.now();
  await site.alarms.accept({
    id: sortableId(now),
    deviceId: OWN_DEVICE,
    type: 'storage-fault',
    vendorType: 'record-restored',
    phase: 'pulse',
    description,
    deviceTime: null,
    deviceAt: null,
    receivedAt: now,
    clockSuspect: false,
    late: false,
    pictures: [],
    raw: description,
  });
}
