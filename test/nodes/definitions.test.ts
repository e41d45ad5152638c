import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AlarmPolicy, defaultPolicy } from '../../engine/index';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import {
  archive,
  archiveLogin,
  controlRoom,
  controlRoomLogin,
  errorsOf,
  flowNode,
  gate,
  hall,
  nights,
  office,
  run,
  sink,
  statusesOf,
  tab,
  turns,
  warningsOf,
} from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(() => {
  engine = new FakeFlowEngine();
});
afterEach(async () => {
  await helper.unload();
});

const trigger = (type: string, config: Record<string, unknown> = {}) => [
  tab,
  hall,
  gate,
  nights,
  flowNode(type, { name: 'Boiler room', ...config }),
  sink,
];

describe('config nodes', () => {
  it('define a device with its credentials', async () => {
    await run([tab, hall], engine, { hall: { user: 'admin', password: 'secret' } });
    expect(engine.devices.get('hall')).toEqual({
      id: 'hall',
      name: 'Hall camera',
      driver: 'hikvision',
      host: '192.0.2.10',
      port: 80,
      tls: false,
      allowSelfSigned: false,
      receive: 'both',
      timeZone: 'Europe/Berlin',
      pushFrom: ['192.0.2.10', '2001:db8::7'],
      credentials: { user: 'admin', password: 'secret' },
    });
  });

  it('take a device without user as one without credentials, and no zone as that of the machine', async () => {
    await run([tab, { ...hall, timeZone: '', pushFrom: '' }], engine);
    expect(engine.devices.get('hall')).toMatchObject({ credentials: null, timeZone: null, pushFrom: [] });
  });

  it('name a device after its host when it has no name', async () => {
    await run([tab, { ...hall, name: ' ' }], engine);
    expect(engine.devices.get('hall')?.name).toBe('192.0.2.10');
  });

  it('define a schedule with every day', async () => {
    await run([tab, nights], engine);
    expect(engine.schedules.get('nights')).toEqual({
      id: 'nights',
      name: 'Nights',
      timeZone: 'Europe/Berlin',
      week: {
        monday: [{ from: 1320, to: 360 }],
        tuesday: [],
        wednesday: [],
        thursday: [],
        friday: [],
        saturday: [],
        sunday: [{ from: 0, to: 1440 }],
      },
    });
  });

  it('use the zone of the machine for a schedule without one', async () => {
    await run([tab, { ...nights, timeZone: '' }], engine);
    expect(engine.schedules.get('nights')?.timeZone).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
  });

  it('define a mail server', async () => {
    await run([tab, office], engine, { office: { user: 'alarm', password: 'secret' } });
    expect(engine.mailServers.get('office')).toEqual({
      id: 'office',
      name: 'Office',
      host: 'mail.example.org',
      port: 587,
      security: 'starttls',
      allowSelfSigned: false,
      from: 'Alarm <alarm@example.org>',
      mostBytes: 10 * 1024 * 1024,
      credentials: { user: 'alarm', password: 'secret' },
    });
  });

  const privateKey = '-----BEGIN OPENSSH PRIVATE KEY-----\r\nAAAA\r\n-----END OPENSSH PRIVATE KEY-----\r\n';

  it('define a file server, its fingerprint taken out of what ssh-keygen prints', async () => {
    await run([tab, archive], engine, { archive: { ...archiveLogin, privateKey, passphrase: 'phrase' } });
    expect(engine.fileServers.get('archive')).toEqual({
      id: 'archive',
      name: 'Archive',
      host: 'nas.example.org',
      protocol: 'sftp',
      port: 22,
      root: '/alarms',
      hostKey: `SHA256:${'k'.repeat(43)}`,
      credentials: {
        user: 'alarm',
        password: 'stored',
        privateKey: privateKey.replaceAll('\r', ''),
        passphrase: 'phrase',
      },
    });
  });

  it('take a file server that is half set up, without host key and login', async () => {
    await run([tab, { ...archive, hostKey: '' }], engine);
    expect(engine.fileServers.get('archive')).toMatchObject({ hostKey: '', credentials: null });
  });

  it('define an SNMPv3 receiver', async () => {
    await run([tab, controlRoom], engine, { noc: controlRoomLogin });
    expect(engine.snmpReceivers.get('noc')).toEqual({
      id: 'noc',
      name: 'Control room',
      host: '192.0.2.30',
      port: 162,
      notification: 'inform',
      access: {
        version: '3',
        user: 'guard',
        security: {
          level: 'authPriv',
          authentication: 'sha256',
          authKey: 'stored auth',
          privacy: 'aes',
          privacyKey: 'stored privacy',
        },
      },
      arc: '1.3.6.1.4.1.32473.1',
      engineId: '',
    });
  });

  it.each([
    ['noAuthNoPriv', { level: 'noAuthNoPriv' }],
    ['authNoPriv', { level: 'authNoPriv', authentication: 'sha256', authKey: 'stored auth' }],
  ])('define an SNMPv3 receiver with what the level %s needs, and no more', async (level, security) => {
    await run([tab, { ...controlRoom, level }], engine, { noc: controlRoomLogin });
    expect(engine.snmpReceivers.get('noc')?.access).toEqual({ version: '3', user: 'guard', security });
  });

  it('define an SNMPv2c receiver by its community, arc and engine id in one spelling', async () => {
    const config = { ...controlRoom, snmpVersion: '2c', arc: '.1.3.6.1.4.1.99999.7', engineId: '0x80007ED90501' };
    await run([tab, config], engine, { noc: { community: 'alarm' } });
    expect(engine.snmpReceivers.get('noc')).toMatchObject({
      access: { version: '2c', community: 'alarm' },
      arc: '1.3.6.1.4.1.99999.7',
      engineId: '80007ed90501',
    });
  });
});

