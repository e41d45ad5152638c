import { type ArmingRow, type ArmingSubject, theSite } from '../domain/arming';
import { armingDue, bywhom, duration, phaseAt } from '../gates';
import type { ArmingOrders } from './arming-orders';
import { subjectKey } from './arming-rows';
import type { Trigger } from './trigger';

/** Every subject for people: the site, areas, devices and channels, triggers, actions. */
export function armingRows(parts: {
  arming: ArmingOrders;
  triggers: ReadonlyMap<string, Trigger>;
  /** Devices and action nodes that the flows have. */
  known: { subject: ArmingSubject; name: string }[];
  at: number;
}): ArmingRow[] {
  const { arming, triggers, at } = parts;
  const names = new Map<string, { subject: ArmingSubject; name: string }>();
  const add = (subject: ArmingSubject, name: string): void => {
    names.set(subjectKey(subject), { subject, name });
  };
  add(theSite, arming.nameOf(theSite));
  for (const { covers, id, name } of arming.areas()) if (covers === 'area') add({ scope: 'area', id }, name);
  for (const { subject, name } of parts.known) add(subject, name);
  for (const { id, definition } of triggers.values()) add({ scope: 'trigger', id }, definition.name);
  // What has an order and is in no flow at present is shown too: it would stand again if its node came back.
  for (const subject of arming.subjects()) if (!names.has(subjectKey(subject))) add(subject, arming.nameOf(subject));
  const order = ['site', 'area', 'device', 'channel', 'trigger', 'action'];
  return [...names.values()]
    .sort((a, b) => order.indexOf(a.subject.scope) - order.indexOf(b.subject.scope) || a.name.localeCompare(b.name))
    .map(({ subject, name }) => armingRow(arming, triggers, subject, name, at));
}

function armingRow(
  arming: ArmingOrders,
  triggers: ReadonlyMap<string, Trigger>,
  subject: ArmingSubject,
  name: string,
  at: number,
): ArmingRow {
  const state = arming.state(subject);
  const phase = phaseAt(state, at);
  const { order, timed } = state;
  const trigger = subject.scope === 'trigger' ? triggers.get(subject.id) : undefined;
  const due = armingDue(state);
  return {
    subject,
    name,
    phase,
    armed: phase === 'armed' || phase === 'entry-delay',
    detail: describe(arming, subject, at),
    order: order === null ? null : { ...order },
    delayUntil: due !== null && due > at ? state.delayUntil : null,
    back: timed === null || timed.until <= at ? null : { at: timed.until, armed: timed.back?.armed ?? true },
    open: arming.open(subject, at),
    bypassed: [...state.bypassed],
    areaId: trigger?.definition.policy.areaId ?? null,
    verdict: trigger === undefined ? null : verdictOf(arming, trigger, at),
  };
}

function verdictOf(arming: ArmingOrders, trigger: Trigger, at: number): { armed: boolean; detail: string } {
  const { deviceIds } = trigger.definition.filter;
  const only = deviceIds?.length === 1 ? deviceIds[0] : undefined;
  const { armed, detail } = arming.verdict(trigger, only === undefined ? null : { deviceId: only }, null, at);
  return { armed, detail };
}

/** `exit delay: 12 s left, armed by anna`. */
function describe(arming: ArmingOrders, subject: ArmingSubject, at: number): string {
  const state = arming.state(subject);
  const { order, timed, delayUntil, bypassed } = state;
  const phase = phaseAt(state, at);
  const left = duration((delayUntil ?? at) - at);
  const standing = phase === 'disarmed' ? 'disarmed' : 'armed';
  const words = [
    phase === 'exit-delay' ? `exit delay: ${left} left` : phase === 'entry-delay' ? `entry delay: ${left} left` : null,
    order === null
      ? `${standing}; nobody has ordered otherwise`
      : order.armed === (standing === 'armed')
        ? `${standing} ${bywhom(order)}`
        : standing,
    timed !== null && timed.until > at
      ? `for another ${duration(timed.until - at)}, then ${(timed.back?.armed ?? true) ? 'armed' : 'disarmed'}`
      : null,
    bypassed.length > 0 ? `${bypassed.length} bypassed` : null,
  ];
  return words.filter((word) => word !== null).join(', ');
}
