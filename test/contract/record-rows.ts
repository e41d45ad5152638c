/** Rows as the engine writes them, for tests and measurements of the record. */
import type { ActionRow } from '../../engine/domain/actions';
import type { Alarm, Decision } from '../../engine/domain/alarms';
import type { DeviceEvent } from '../../engine/domain/events';
import type { Lease, OutputState } from '../../engine/domain/outputs';
import type { FlowMessageRow, GateStateRow, TimerRow } from '../../engine/domain/record';

export const base = 1_790_000_000_000;

export const eventRow = (id: string, changes: Partial<DeviceEvent> = {}): DeviceEvent => ({
  id,
  deviceId: 'cam1',
  receivedAt: base,
  clockSuspect: false,
  late: false,
  pictures: [],
  type: 'temperature-alarm',
  vendorType: 'TMA',
  phase: 'start',
  level: 'alarm',
  channel: 1,
  temperature: { unit: 'celsius', value: 81.25, threshold: 55 },
  deviceTime: '2026-09-21T15:33:20+02:00',
  deviceAt: base - 120,
  raw: '<EventNotificationAlert><eventType>TMA</eventType></EventNotificationAlert>',
  ...changes,
});

export const decisionRow = (id: string, changes: Partial<Decision> = {}): Decision => ({
  id,
  at: base,
  eventId: null,
  triggerId: 'trigger1',
  alarmId: null,
  outcome: 'raised',
  reason: 'start',
  detail: 'raised at once, no filtering time',
  ...changes,
});

export const alarmRow = (id: string, changes: Partial<Alarm> = {}): Alarm => {
  const { raw: _raw, ...event } = eventRow(`event-of-${id}`);
  return {
    id,
    triggerId: 'trigger1',
    triggerName: 'Thermal alarm',
    key: 'cam1/1/temperature-alarm',
    topic: 'site/cam1/1/temperature-alarm',
    deviceId: 'cam1',
    deviceName: 'Hall camera',
    type: 'temperature-alarm',
    level: 'alarm',
    channel: 1,
    state: 'active',
    count: 1,
    raisedAt: base,
    seenAt: base,
    clearedAt: null,
    endedAt: null,
    endReason: null,
    latched: false,
    acknowledgedAt: null,
    acknowledgedBy: null,
    event,
    ...changes,
  };
};

export const actionRow = (key: string, changes: Partial<ActionRow> = {}): ActionRow => ({
  key,
  alarmId: 'alarm1',
  nodeId: 'mail1',
  nodeName: 'Mail to the guard',
  kind: 'email',
  phase: 'raise',
  deviceId: null,
  params: { to: ['guard@example.org'], pictures: 1 },
  alarm: null,
  requestedAt: base,
  deadlineAt: base + 600_000,
  status: 'queued',
  attempts: 0,
  summary: null,
  errorCode: null,
  finishedAt: null,
  durationMs: null,
  ...changes,
});

export const timerRow = (id: string, at = base + 1_000, payload: Record<string, unknown> = {}): TimerRow => ({
  id,
  kind: 'alarm',
  at,
  payload,
});

export const gateRow = (key: string, state: unknown, triggerId = 'trigger1'): GateStateRow => ({
  triggerId,
  key,
  state,
});

export const leaseRow = (id: string, changes: Partial<Lease> = {}): Lease => ({
  id,
  outputId: 'cam1/relay/1',
  alarmId: 'alarm1',
  nodeId: 'relay1',
  hold: { afterClearMs: 30_000, capMs: null },
  acquiredAt: base,
  endsAt: null,
  ...changes,
});

export const outputRow = (id: string, changes: Partial<OutputState> = {}): OutputState => ({
  id,
  deviceId: 'cam1',
  kind: 'relay',
  output: '1',
  name: 'Siren',
  mode: 'auto',
  generation: 1,
  desired: true,
  confirmed: null,
  confirmedAt: null,
  lastError: null,
  ...changes,
});

export const messageRow = (messageId: string): FlowMessageRow => ({
  messageId,
  triggerId: 'trigger1',
  alarmId: 'alarm1',
  createdAt: base,
  message: { messageId, payload: true, topic: 'site/cam1', alarm: { ...alarmRow('alarm1'), phase: 'raise' } },
});
