/** What a notify node's dialog shows of what it sends: made with a sample alarm; nothing leaves this process. */

import { previewNotify } from '../actions';
import type { Clock } from '../clock/clock';
import { untried } from '../domain/actions';
import type { AlarmCentre } from '../domain/alarm-centre';
import type { FlowEngine } from '../index';
import { sampleAlarm } from './sample-alarm';

const SAMPLE_MS = 90_000;

export function createNotifyPreviews(parts: {
  siteName: string;
  clock: Clock;
  alarmCentre(id: string): AlarmCentre | undefined;
  devices(): { id: string; name: string }[];
}): FlowEngine['previewNotify'] {
  return async ({ nodeId, nodeName, params }) => {
    const now = parts.clock.now();
    const about = { siteName: parts.siteName, triggers: [], devices: parts.devices(), deviceId: null, nodeName };
    const made = sampleAlarm({ ...about, who: '', at: now - SAMPLE_MS, id: 'preview' });
    const alarm = {
      ...made,
      triggerName: 'Sample trigger',
      type: 'temperature-alarm' as const,
      event: {
        ...made.event,
        type: 'temperature-alarm' as const,
        description: undefined,
        temperature: { unit: 'celsius' as const, value: 81.3, threshold: 60 },
      },
    };
    const { centreId } = params;
    return previewNotify(
      {
        key: `preview:${nodeId}`,
        alarmId: alarm.id,
        nodeId,
        nodeName,
        kind: 'notify',
        phase: 'raise',
        deviceId: alarm.deviceId,
        params,
        alarm,
        requestedAt: now,
        deadlineAt: now,
        ...untried,
      },
      typeof centreId === 'string' ? parts.alarmCentre(centreId) : undefined,
      parts.siteName,
    );
  };
}
