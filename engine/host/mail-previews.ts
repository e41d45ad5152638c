/** What an email node's dialog shows of its mail: made with the last alarm of its triggers, or with one that never was. */
import { previewMail, readEmailParams } from '../actions';
import type { Clock } from '../clock/clock';
import { type ActionRow, untried } from '../domain/actions';
import type { Alarm, AlarmPhase, MessageAlarm } from '../domain/alarms';
import type { MailPreview } from '../domain/mail';
import type { FlowEngine, MailPreviewRequest } from '../index';
import { sampleAlarm } from './sample-alarm';

/** Alarms looked through for one of the node's triggers. */
const MOST_ALARMS = 500;
const SAMPLE_MS = 90_000;

export function createMailPreviews(parts: {
  siteName: string;
  clock: Clock;
  live(): Alarm[];
  /** The newest first. */
  alarms(limit: number): Promise<Alarm[]>;
  devices(): { id: string; name: string }[];
}): FlowEngine['previewMail'] {
  async function lastOf(triggerIds: readonly string[]): Promise<Alarm | null> {
    if (triggerIds.length === 0) return null;
    const known = [...parts.live(), ...(await parts.alarms(MOST_ALARMS))];
    const found = known.filter(({ triggerId }) => triggerIds.includes(triggerId));
    return found.sort((a, b) => b.raisedAt - a.raisedAt)[0] ?? null;
  }

  function sample(nodeName: string): MessageAlarm {
    const about = { siteName: parts.siteName, triggers: [], devices: parts.devices(), deviceId: null, nodeName };
    const made = sampleAlarm({ ...about, who: '', at: parts.clock.now() - SAMPLE_MS, id: 'preview' });
    return {
      ...made,
      id: 'sample',
      triggerName: 'Sample trigger',
      type: 'temperature-alarm',
      event: { ...made.event, description: undefined, temperature: { unit: 'celsius', value: 81.3, threshold: 60 } },
    };
  }

  /** The alarm as it is, or was, in a phase. */
  function inPhase(alarm: Alarm, phase: AlarmPhase, now: number): MessageAlarm {
    const clearedAt = alarm.clearedAt ?? now;
    if (phase === 'clear') return { ...alarm, phase, clearedAt, endedAt: null, endReason: null };
    if (phase === 'end')
      return { ...alarm, phase, clearedAt, endedAt: alarm.endedAt ?? now, endReason: alarm.endReason ?? 'cleared' };
    return { ...alarm, phase, clearedAt: null, endedAt: null, endReason: null };
  }

  return async ({ nodeId, nodeName, params, phase, triggerIds }: MailPreviewRequest): Promise<MailPreview> => {
    const read = readEmailParams({ ...params, health: undefined, followUp: undefined });
    const now = parts.clock.now();
    const real = await lastOf(triggerIds);
    const alarm = inPhase(real ?? sample(nodeName), phase, now);
    const row: ActionRow = {
      key: `preview:${nodeId}`,
      alarmId: alarm.id,
      nodeId,
      nodeName,
      kind: 'email',
      phase,
      deviceId: alarm.deviceId,
      params: {},
      alarm,
      requestedAt: now,
      deadlineAt: now,
      ...untried,
    };
    return previewMail(row, read, { siteName: parts.siteName, sample: real === null });
  };
}
