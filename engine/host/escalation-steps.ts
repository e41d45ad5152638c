/** Nobody is called for an alarm that somebody has seen to: a step of an escalation that is still to be sent is left out. */
import type { Alarms } from '../alarms';
import type { ActionHandler, ActionResult } from '../domain/actions';
import type { Alarm, MessageAlarm } from '../domain/alarms';

export interface EscalationStepParts {
  alarms: Pick<Alarms, 'alarm' | 'escalationStopped'>;
  /** An alarm of the record, which may have ended; null: it holds none of this id. */
  recorded(alarmId: string): Promise<Alarm | null>;
}

/**
 * The handlers, each of which asks before every attempt whether the escalation whose step the action belongs to was
 * stopped meanwhile. Then the action is skipped, with the reason on record; an attempt that is under way already is not
 * called back.
 */
export function withoutStoppedSteps(handlers: readonly ActionHandler[], parts: EscalationStepParts): ActionHandler[] {
  const stopped = async (step: MessageAlarm): Promise<string | null> => {
    const alarm = parts.alarms.alarm(step.id) ?? (await parts.recorded(step.id));
    return alarm === null ? 'the alarm was taken off the record' : parts.alarms.escalationStopped(step, alarm);
  };
  return handlers.map((handler) => ({
    kind: handler.kind,
    heavy: handler.heavy,
    ...(handler.waitsFor ? { waitsFor: (row) => handler.waitsFor!(row) } : {}),
    defaultDeadlineMs: handler.defaultDeadlineMs,
    attempts: handler.attempts,
    ...(handler.once ? { once: true as const } : {}),
    check: (params) => handler.check(params),
    ...(handler.rehearse ? { rehearse: (row) => handler.rehearse!(row) } : {}),
    async execute(run): Promise<ActionResult> {
      const { alarm } = run.row;
      const isStep = alarm?.escalation !== undefined && alarm.phase === 'escalate';
      const why = isStep ? await stopped(alarm) : null;
      if (why !== null) return { status: 'skipped', summary: `Not done: ${why} before it was sent` };
      return handler.execute(run);
    },
  }));
}
