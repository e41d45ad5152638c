import type { ArmingSubject, OpenCondition } from '../domain/arming';
import { openAt } from '../gates';
import type { Condition } from './condition';
import type { Trigger } from './trigger';

/** Where a condition is, as far as devices and channels are armed. */
export interface Place {
  deviceId: string;
  channel?: number;
}

export const placeOf = (condition: Condition): Place | null => condition.now.alarm?.event ?? condition.now.event;

function inScope(subject: ArmingSubject, trigger: Trigger, place: Place | null): boolean {
  switch (subject.scope) {
    case 'site':
      return true;
    case 'area':
      return trigger.definition.policy.areaId === subject.id;
    case 'device':
      return place?.deviceId === subject.id;
    case 'channel':
      return place?.channel !== undefined && `${place.deviceId}/${place.channel}` === subject.id;
    case 'trigger':
      return trigger.id === subject.id;
    case 'action':
      return false;
  }
}

/** The conditions that hold and would raise, or could, if the subject alone were armed. */
export function openConditions(options: {
  subject: ArmingSubject;
  at: number;
  triggers: Iterable<Trigger>;
  deviceName(id: string): string;
  passes(trigger: Trigger): boolean;
  armedBeside(trigger: Trigger, place: Place | null, condition: Condition): boolean;
}): OpenCondition[] {
  const { subject, at } = options;
  const open: OpenCondition[] = [];
  for (const trigger of options.triggers) {
    const { name, policy } = trigger.definition;
    // A 24-hour trigger is armed whatever becomes of the wider scopes.
    const listens = policy.enabled && (policy.arming === 'follow' || subject.scope === 'trigger');
    if (!listens || options.passes(trigger)) continue;
    for (const condition of trigger.conditions.values()) {
      if (!openAt(condition.now.state, at)) continue;
      const place = placeOf(condition);
      if (!inScope(subject, trigger, place) || !options.armedBeside(trigger, place, condition)) continue;
      open.push({
        triggerId: trigger.id,
        triggerName: name,
        key: condition.key,
        deviceName: place === null ? '' : options.deviceName(place.deviceId),
        since: condition.now.state.startedAt ?? at,
      });
    }
  }
  return open;
}

const NAMED = 5;

/** What is open, for people: the first few by name, several of one trigger on one device as one with their number. */
export function listOpen(open: readonly OpenCondition[]): string {
  const counted = new Map<string, number>();
  for (const { triggerName, deviceName } of open) {
    const name = `${triggerName} (${deviceName})`;
    counted.set(name, (counted.get(name) ?? 0) + 1);
  }
  const named = [...counted].slice(0, NAMED);
  const told = named.reduce((sum, [, count]) => sum + count, 0);
  const names = named.map(([name, count]) => (count > 1 ? `${name} × ${count}` : name));
  return `${names.join(', ')}${open.length > told ? ` and ${open.length - told} more` : ''}`;
}
