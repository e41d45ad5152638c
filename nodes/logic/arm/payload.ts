import { type ArmingWay, armingWays, userError } from '../../../engine/index';

/** What a payload orders; what it leaves out is as in the dialog. */
export interface NodeOrder {
  armed: boolean | 'toggle';
  how?: ArmingWay;
  forMinutes?: number;
}

const words: ReadonlyMap<unknown, NodeOrder['armed']> = new Map<unknown, NodeOrder['armed']>([
  [true, true],
  [1, true],
  ['arm', true],
  ['true', true],
  ['on', true],
  ['1', true],
  [false, false],
  [0, false],
  ['disarm', false],
  ['false', false],
  ['off', false],
  ['0', false],
  ['toggle', 'toggle'],
]);

/** `true`, `"arm"` …, or `{armed, how, forMinutes}`. @throws E_BAD_PAYLOAD (user) */
export function orderOfPayload(payload: unknown, subject: string): NodeOrder {
  const refuse = (why: string): never => {
    throw userError(
      'E_BAD_PAYLOAD',
      `${subject} ${why}; it understands true/false, "arm", "disarm" and "toggle", and {armed, how, forMinutes}: set msg.payload to one of these, for example with a change node`,
    );
  };
  const armedOf = (value: unknown): NodeOrder['armed'] => {
    const armed = words.get(typeof value === 'string' ? value.trim().toLowerCase() : value);
    return armed ?? refuse(`got ${value === undefined ? 'no order' : JSON.stringify(value)?.slice(0, 60)}`);
  };
  if (typeof payload !== 'object' || payload === null) return { armed: armedOf(payload) };
  const { armed, how, forMinutes } = payload as Record<string, unknown>;
  const order: NodeOrder = { armed: armedOf(armed) };
  if (how !== undefined) {
    const way = armingWays.find((known) => known === how);
    if (way === undefined)
      return refuse(`got payload.how ${JSON.stringify(how)?.slice(0, 60)}, not ${armingWays.join(', ')}`);
    order.how = way;
  }
  if (forMinutes !== undefined && forMinutes !== null) {
    if (typeof forMinutes !== 'number' || !Number.isFinite(forMinutes) || forMinutes <= 0)
      return refuse('got a payload.forMinutes that is no number above 0');
    order.forMinutes = forMinutes;
  }
  return order;
}