const deviceKeys: AlarmPolicy['keyParts'] = ['device', 'channel', 'input', 'type'];

describe('trigger nodes', () => {
  it('define with nothing but their type the default policy for any device', async () => {
    await run([tab, { id: 'node', type: 'alarmflow-line-crossing', z: 'tab', wires: [[]] }], engine);
    expect(engine.triggers.get('node')).toEqual({
      id: 'node',
      name: 'Line crossing',
      filter: { types: ['line-crossing'] },
      // Without an area, flood control is for those who ask for it.
      policy: { ...defaultPolicy, flood: 'exempt' },
    });
  });

  it('define a thermal alarm with all that its dialog holds', async () => {
    await run(
      trigger('thermal-alarm', {
        devices: ['hall', 'gate'],
        types: ['temperature-alarm', 'fire'],
        minimumLevel: 'alarm',
        minimumCelsius: '62.5',
        channel: '1, 2',
        rule: '3',
        alarmPer: 'rule',
      }),
      engine,
    );
    expect(engine.triggers.get('node')).toMatchObject({
      id: 'node',
      name: 'Boiler room',
      filter: {
        deviceIds: ['hall', 'gate'],
        types: ['temperature-alarm', 'fire'],
        minimumLevel: 'alarm',
        minimumCelsius: 62.5,
        channels: [1, 2],
        rules: ['3'],
      },
      policy: { keyParts: [...deviceKeys, 'rule'] },
    });
  });

  it('define a line crossing with direction and target', async () => {
    await run(
      trigger('line-crossing', { types: ['intrusion', 'line-crossing'], direction: 'b-to-a', targets: ['human'] }),
      engine,
    );
    expect(engine.triggers.get('node')?.filter).toEqual({
      types: ['line-crossing', 'intrusion'],
      directions: ['b-to-a'],
      targets: ['human'],
    });
  });

  it('define an alarm input', async () => {
    await run(trigger('alarm-input', { devices: ['hall'], input: '1; A2' }), engine);
    expect(engine.triggers.get('node')?.filter).toEqual({
      deviceIds: ['hall'],
      types: ['digital-input'],
      inputs: ['1', 'A2'],
    });
  });

  it('define exceptions', async () => {
    await run(trigger('exception', { types: ['storage-fault', 'source-offline'] }), engine);
    expect(engine.triggers.get('node')?.filter).toEqual({ types: ['storage-fault', 'source-offline'] });
  });

  it('tell all times in milliseconds', async () => {
    await run(
      trigger('alarm-input', {
        enabled: false,
        schedule: 'nights',
        filteringTime: '2.5',
        antiDither: 600,
        antiDitherMode: 'sliding',
        offDelay: 3,
        quietMode: 'after',
        quietTime: '45',
        lateEvents: 'act',
        windowOpen: 'ignore',
        windowClose: 'end',
        latched: true,
      }),
      engine,
    );
    expect(engine.triggers.get('node')?.policy).toEqual({
      enabled: false,
      scheduleId: 'nights',
      onDelayMs: 2_500,
      repeat: null,
      antiDitherMs: 600_000,
      antiDitherMode: 'sliding',
      offDelayMs: 3_000,
      quietMs: 45_000,
      late: 'act',
      atWindowOpen: 'ignore',
      atWindowClose: 'end',
      latched: true,
      keyParts: deviceKeys,
      areaId: null,
      arming: 'follow',
      entry: 'none',
      remind: null,
      flood: 'exempt',
    });
  });

  it.each([
    ['none', null],
    ['acknowledged', { everyMs: 30_000, until: 'acknowledged', most: 5 }],
    ['cleared', { everyMs: 30_000, until: 'cleared', most: 5 }],
  ])('understand the reminders "%s"', async (remindMode, remind) => {
    await run(trigger('alarm-input', { remindMode, remindEvery: '30', remindMost: 5 }), engine);
    expect(engine.triggers.get('node')?.policy.remind).toEqual(remind);
  });

  it('take no most reminders as no limit', async () => {
    await run(trigger('alarm-input', { remindMode: 'cleared' }), engine);
    expect(engine.triggers.get('node')?.policy.remind).toEqual({ everyMs: 10_000, until: 'cleared', most: null });
  });

  it.each([
    ['area', 'exempt'],
    ['control', 'control'],
    ['exempt', 'exempt'],
  ])('without an area, understand the flood control "%s"', async (floodMode, flood) => {
    await run(trigger('alarm-input', { floodMode }), engine);
    expect(engine.triggers.get('node')?.policy.flood).toBe(flood);
  });

  it('can be armed around the clock and belong to an entry route', async () => {
    await run(trigger('alarm-input', { armingMode: 'always', entryRoute: 'follows' }), engine);
    expect(engine.triggers.get('node')?.policy).toMatchObject({ arming: 'always', entry: 'follows' });
  });

  it('tell one alarm per tracked object from another', async () => {
    await run(trigger('alarm-input', { alarmPer: 'object' }), engine);
    expect(engine.triggers.get('node')?.policy.keyParts).toEqual([...deviceKeys, 'object']);
  });

  it('raise after N starts within T instead of the filtering time when told so', async () => {
    await run(
      trigger('alarm-input', { raiseMode: 'repeat', filteringTime: 9, repeatCount: '4', repeatWithin: 90 }),
      engine,
    );
    expect(engine.triggers.get('node')?.policy).toMatchObject({
      onDelayMs: 0,
      repeat: { count: 4, withinMs: 90_000 },
    });
  });

  it.each([
    ['driver', null],
    ['never', 0],
    ['after', 30_000],
  ])('understand the ending "%s"', async (quietMode, quietMs) => {
    await run(trigger('alarm-input', { quietMode }), engine);
    expect(engine.triggers.get('node')?.policy.quietMs).toBe(quietMs);
  });
});

