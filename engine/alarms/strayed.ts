import { alarmKey, listensTo } from '../gates';
import type { Condition } from './condition';
import { isDerivedBy } from './derivation';
import type { Trigger } from './trigger';

/** Why a running condition is no longer this trigger's, or null. */
export function strayed(trigger: Trigger, condition: Condition): string | null {
  const { filter, policy } = trigger.definition;
  const event = condition.now.alarm?.event ?? condition.now.event;
  if (event === null || event === undefined) return null;
  if (alarmKey(policy.keyParts, event) !== condition.key) return 'the trigger now tells its alarms apart differently';
  const { source } = trigger.definition;
  const heard =
    source === undefined
      ? listensTo(filter, event)
      : isDerivedBy(source, event) && (filter.deviceIds?.includes(event.deviceId) ?? true);
  return heard ? null : 'the trigger no longer listens to this condition';
}
