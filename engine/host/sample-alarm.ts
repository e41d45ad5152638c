/** The alarm of a test: one as the site might have it, that says in every text of it that it is none. */
import type { MessageAlarm } from '../domain/alarms';
import { conditionType, type EventType } from '../domain/events';
import type { TriggerDefinition } from '../domain/triggers';

export interface SampleParts {
  siteName: string;
  triggers: readonly TriggerDefinition[];
  devices: readonly { id: string; name: string }[];
  deviceId: string | null;
  nodeName: string;
  who: string;
  at: number;
  id: string;
}

/** Stands for a device where the site has none. */
export const NO_DEVICE = 'test';

/** Of the device that is asked for, else of one that a trigger listens to, else of any. */
export function sampleAlarm(parts: SampleParts): MessageAlarm {
  const { triggers, devices, at, id } = parts;
  const hears = (trigger: TriggerDefinition, deviceId: string): boolean =>
    (trigger.filter.deviceIds ?? []).includes(deviceId);
  const trigger =
    triggers.find((one) => parts.deviceId !== null && hears(one, parts.deviceId)) ??
    triggers.find((one) => (one.filter.deviceIds ?? []).some((device) => devices.some(({ id }) => id === device))) ??
    triggers[0];
  const heard = (trigger?.filter.deviceIds ?? []).find((device) => devices.some(({ id }) => id === device));
  const deviceId = parts.deviceId ?? heard ?? devices[0]?.id ?? NO_DEVICE;
  const deviceName = devices.find((device) => device.id === deviceId)?.name ?? 'Test device';
  const types = trigger?.filter.types.filter((one) => one !== 'message') ?? [];
  const type: EventType = types.find((one) => conditionType(one) === one) ?? types[0] ?? 'motion';
  const description = `TEST: ${parts.who} pressed the test button of "${parts.nodeName}". There is no alarm.`;
  const alarmId = `test-${id}`;
  return {
    id: alarmId,
    triggerId: trigger?.id ?? 'test',
    triggerName: `TEST ${trigger?.name ?? 'alarm'}`,
    key: `test ${id}`,
    topic: `${parts.siteName}/${deviceName}/1/${type}`,
    deviceId,
    deviceName,
    type,
    level: 'alarm',
    channel: 1,
    state: 'active',
    count: 1,
    raisedAt: at,
    seenAt: at,
    clearedAt: null,
    endedAt: null,
    endReason: null,
    latched: false,
    acknowledgedAt: null,
    acknowledgedBy: null,
    phase: 'raise',
    event: {
      id: alarmId,
      deviceId,
      type,
      vendorType: 'test',
      phase: 'start',
      description,
      deviceTime: null,
      deviceAt: null,
      channel: 1,
      receivedAt: at,
      clockSuspect: false,
      late: false,
      pictures: [],
    },
  };
}
