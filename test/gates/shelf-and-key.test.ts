import { describe, expect, it } from 'vitest';
import type { AlarmKeyPart } from '../../engine/domain/alarms';
import type { Shelf } from '../../engine/domain/shelves';
import { alarmKey, covers, hasWholeKey, keyAgrees, shelfVerdict } from '../../engine/gates';
import { s } from '../support/alarm-gates';

const place = { triggerId: 't1', key: 'device=cam1', deviceId: 'cam1', areaId: 'hall' };
const shelf = (fields: Partial<Shelf> = {}): Shelf => ({
  id: 's1',
  scope: 'trigger',
  subject: 't1',
  key: null,
  name: 'Hall motion',
  oneShot: false,
  by: 'anna',
  reason: '',
  at: 0,
  until: s(60),
  ...fields,
});

describe('a shelf covers', () => {
  it.each([
    ['its area', { scope: 'area', subject: 'hall' }, true],
    ['no other area', { scope: 'area', subject: 'yard' }, false],
    ['its device', { scope: 'device', subject: 'cam1' }, true],
    ['no other device', { scope: 'device', subject: 'cam2' }, false],
    ['its trigger', { scope: 'trigger', subject: 't1' }, true],
    ['no other trigger', { scope: 'trigger', subject: 't2' }, false],
    ['its condition', { scope: 'condition', subject: 't1', key: 'device=cam1' }, true],
    ['no other condition', { scope: 'condition', subject: 't1', key: 'device=cam2' }, false],
  ] as const)('%s', (_what, fields, covered) => {
    expect(covers(shelf(fields), place)).toBe(covered);
  });

  it('nothing of a device where nobody knows the device', () => {
    expect(covers(shelf({ scope: 'device', subject: 'cam1' }), { ...place, deviceId: null })).toBe(false);
  });
});

describe('the verdict of the shelves', () => {
  it('is that of the one that lasts longest, with who and why', () => {
    const two = [shelf(), shelf({ id: 's2', by: 'ben', until: s(120), reason: 'painters' })];
    expect(shelfVerdict(two, place, s(30))).toEqual({
      detail: 'Hall motion is shelved by ben for another 1 min 30 s (painters)',
      until: s(120),
    });
  });

  it('is none when its time is over or it covers something else', () => {
    expect(shelfVerdict([shelf()], place, s(60))).toBeNull();
    expect(shelfVerdict([shelf({ subject: 't2' })], place, 0)).toBeNull();
  });

  it('names no time for what is shelved once', () => {
    expect(shelfVerdict([shelf({ oneShot: true })], place, 0)).toEqual({
      detail: 'Hall motion is shelved by anna until it has ended once',
      until: null,
    });
  });
});

describe('one alarm per object', () => {
  const parts: AlarmKeyPart[] = ['device', 'channel', 'input', 'type', 'object'];
  const event = { deviceId: 'cam1', type: 'intrusion', channel: 1 } as const;

  it('is told by the id that the device gives the object', () => {
    expect(alarmKey(parts, { ...event, rule: '3', objectId: '17' })).toBe(
      'device=cam1;channel=1;type=intrusion;object=17',
    );
  });

  it('falls back to rule and target where the device names no object', () => {
    expect(alarmKey(parts, { ...event, rule: '3', target: 'human' })).toBe(
      'device=cam1;channel=1;type=intrusion;rule=3;target=human',
    );
  });

  it.each([
    ['names the object', { objectId: '17' }, 'object=17', true],
    ['names another one', { objectId: '18' }, 'object=17', false],
    ['names none', {}, 'object=17', true],
    ['names none, but a rule', { rule: '3' }, 'object=17', true],
    ['names none, as its start did, but the rule', { rule: '3' }, 'rule=3;target=human', true],
    ['names none, but another rule', { rule: '4' }, 'rule=3;target=human', false],
  ] as const)('a stop that %s closes it or not', (_what, fields, key, agrees) => {
    const stop = { ...event, ...fields };
    expect(keyAgrees(`device=cam1;channel=1;type=intrusion;${key}`, parts, stop)).toBe(agrees);
    if (!('objectId' in fields)) expect(hasWholeKey(parts, stop)).toBe(false);
  });
});

describe('a condition beside the usual one of its type', () => {
  const parts: AlarmKeyPart[] = ['device', 'channel', 'input', 'type'];
  const plain = { deviceId: 'cam1', type: 'motion', channel: 1 } as const;
  const human = { ...plain, target: 'human', condition: 'SmartMotionHuman' } as const;
  const keys = [plain, human].map((event) => alarmKey(parts, event));

  it('is an alarm of its own', () => {
    expect(keys).toEqual([
      'device=cam1;channel=1;type=motion',
      'device=cam1;channel=1;type=motion;condition=SmartMotionHuman',
    ]);
  });

  it('is ended by its own stop alone', () => {
    expect(keys.map((key) => keyAgrees(key, parts, plain))).toEqual([true, false]);
    expect(keys.map((key) => keyAgrees(key, parts, human))).toEqual([false, true]);
  });

  it('is none where the trigger does not tell types apart', () => {
    expect(alarmKey(['device', 'rule'], human)).toBe('device=cam1');
    expect(keyAgrees('device=cam1', ['device', 'rule'], human)).toBe(true);
  });
});
