import { type ArmingChange, type ArmingSubject, type ArmingWay, armingWays, theSite } from '../../../engine/index';
import { defineNode, type NodeKind, type NodeSite } from '../../shared/define-node';
import type { Fields } from '../../shared/fields';
import type { FlowMessage } from '../../shared/runtime-api';
import { defaults, migrations } from './migrations';
import { type NodeOrder, orderOfPayload } from './payload';

const MOST_MINUTES = 366 * 1_440;

interface ArmConfig {
  name: string;
  subject: ArmingSubject;
  /** null: the payload says it. */
  order: NodeOrder['armed'] | null;
  how: ArmingWay;
  minutes: number | null;
  scheduleId: string | null;
}

function readSubject(fields: Fields): ArmingSubject {
  const scope = fields.choice('scope', 'Subject', ['site', 'area', 'device', 'channel', 'trigger', 'action'] as const);
  switch (scope) {
    case 'site':
      return theSite;
    case 'area':
      return { scope, id: fields.reference('area', 'Area', 'alarmflow-area') };
    case 'device':
      return { scope, id: fields.reference('device', 'Device', 'alarmflow-device') };
    case 'channel': {
      const device = fields.reference('device', 'Device', 'alarmflow-device');
      return { scope, id: `${device}/${fields.number('channel', 'Channel', { min: 1, max: 65_535, integer: true })}` };
    }
    // A node of the flow may be created after this one: the engine knows whether it is there when an order comes.
    default:
      return { scope, id: fields.text('target', 'Node', { max: 64, required: true }) };
  }
}

/** What a change says on the wire. */
const messageOf = (change: ArmingChange): FlowMessage => ({
  payload: change.phase === 'armed' || change.phase === 'entry-delay',
  topic: `arming/${change.subject.scope}/${change.name}`,
  arming: structuredClone(change),
});

const orders = { arm: true, disarm: false, toggle: 'toggle', payload: null } as const;

const arm: NodeKind<ArmConfig> = {
  type: 'alarmflow-arm',
  title: 'Arm',
  defaults,
  migrations,
  read: (fields) => ({
    name: fields.name('Arm'),
    subject: readSubject(fields),
    order: orders[fields.choice('order', 'Order', ['arm', 'disarm', 'toggle', 'payload'] as const)],
    how: fields.choice('how', 'While open', armingWays),
    minutes: fields.number('minutes', 'For', { min: 0.01, max: MOST_MINUTES, unit: 'minutes', optional: true }),
    scheduleId: fields.reference('schedule', 'Arming schedule', 'alarmflow-schedule', true),
  }),
  start: (config, site) =>
    site.engine.defineArming({ nodeId: site.id, subject: config.subject, scheduleId: config.scheduleId }, (change) => {
      if (site.open()) site.send([null, messageOf(change)]);
    }),
  async input(message, config, site) {
    await site.engine.orderArming(orderOf(message, config, site));
    return message;
  },
};

function orderOf(
  message: FlowMessage,
  config: ArmConfig,
  site: NodeSite,
): Parameters<NodeSite['engine']['orderArming']>[0] {
  const said = config.order === null ? orderOfPayload(message.payload, site.subject) : { armed: config.order };
  const minutes = said.forMinutes ?? config.minutes;
  return {
    subject: config.subject,
    armed: said.armed,
    how: said.how ?? config.how,
    source: 'node',
    who: config.name,
    forMs: minutes === null ? null : Math.round(minutes * 60_000),
  };
}

export default defineNode(arm);