describe('the linkage node', () => {
  it('defines itself as the source of its own messages, one alarm a topic', async () => {
    await run(trigger('linkage'), engine);
    expect(engine.triggers.get('node')).toEqual({
      id: 'node',
      name: 'Boiler room',
      filter: { types: ['message'], deviceIds: ['node'] },
      policy: { ...defaultPolicy, flood: 'exempt', quietMs: 0, keyParts: ['device', 'rule'] },
    });
  });
});

describe('the relay node', () => {
  it('tells its output at deploy', async () => {
    await run([tab, hall, flowNode('relay-out', { name: 'Siren', device: 'hall', output: 2 }), sink], engine);
    expect(engine.outputs.get('node')).toEqual({ nodeId: 'node', deviceId: 'hall', output: '2', name: 'Siren' });
  });
});

describe('a wrong configuration', () => {
  const cases: [string, Record<string, unknown>, string][] = [
    [
      'thermal-alarm',
      { antiDither: 'soon' },
      'field "Anti-dither" is "soon", it must be a number from 0 to 86400 seconds',
    ],
    ['thermal-alarm', { filteringTime: -1 }, 'field "Filtering time" is -1'],
    ['thermal-alarm', { minimumCelsius: -300 }, 'field "Min. temperature" is -300'],
    ['thermal-alarm', { channel: '1,x' }, 'field "Channel" is "x"'],
    ['thermal-alarm', { types: ['tornado'] }, 'field "Alarm types" is "tornado"'],
    ['thermal-alarm', { types: [] }, 'field "Alarm types" is []'],
    ['thermal-alarm', { repeatCount: 2.5 }, 'field "Starts" is 2.5, it must be a whole number from 2 to 1000'],
    ['thermal-alarm', { enabled: 'perhaps' }, 'field "Enabled" is "perhaps"'],
    ['thermal-alarm', { devices: [{}] }, 'field "Devices" is {}'],
    ['line-crossing', { direction: 'up' }, 'field "Direction" is "up", it must be one of any, a-to-b, b-to-a'],
    ['exception', { types: 'all' }, 'field "Exceptions" is "all"'],
    ['alarm-input', { quietTime: 0 }, 'field "Quiet time" is 0'],
    ['relay-out', { device: '' }, 'field "Device" is empty'],
    ['relay-out', { device: 'hall', output: '' }, 'field "Output" is ""'],
    ['relay-out', { device: 'hall', postAlarm: 86_401 }, 'field "Post-alarm" is 86401'],
    ['email', { server: 'office', to: 'nobody' }, 'field "Receivers" is "nobody"'],
    ['email', { server: 'office', to: 'a@b.example\r\nBcc: c@d.example' }, 'field "Receivers" is "Bcc: c@d.example"'],
    ['email', { server: 'office', to: '' }, 'field "Receivers" is ""'],
    ['email', { server: 'hall', to: 'a@b.example' }, 'must be alarmflow-mail-server'],
    ['email', { server: 'office', to: 'a@b.example', phases: ['dawn'] }, 'field "Act on" is "dawn"'],
    ['upload', { server: 'office' }, 'must be alarmflow-file-server'],
    ['upload', { server: '' }, 'field "File server" is empty'],
    ['upload', { server: 'archive', path: 'x'.repeat(501) }, 'field "Path" is'],
    ['upload', { server: 'archive', phases: [] }, 'field "Act on" is []'],
    ['snmp-trap', { receiver: 'archive' }, 'must be alarmflow-snmp-receiver'],
    ['snmp-trap', { receiver: 'noc', text: {} }, 'field "Text" is {}'],
    ['ptz-preset', { preset: 0 }, 'field "Preset" is 0'],
    ['snapshot', { channel: '1.5' }, 'field "Channels" is "1.5"'],
    ['snapshot', { offsets: '0, 61' }, 'field "Moments" is "61"'],
    ['record', { postRecord: 9 }, 'field "Post-record" is 9'],
    ['record', { where: 'device' }, 'field "Device" is empty'],
    ['log', { level: 'shout' }, 'field "Level" is "shout"'],
    ['relay-out', { device: 'hall', version: 99 }, 'was made by a newer alarmflow'],
    ['relay-out', { device: 'hall', version: 'old' }, 'which is none'],
  ];

  it.each(cases)('of %s %j is refused with field and remedy', async (type, config, reason) => {
    await run([tab, hall, office, archive, controlRoom, flowNode(type, { name: 'Odd one', ...config }), sink], engine, {
      noc: controlRoomLogin,
    });
    expect(errorsOf('node')).toEqual([expect.stringContaining(reason)]);
    expect(errorsOf('node')[0]).toMatch(/"Odd one"/);
    expect(statusesOf('node').at(-1)).toMatchObject({ fill: 'red', shape: 'ring' });
    expect(engine.triggers.size + engine.outputs.size).toBe(0);
  });

  const configCases: [Record<string, unknown> & { id: string; type: string }, string][] = [
    [{ ...hall, host: 'http://camera/' }, 'field "Host" is "http://camera/"'],
    [{ ...hall, host: '' }, 'field "Host" is "", it must be filled in'],
    [{ ...hall, port: 70_000 }, 'field "Port" is 70000'],
    [{ ...hall, timeZone: 'Mars/Olympus' }, 'field "Time zone" is "Mars/Olympus"'],
    [{ ...hall, pushFrom: '10.0.0.0.1' }, 'field "Push only from" is "10.0.0.0.1"'],
    [{ ...hall, driver: 'abacus' }, 'field "Driver" is "abacus", which this alarmflow does not have'],
    [{ ...nights, week: { monday: [{ from: 5, to: 1441 }] } }, 'field "Monday" is {"from":5,"to":1441}'],
    [{ ...nights, week: { monday: [{ from: 60, to: 60 }] } }, 'field "Monday"'],
    [{ ...nights, week: { monday: 'always' } }, 'field "Monday" is "always"'],
    [{ ...nights, week: { caturday: [] } }, 'field "Week" is "caturday"'],
    [{ ...nights, week: [] }, 'field "Week" is []'],
    [{ ...office, from: 'alarm' }, 'field "Sender" is "alarm"'],
    [{ ...office, security: 'ssl' }, 'field "Security" is "ssl"'],
  ];

  it.each(configCases)('of the config node %j is refused', async (node, reason) => {
    await run([tab, node], engine);
    expect(errorsOf(node.id)).toEqual([expect.stringContaining(reason)]);
    expect(engine.devices.size + engine.schedules.size + engine.mailServers.size).toBe(0);
  });

  const secretCases: [Record<string, unknown> & { id: string; type: string }, Record<string, string>, string][] = [
    [{ ...archive, hostKey: 'md5' }, archiveLogin, 'field "Host key" is "md5"'],
    [{ ...archive, root: '/a/../../etc' }, archiveLogin, 'field "Directory" is "/a/../../etc"'],
    [archive, { ...archiveLogin, user: '' }, 'field "User" is "", it must be filled in'],
    [
      controlRoom,
      { ...controlRoomLogin, authKey: 'short' },
      'field "Authentication key" is "•••", it must be at least 8',
    ],
    [controlRoom, { ...controlRoomLogin, privacyKey: '' }, 'field "Privacy key" is ""'],
    [controlRoom, { ...controlRoomLogin, user: '' }, 'field "User" is ""'],
    [{ ...controlRoom, snmpVersion: '2c' }, {}, 'field "Community" is ""'],
    [{ ...controlRoom, snmpVersion: '1' }, { community: 'alarm' }, 'field "Send" is "inform"'],
    [{ ...controlRoom, snmpVersion: '4' }, {}, 'field "Version" is "4"'],
    [
      { ...controlRoom, privacy: 'aes192' },
      controlRoomLogin,
      'field "Privacy" is "aes192", it must be one of des, aes, aes256b, aes256r',
    ],
    [
      { ...controlRoom, authentication: 'sha3' },
      controlRoomLogin,
      'field "Authentication" is "sha3", it must be one of md5, sha, sha224, sha256, sha384, sha512',
    ],
    [{ ...controlRoom, arc: '1.3.6.1.4.1.4294967296' }, controlRoomLogin, 'field "Arc" is'],
    [{ ...controlRoom, engineId: 'xyz' }, controlRoomLogin, 'field "Engine id" is "xyz"'],
  ];

  it.each(secretCases)('of %j with %j is refused, and no secret is shown', async (node, secrets, reason) => {
    await run([tab, node], engine, { [node.id]: secrets });
    expect(errorsOf(node.id)).toEqual([expect.stringContaining(reason)]);
    for (const secret of Object.values(secrets))
      if (secret.includes(' ') || secret === 'short') expect(errorsOf(node.id).join()).not.toContain(secret);
    expect(engine.fileServers.size + engine.snmpReceivers.size).toBe(0);
  });

  it('does not stop other nodes', async () => {
    await run(
      [tab, hall, flowNode('thermal-alarm', { antiDither: 'x' }), { ...flowNode('exception'), id: 'other' }, sink],
      engine,
    );
    expect([...engine.triggers.keys()]).toEqual(['other']);
  });

  it('never shows a password', async () => {
    await run([tab, { ...hall, port: 0 }], engine, { hall: { user: 'admin', password: 'top-secret' } });
    expect(errorsOf('hall').join()).not.toContain('top-secret');
  });
});

