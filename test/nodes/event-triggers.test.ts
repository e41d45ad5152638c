import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mappedFields } from '../../engine/drivers/http-push/options';
import { userError, usualDialog } from '../../engine/index';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { openSandbox } from './editor-sandbox';
import { errorsOf, flowNode, gate, hall, run, sink, tab } from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(() => {
  engine = new FakeFlowEngine();
});
afterEach(async () => {
  await helper.unload();
});

const filterOf = async (type: string, config: Record<string, unknown>) => {
  await run([tab, hall, gate, flowNode(type, config), sink], engine);
  return engine.triggers.get('node')?.filter;
};

describe('triggers for what devices detect', () => {
  const cases: [string, Record<string, unknown>, object][] = [
    ['perimeter', {}, { types: ['line-crossing', 'intrusion', 'region-enter', 'region-exit', 'loitering'] }],
    [
      'perimeter',
      {
        types: ['object-left', 'group'],
        direction: 'a-to-b',
        targets: ['other'],
        channel: '3',
        rule: 'Fence, 2',
        region: '1',
      },
      {
        types: ['group', 'object-left'],
        directions: ['a-to-b'],
        targets: ['other'],
        channels: [3],
        rules: ['Fence', '2'],
        regions: ['1'],
      },
    ],
    ['video-detection', {}, { types: ['motion'] }],
    [
      'video-detection',
      { types: ['pir', 'video-loss'], channel: '1;2', region: '4' },
      { types: ['video-loss', 'pir'], channels: [1, 2], regions: ['4'] },
    ],
    ['audio-detection', {}, { types: ['audio'] }],
    [
      'audio-detection',
      { names: 'AudioMutation, audio*', channel: 2 },
      { types: ['audio'], vendorTypes: ['AudioMutation', 'audio*'], channels: [2] },
    ],
    ['device-event', { devices: ['hall'] }, { deviceIds: ['hall'], types: [], anyType: true }],
    [
      'device-event',
      { types: 'Motion, vendor:Odd One', names: 'VMD', input: '1', rule: 'a', region: 'b', channel: '9' },
      {
        types: ['motion', 'vendor:Odd One'],
        vendorTypes: ['VMD'],
        inputs: ['1'],
        rules: ['a'],
        regions: ['b'],
        channels: [9],
      },
    ],
    [
      'snmp-received',
      { devices: ['hall'], names: '1.3.6.1.4.1.318.*', rule: '7' },
      { deviceIds: ['hall'], types: [], anyType: true, vendorTypes: ['1.3.6.1.4.1.318.*'], rules: ['7'] },
    ],
    [
      'snmp-received',
      { devices: ['hall'], senders: '192.0.2.0/24, fe80::1, ups-1.example.org' },
      { deviceIds: ['hall'], types: [], anyType: true, senders: ['192.0.2.0/24', 'fe80::1', 'ups-1.example.org'] },
    ],
    [
      'push-received',
      { devices: ['hall', 'gate'], types: 'vendor:DOOR_FORCED' },
      { deviceIds: ['hall', 'gate'], types: ['vendor:DOOR_FORCED'] },
    ],
  ];

  it.each(cases)('%s %j listens to what it says', async (type, config, filter) => {
    expect(await filterOf(type, config)).toEqual(filter);
  });

  it.each([
    ['perimeter', { types: ['motion'] }, 'field "Event types" is "motion"'],
    ['device-event', {}, 'field "Event types" is "", it must be filled in where no device is checked'],
    ['device-event', { types: 'tornado' }, 'field "Event types" is "tornado", it must be an event type such as motion'],
    ['device-event', { types: 'message' }, 'field "Event types" is "message"'],
    ['device-event', { types: 'vendor:' }, 'field "Event types" is "vendor:"'],
    ['snmp-received', {}, 'field "Devices" is [], it must be the receiver: check at least one'],
    ['snmp-received', { devices: ['hall'], names: 'linkDown' }, 'field "OID" is "linkDown"'],
    ['snmp-received', { devices: ['hall'], senders: '192.0.2.0/33' }, 'field "Senders" is "192.0.2.0/33"'],
    ['snmp-received', { devices: ['hall'], senders: '192.0.2.300' }, 'field "Senders" is "192.0.2.300"'],
    ['push-received', {}, 'the sender: check at least one'],
  ])('%s %j is refused', async (type, config, reason) => {
    await filterOf(type, config);
    expect(errorsOf('node')).toEqual([expect.stringContaining(reason)]);
    expect(engine.triggers.size).toBe(0);
  });
});

describe('the view of recent pushes', () => {
  it('offers every field that a mapping knows', () => {
    expect([...openSandbox().deviceDialog.mappedFields]).toEqual([...mappedFields]);
  });
});

describe('a device and its driver', () => {
  const push = { ...usualDialog, host: false, login: false, tls: false, receives: ['push' as const] };
  beforeEach(() => {
    engine.drivers = [
      ...engine.drivers,
      { kind: 'pusher', title: 'Pusher', defaultPort: 80, dialog: push, discovers: false },
      {
        kind: 'traps',
        title: 'Traps',
        defaultPort: 162,
        dialog: { ...push, login: true },
        discovers: false,
      },
    ];
  });

  it('needs no host where the driver has no use for one, and receives as the driver can', async () => {
    await run([tab, { ...hall, driver: 'pusher', host: '', name: '' }], engine, {
      hall: { user: 'old', password: 'rest' },
    });
    expect(engine.devices.get('hall')).toMatchObject({
      name: 'pusher',
      host: '',
      receive: 'push',
      credentials: null,
    });
  });

  it('may have a password alone, like a community', async () => {
    await run([tab, { ...hall, driver: 'traps', host: '' }], engine, { hall: { password: 'community' } });
    expect(engine.devices.get('hall')?.credentials).toEqual({ user: '', password: 'community' });
  });

  it('refuses a password without a user of a device that is logged in to', async () => {
    await run([tab, hall], engine, { hall: { password: 'alone' } });
    expect(errorsOf('hall')).toEqual([expect.stringContaining('there is a password but no user')]);
    expect(errorsOf('hall').join()).not.toContain('alone');
  });

  it('hands the settings of its driver on', async () => {
    await run([tab, { ...hall, options: { pollMs: 250, inputs: 'Line1' } }], engine);
    expect(engine.devices.get('hall')?.options).toEqual({ pollMs: 250, inputs: 'Line1' });
  });

  it.each([[[]], ['text'], [{ 'a b': 1 }], [{ a: { b: 1 } }], [{ a: 'x'.repeat(65_537) }], [{ __proto__x: 1 }]])(
    'refuses the settings %j',
    async (options) => {
      await run([tab, { ...hall, options }], engine);
      expect(errorsOf('hall')).toEqual([expect.stringContaining('field "Settings"')]);
      expect(engine.devices.size).toBe(0);
    },
  );

  it('names the device when its driver refuses a setting', async () => {
    engine.failures.set('defineDevice', userError('E_DEVICE_OPTIONS', 'MQTT, "Things": give one'));
    await run([tab, hall], engine);
    expect(errorsOf('hall')).toEqual(['Device "Hall camera": MQTT, "Things": give one']);
  });
});
