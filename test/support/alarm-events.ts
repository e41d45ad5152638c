import type { DeviceEvent } from '../../engine/domain/events';

let serial = 0;

/** A motion start of camera `cam1`, channel 1, with a fresh id; fields change what is given. */
export function alarmEvent(fields: Partial<DeviceEvent> = {}): DeviceEvent {
  serial++;
  return {
    id: `event-${serial}`,
    deviceId: 'cam1',
    type: 'motion',
    vendorType: 'VMD',
    phase: 'start',
    channel: 1,
    deviceTime: null,
    deviceAt: null,
    receivedAt: 0,
    clockSuspect: false,
    late: false,
    pictures: [],
    raw: '<EventNotificationAlert/>',
    ...fields,
  };
}