describe('a node that points at something gone', () => {
  it('says which node and which field', async () => {
    await run([tab, flowNode('relay-out', { name: 'Siren', device: 'hall' }), sink], engine);
    expect(errorsOf('node')).toEqual([
      expect.stringContaining(
        'Relay out "Siren" points at a device that is gone or disabled (hall): choose another in field "Device"',
      ),
    ]);
    expect(statusesOf('node').at(-1)).toEqual({ fill: 'red', shape: 'ring', text: 'points at nothing' });
  });

  it.each([
    ['snmp-trap', 'receiver', 'an SNMP receiver'],
    ['email', 'server', 'a mail server'],
    ['notify', 'centre', 'an alarm centre'],
  ])('speaks of it as people do: %s', async (type, field, thing) => {
    await run([tab, flowNode(type, { [field]: 'gone', to: 'a@b.example' }), sink], engine);
    expect(errorsOf('node').join()).toContain(`points at ${thing} that is gone`);
  });

  it('goes on with the devices that are left, and shows the issue', async () => {
    await run([tab, hall, flowNode('thermal-alarm', { devices: ['hall', 'gone'] }), sink], engine);
    expect(engine.triggers.get('node')?.filter.deviceIds).toEqual(['hall']);
    expect(warningsOf('node')).toEqual([expect.stringContaining('gone or disabled (gone)')]);
    expect(statusesOf('node').at(-1)).toMatchObject({ fill: 'yellow', shape: 'ring' });
  });

  it('raises for no device rather than for any when all are gone', async () => {
    await run([tab, hall, flowNode('thermal-alarm', { devices: ['gone'] }), sink], engine);
    expect(engine.triggers.size).toBe(0);
    expect(errorsOf('node')).toHaveLength(1);
  });

  it('is not armed around the clock when its schedule is gone', async () => {
    await run([tab, flowNode('exception', { schedule: 'nights' }), sink], engine);
    expect(engine.triggers.size).toBe(0);
    expect(errorsOf('node')[0]).toContain('arming schedule that is gone');
  });

  it('sends mails without the snapshot of a camera that is gone', async () => {
    const to = 'guard@example.org';
    await run([tab, office, flowNode('email', { server: 'office', to, snapshotDevice: 'hall' }), sink], engine);
    expect(errorsOf('node')).toEqual([]);
    expect(warningsOf('node')).toEqual([expect.stringContaining('snapshot device that is gone')]);
    expect(statusesOf('node').at(-1)).toMatchObject({ fill: 'yellow' });
  });

  it('takes the pictures of the further cameras when its own is gone, and none of another in its place', async () => {
    const config = { device: 'deleted', channel: '7', targets: [{ device: 'hall', channel: 2 }] };
    await run([tab, hall, flowNode('snapshot', config), sink], engine);
    expect(warningsOf('node')).toEqual([expect.stringContaining('device that is gone')]);
    expect(errorsOf('node')).toEqual([]);
    expect(engine.callsOf('defineAction').at(-1)).toMatchObject([
      { action: { deviceId: null, params: { onlyCameras: true, cameras: [{ deviceId: 'hall', channel: 2 }] } } },
    ]);
  });

  it('uploads without the snapshot of a camera that is gone', async () => {
    const config = { server: 'archive', snapshotDevice: 'hall' };
    await run([tab, archive, flowNode('upload', config), sink], engine);
    expect(errorsOf('node')).toEqual([]);
    expect(warningsOf('node')).toEqual([expect.stringContaining('camera that is gone')]);
  });

  it('names the trouble of a device that is not set up right', async () => {
    await run([tab, { ...hall, port: 'x' }, flowNode('relay-out', { device: 'hall' }), sink], engine);
    expect(errorsOf('node')[0]).toMatch(/not set up right.*field "Port"/);
  });
});

