import type { Alarm } from '../domain/alarms';
import { sortableId } from '../domain/ids';
import type { AuditRow } from '../domain/record';
import type { Condition } from './condition';

/**
 * The line of the audit trail for what somebody ordered about an alarm.
 * @param alarm as it was before the order
 */
export function orderLine(
  order: 'acknowledge' | 'reset',
  { triggerId, key }: Condition,
  alarm: Alarm | null,
  given: { alarmId: string; at: number; who: string },
): AuditRow {
  const { alarmId, at, who } = given;
  return {
    id: sortableId(at),
    at,
    who,
    action: `alarm.${order}`,
    subject: alarmId,
    detail: `${alarm?.triggerName ?? ''}: ${alarm?.topic ?? ''}`,
    facts: { kind: 'alarm', order, triggerId, key },
  };
}
