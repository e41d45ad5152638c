import type { ActionRow } from '../../engine/domain/actions';

/** An action row as a flow would ask for it now; `over` changes what a test cares about. */
export function actionRow(key: string, over: Partial<ActionRow> = {}): ActionRow {
  const now = Date.now();
  return {
    key,
    alarmId: null,
    nodeId: 'node-1',
    nodeName: 'Log it',
    kind: 'log',
    phase: 'message',
    deviceId: null,
    params: {},
    alarm: null,
    requestedAt: now,
    deadlineAt: now + 60_000,
    status: 'queued',
    attempts: 0,
    summary: null,
    errorCode: null,
    finishedAt: null,
    durationMs: null,
    ...over,
  };
}
