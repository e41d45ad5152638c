import type { AcknowledgedAs, Alarm } from '../domain/alarms';
import { sortableId } from '../domain/ids';
import { type AuditRow, addBeside, addWrites, type Change, type RowsBeside } from '../domain/record';
import type { Condition } from './condition';

/** What somebody orders about an alarm. */
export type OrderSaid = { kind: 'acknowledge'; who: string; as?: AcknowledgedAs } | { kind: 'reset'; who: string };

/**
 * The line of the audit trail for such an order.
 * @param alarm as it was before the order
 */
export function orderLine(
  { triggerId, key }: Condition,
  alarm: Alarm | null,
  alarmId: string,
  said: OrderSaid & { at: number },
): AuditRow {
  const { kind, at, who } = said;
  const as = said.kind === 'acknowledge' ? said.as : undefined;
  return {
    id: sortableId(at),
    at,
    who,
    action: `alarm.${kind}`,
    subject: alarmId,
    detail: `${alarm?.triggerName ?? ''}: ${alarm?.topic ?? ''}${as === 'false-alarm' ? ', as a false alarm' : ''}`,
    facts: { kind: 'alarm', order: kind, triggerId, key, ...(as === undefined ? {} : { as }) },
  };
}

/** Puts the line of an order, and what goes to the disk with it, into a change. */
export function addOrder(change: Change, line: AuditRow, beside?: RowsBeside): void {
  addWrites(change, 'audit', line);
  addBeside(change, beside);
}