describe('the life of a definition', () => {
  it('ends with detach when the flow stops', async () => {
    await run(trigger('thermal-alarm', { devices: ['hall'] }), engine);
    await helper.unload();
    expect(engine.detached.sort()).toEqual(['gate', 'hall', 'nights', 'node']);
  });

  it('ends with detach also for a node that never worked', async () => {
    await run(trigger('thermal-alarm', { antiDither: 'x' }), engine);
    await helper.unload();
    expect(engine.detached).toContain('node');
  });

  it('detaches before it is defined again by a deploy, under the same id', async () => {
    const flow = trigger('thermal-alarm', { devices: ['hall'] });
    await run(flow, engine);
    const changed = flow.map((node) => (node.id === 'node' ? { ...node, antiDither: 60 } : node));
    await helper.setFlows(changed, 'nodes');
    await turns();
    const life = engine.calls
      .filter(
        ({ call, args }) =>
          call === 'detach' || (call === 'defineTrigger' && (args[0] as { id: string }).id === 'node'),
      )
      .map(({ call }) => call);
    expect(life).toEqual(['defineTrigger', 'detach', 'defineTrigger']);
    expect(engine.triggers.get('node')?.policy.antiDitherMs).toBe(60_000);
    expect(engine.detached).toEqual(['node']);
  });

  it('keeps the order when a definition is still under way at the close', async () => {
    let release = (): void => undefined;
    engine.gates.set('defineTrigger', new Promise<void>((done) => (release = done)));
    await run(trigger('thermal-alarm'), engine);
    const closing = helper.unload();
    await turns();
    expect(engine.detached).not.toContain('node');
    release();
    await closing;
    expect(engine.detached).toContain('node');
  });

  it('survives a detach that fails', async () => {
    await run(trigger('thermal-alarm'), engine);
    engine.failures.set('detach', new Error('disk gone'));
    await expect(helper.unload()).resolves.not.toThrow();
  });

  it('shows a definition that the engine refuses', async () => {
    engine.failures.set('defineTrigger', new Error('disk full'));
    await run(trigger('thermal-alarm'), engine);
    expect(statusesOf('node').at(-1)).toEqual({ fill: 'red', shape: 'ring', text: 'not started' });
    expect(errorsOf('node')[0]).toContain('disk full');
  });
});

