import type { Arming } from './arming';
import type { Trigger } from './trigger';

/** What a trigger's node shows below itself. */
export interface TriggerNotice {
  state: 'idle' | 'active' | 'waiting' | 'trouble' | 'off';
  text: string;
}

/** What the trigger is doing, in a few words. `shut`: the word for what disarms it, or null. */
export function noticeOf(trigger: Trigger, shut: string | null, arming: Arming, scheduleKnown: boolean): TriggerNotice {
  let active = 0;
  let clearing = 0;
  let pending = 0;
  for (const condition of trigger.conditions.values()) {
    const { phase } = condition.now.state;
    if (phase === 'active') active++;
    else if (phase === 'clearing') clearing++;
    else if (phase === 'pending') pending++;
  }
  const many = (count: number, text: string): string => (count === 1 ? text : `${text} (${count})`);
  if (active > 0) return { state: 'active', text: many(active, 'alarm') };
  if (clearing > 0) return { state: 'active', text: many(clearing, 'alarm ending') };
  if (!trigger.definition.policy.enabled) return { state: 'off', text: 'switched off' };
  if (!scheduleKnown) return { state: 'trouble', text: 'schedule is missing' };
  if (shut !== null) return { state: 'off', text: shut };
  if (pending > 0) return { state: 'waiting', text: many(pending, 'filtering') };
  return arming.armed ? { state: 'idle', text: 'armed' } : { state: 'off', text: 'outside schedule' };
}
