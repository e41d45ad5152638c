/** The one or two sentences at the head of an answer to "why". Pure. */
import type { Decision } from '../domain/alarms';
import type { FollowedAlarm, TriggerCheck } from '../domain/why';
import { duration } from '../gates';

/** What says most about an event, strongest first. */
const strength = ['raised', 'escalated', 'merged', 'pending', 'cleared', 'clearing', 'ended', 'refused', 'no-alarm'];

const rank = (check: TriggerCheck): number => {
  const raisedLater = check.later.some((decision) => decision.outcome === 'raised');
  const index = strength.indexOf(raisedLater ? 'raised' : (check.outcome ?? ''));
  return index < 0 ? strength.length : index;
};

const sentence = (text: string): string => (text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`);

function opening(check: TriggerCheck): string {
  if (check.opens === null) return '';
  const after = check.opensAt === null ? '' : `${duration(check.opensAt - check.at)} later, `;
  return ` It opens ${after}${check.opens}.`;
}

function ofTrigger(check: TriggerCheck): string {
  const { triggerName: name, outcome, detail } = check;
  const last = check.later.at(-1);
  switch (outcome) {
    case 'raised':
      return `"${name}" raised an alarm: ${detail}.`;
    case 'escalated':
      return `It escalated the running alarm of "${name}": ${detail}.`;
    case 'merged':
      return `It fell into the running alarm of "${name}" and fired nothing anew: ${detail}.`;
    case 'pending': {
      if (last === undefined || last.outcome === 'pending') {
        return `"${name}" waits at the gate "${check.decidedBy ?? 'on-delay'}": ${detail}.${opening(check)}`;
      }
      if (last.outcome === 'raised') return `"${name}" waited, then raised an alarm: ${last.detail}.`;
      return `"${name}" waited (${detail}), then ${last.outcome} it at the gate "${last.reason}": ${last.detail}.`;
    }
    case 'refused':
      if (last?.outcome === 'raised') {
        return `"${name}" refused it at the gate "${check.reason}" (${detail}), and raised an alarm later: ${last.detail}.`;
      }
      return `"${name}" refused it at the gate "${check.reason}": ${detail}.${opening(check)}`;
    default:
      return outcome === 'no-alarm' ? `"${name}" raised nothing: ${detail}.` : `"${name}", ${outcome}: ${detail}.`;
  }
}

export function verdictOnEvent(checks: readonly TriggerCheck[], title: string): string {
  const decided = checks.filter((check) => check.relation === 'decided').sort((a, b) => rank(a) - rank(b));
  const [first, ...others] = decided;
  if (first === undefined) {
    const near = checks[0];
    const nearest = near === undefined ? '' : ` Nearest is "${near.triggerName}": ${near.detail}.`;
    return `No trigger listens to ${title}.${nearest}`;
  }
  const more =
    others.length === 0
      ? ''
      : ` ${others.length === 1 ? 'One other decision' : `${others.length} other decisions`} below.`;
  return `${ofTrigger(first)}${more}`;
}

export function verdictOnAlarm(followed: FollowedAlarm, raise: Decision | null, now: number): string {
  const { alarm } = followed;
  const why = raise === null ? 'its raise is no longer on record' : raise.detail;
  const times = alarm.count > 1 ? `, ${alarm.count} starts in all` : '';
  const head = `"${alarm.triggerName}" raised it: ${why}${times}.`;
  const failed = followed.actions.filter((action) => action.status === 'failed' || action.status === 'expired');
  const trouble =
    failed.length === 0
      ? ''
      : ` ${sentence(`${failed.map((action) => `${action.nodeName || action.kind} ${action.status}`).join(', ')}`)}`;
  if (alarm.endedAt === null) {
    return `${head} It has been there for ${duration(now - alarm.raisedAt)} and waits for ${followed.waitsFor ?? 'its end'}.${trouble}`;
  }
  const end = followed.life.findLast((decision) => decision.outcome === 'ended');
  const ended = end === undefined ? (alarm.endReason ?? 'ended') : end.detail;
  return `${head} It ended after ${duration(alarm.endedAt - alarm.raisedAt)}: ${ended}.${trouble}`;
}

export function verdictOnSupposed(checks: readonly TriggerCheck[], name: string): string {
  const told = checks.map((check) => {
    switch (check.outcome) {
      case 'raised':
        return 'an event would raise an alarm at once';
      case 'escalated':
      case 'merged':
        return 'an event would fall into the running alarm and fire nothing anew';
      case 'pending':
        return `an event would wait at the gate "${check.decidedBy ?? 'on-delay'}" (${check.detail})`;
      case 'refused':
        return `an event would be refused at the gate "${check.decidedBy ?? check.reason}": ${check.detail}.${opening(check).replace(/\.$/, '')}`;
      default:
        return `an event would raise nothing: ${check.detail}`;
    }
  });
  const unique = [...new Set(told)];
  if (unique.length === 1) return sentence(`"${name}": ${unique[0]}`);
  return `"${name}" watches ${checks.length} conditions: ${checks.map((check, n) => `${check.key ?? n + 1}: ${told[n]}`).join('; ')}.`;
}