describe('without the engine', () => {
  it('every node says that it must run inside alarmflow', async () => {
    await run(trigger('thermal-alarm'), undefined);
    for (const id of ['hall', 'nights', 'node']) {
      expect(statusesOf(id).at(-1)).toEqual({ fill: 'red', shape: 'ring', text: 'engine missing' });
      expect(errorsOf(id)[0]).toContain('must run inside alarmflow');
    }
  });
});

describe('what a node shows', () => {
  it.each([
    ['idle', { fill: 'grey', shape: 'dot' }],
    ['active', { fill: 'green', shape: 'dot' }],
    ['waiting', { fill: 'yellow', shape: 'ring' }],
    ['trouble', { fill: 'red', shape: 'ring' }],
    ['off', { fill: 'grey', shape: 'ring' }],
  ] as const)('follows the notice "%s" of the engine', async (state, look) => {
    await run(trigger('thermal-alarm'), engine);
    engine.notify('node', { state, text: 'as told' });
    expect(statusesOf('node').at(-1)).toEqual({ ...look, text: 'as told' });
  });

  it('stays short', async () => {
    await run(trigger('thermal-alarm'), engine);
    engine.notify('node', { state: 'idle', text: 'a text that is much longer than the canvas has room for' });
    expect(statusesOf('node').at(-1)?.text).toBe('a text that is much longer than…');
  });
});
