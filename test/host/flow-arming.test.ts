import { describe, expect, it } from 'vitest';
import type { ArmingChange, ArmingOrder, ArmingRow, ArmingSubject } from '../../engine/domain/arming';
import { silentLog } from '../../engine/domain/log';
import { createFlowArming } from '../../engine/host/flow-arming';

const row = (
  scope: ArmingSubject['scope'],
  id: string,
  name: string,
  phase: ArmingRow['phase'] = 'armed',
): ArmingRow => ({
  subject: { scope, id },
  name,
  phase,
  armed: true,
  detail: '',
  order: null,
  delayUntil: null,
  back: null,
  open: [],
  bypassed: [],
  areaId: null,
  verdict: null,
});
const rows = [
  row('area', 'a1', 'Hall'),
  row('area', 'a2', 'Yard', 'exit-delay'),
  row('area', 'a3', 'yard '),
  row('area', 'Hall', 'Cellar', 'disarmed'),
  row('device', 'd1', 'Gate camera'),
];

function setup() {
  const orders: ArmingOrder[] = [];
  const turned: string[] = [];
  let tell: (change: ArmingChange) => void = () => undefined;
  const arming = createFlowArming({
    alarms: {
      armingRows: () => rows,
      orderArming: async (order) => {
        orders.push(order);
      },
      onArming(callback) {
        tell = callback;
      },
    },
    known: () => [],
    log: silentLog,
    turned: (ids) => turned.push(...ids),
  });
  const order = (scope: ArmingSubject['scope'], id: string) =>
    arming.order({ subject: { scope, id }, armed: false, how: 'normal', source: 'user', who: 'anna', forMs: null });
  return { arming, orders, turned, order, tell: (change: ArmingChange) => tell(change) };
}

describe('the subject of an order', () => {
  it.each<[ArmingSubject['scope'], string, string]>([
    ['area', 'a1', 'a1'],
    ['area', 'Hall', 'Hall'],
    ['area', 'cellar', 'Hall'],
    ['device', ' GATE CAMERA ', 'd1'],
    ['channel', 'Gate camera/3', 'd1/3'],
    ['channel', 'd1/3', 'd1/3'],
    ['site', 'anything', 'site'],
  ])('%s "%s" is %s: an id before a name', async (scope, given, id) => {
    const { order, orders } = setup();
    await order(scope, given);
    expect(orders[0]?.subject).toEqual({ scope, id });
  });

  it.each<[ArmingSubject['scope'], string, string]>([
    ['area', 'Attic', 'E_UNKNOWN_SUBJECT'],
    ['device', 'Hall', 'E_UNKNOWN_SUBJECT'],
    ['channel', 'Attic/1', 'E_UNKNOWN_SUBJECT'],
    ['area', 'Yard', 'E_AMBIGUOUS_SUBJECT'],
  ])('%s "%s" is refused', async (scope, given, code) => {
    const { order, orders } = setup();
    await expect(order(scope, given)).rejects.toMatchObject({ code, family: 'user' });
    expect(orders).toEqual([]);
  });
});

describe('a node that watches', () => {
  const change = { subject: { scope: 'area', id: 'a1' }, phase: 'disarmed' } as ArmingChange;

  it('hears of its own subject until it is detached, whatever another watcher throws', () => {
    const { arming, tell, turned } = setup();
    const heard: string[] = [];
    const subject: ArmingSubject = { scope: 'area', id: 'a1' };
    arming.watch('n0', subject, () => {
      throw new Error('closed');
    });
    arming.watch('n1', subject, ({ phase }) => heard.push(phase));
    arming.watch('n2', { scope: 'device', id: 'a1' }, () => heard.push('no'));
    tell(change);
    arming.detach('n1');
    tell(change);
    expect(heard).toEqual(['disarmed']);
    expect(turned).toEqual(['n0', 'n1', 'a1', 'n0', 'a1']);
  });

  it.each<[string, string, string]>([
    ['a1', 'idle', 'armed'],
    ['a2', 'waiting', 'exit delay'],
    ['Hall', 'off', 'disarmed'],
    ['gone', 'trouble', 'subject is missing'],
  ])('of %s shows %s: %s', (id, state, text) => {
    expect(setup().arming.notice({ scope: 'area', id })).toEqual({ state, text });
  });
});
