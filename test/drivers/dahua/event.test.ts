import { describe, expect, it } from 'vitest';
import { knownEventTypes } from '../../../engine/domain/events';
import { defaultPolicy } from '../../../engine/domain/triggers';
import { knownCodes, natureOf } from '../../../engine/drivers/dahua/codes';
import { createReader, type Finding } from '../../../engine/drivers/dahua/reader';
import { alarmKey, type KeyedEvent } from '../../../engine/gates/key';

const NOW = 1_780_000_000_000;

function reader(change: Partial<{ channels: number; inputs: number; timeZone: string | null }> = {}) {
  let now = 0;
  const made = createReader({
    setting: () => ({ timeZone: 'UTC', nears: [NOW], channels: null, inputs: null, ...change }),
    judge: () => ({ late: false, clockSuspect: false }),
    at: () => now,
  });
  const read = (text: string): Finding[] =>
    made.read({ kind: 'part', headers: {}, contentType: 'text/plain', form: 'dahua', body: Buffer.from(text) });
  return { read, wait: (ms: number) => (now += ms), conditions: made.conditions };
}

const event = (code: string, action: string, index: number | string, data?: unknown): string =>
  `Code=${code};action=${action};index=${index}${data === undefined ? '' : `;data=${JSON.stringify(data, null, 3)}\n`}`;

const told = (findings: Finding[]): string[] =>
  findings.map((f) => (f.kind === 'event' ? `${f.draft.type} ${f.draft.phase}` : f.kind));

const drafts = (findings: Finding[]): Record<string, unknown>[] =>
  findings.flatMap((f) => (f.kind === 'event' ? [{ ...f.draft }] : []));

describe('codes', () => {
  const table: [string, string, string][] = [
    ['VideoMotion', 'motion', 'channel'],
    ['SmartMotionHuman', 'motion', 'channel'],
    ['SmartMotionVehicle', 'motion', 'channel'],
    ['VideoLoss', 'video-loss', 'channel'],
    ['VideoBlind', 'tamper', 'channel'],
    ['VideoUnFocus', 'defocus', 'channel'],
    ['VideoAbnormalDetection', 'video-fault', 'channel'],
    ['SceneChange', 'scene-change', 'channel'],
    ['AlarmLocal', 'digital-input', 'input'],
    ['AlarmIPC', 'digital-input', 'camera-input'],
    ['AlarmExtended', 'digital-input', 'box-input'],
    ['AlarmExtendSomething', 'digital-input', 'box-input'],
    ['AlarmOutput', 'relay-state', 'output'],
    ['CrossLineDetection', 'line-crossing', 'channel'],
    ['CrossRegionDetection', 'intrusion', 'channel'],
    ['LeftDetection', 'object-left', 'channel'],
    ['TakenAwayDetection', 'object-removed', 'channel'],
    ['WanderDetection', 'loitering', 'channel'],
    ['RioterDetection', 'group', 'channel'],
    ['CrowdDetection', 'group', 'channel'],
    ['ParkingDetection', 'parking', 'channel'],
    ['MoveDetection', 'fast-moving', 'channel'],
    ['FaceDetection', 'face', 'channel'],
    ['NumberStat', 'people-count', 'channel'],
    ['TrafficJunction', 'plate', 'channel'],
    ['AudioMutation', 'audio', 'channel'],
    ['AudioAnomaly', 'audio', 'channel'],
    ['StorageNotExist', 'storage-missing', 'device'],
    ['StorageFailure', 'storage-fault', 'device'],
    ['StorageLowSpace', 'storage-full', 'device'],
    ['NetAbort', 'network-fault', 'device'],
    ['IPConflict', 'ip-conflict', 'device'],
    ['MACConflict', 'mac-conflict', 'device'],
    ['LoginFailure', 'login-failure', 'device'],
    ['SafetyAbnormal', 'device-fault', 'device'],
    ['RemoteIPModified', 'device-fault', 'device'],
    ['HeatImagingTemper', 'temperature-alarm', 'channel'],
    ['FireWarning', 'fire', 'channel'],
    ['FireWarningInfo', 'fire', 'channel'],
    ['SmokeDetection', 'smoke', 'channel'],
  ];
  it.each(table)('%s is %s of a %s', (code, type, place) => {
    expect(natureOf(code)).toMatchObject({ type, place, life: 'lasting' });
    expect(natureOf(code.toUpperCase()).type).toBe(type);
  });

  it('have types that everybody knows, or none', () => {
    for (const code of knownCodes) {
      const { type, life } = natureOf(code);
      if (life === 'lasting') expect(knownEventTypes).toContain(type);
    }
  });

  it.each(['VideoMotionInfo', 'NewFile', 'RtspSessionDisconnect'])('%s is no news', (code) => {
    expect(reader().read(event(code, 'State', 0))).toEqual([]);
  });

  it.each(['Reboot', 'ShutDown', 'TimeChange', 'NTPAdjustTime'])('%s is a notice', (code) => {
    expect(told(reader().read(event(code, 'Pulse', 0)))).toEqual(['notice']);
  });

  it.each(['_DoTalkAction_', 'BackKeyLight', 'constructor', '__proto__'])(
    '%s, unknown, passes under its own name',
    (code) => {
      expect(told(reader().read(event(code, 'Pulse', 0)))).toEqual([`vendor:${code} pulse`]);
      expect(told(reader().read(event(code, 'State', 0)))).toEqual([`vendor:${code} pulse`]);
    },
  );

  it('that are single events have no quiet time', () => {
    expect(drafts(reader().read(event('LoginFailure', 'Pulse', 0)))[0]?.quietMs).toBeUndefined();
  });

  it('that are unknown and begin have a quiet time', () => {
    expect(drafts(reader().read(event('CallNoAnswered', 'Start', 0)))).toMatchObject([
      { type: 'vendor:CallNoAnswered', phase: 'start', channel: 1, quietMs: 30_000 },
    ]);
  });
});

describe('phases', () => {
  it('are start, refresh and stop of one condition', () => {
    const { read } = reader();
    const texts = [event('VideoMotion', 'Start', 0), event('VideoMotion', 'Start', 0), event('VideoMotion', 'Stop', 0)];
    expect(texts.flatMap((t) => told(read(t)))).toEqual(['motion start', 'motion refresh', 'motion stop']);
    expect(told(read(event('VideoMotion', 'Start', 0)))).toEqual(['motion start']);
  });

  it('are kept apart by channel, code and rule', () => {
    const { read } = reader();
    read(event('CrossLineDetection', 'Start', 0, { Name: 'A', RuleId: 1 }));
    expect(told(read(event('CrossLineDetection', 'Start', 0, { Name: 'B', RuleId: 2 })))).toEqual([
      'line-crossing start',
    ]);
    expect(told(read(event('CrossLineDetection', 'Start', 1, { Name: 'A', RuleId: 1 })))).toEqual([
      'line-crossing start',
    ]);
    expect(drafts(read(event('CrossLineDetection', 'Stop', 0, { RuleID: 2 })))).toMatchObject([
      { phase: 'stop', rule: '2' },
    ]);
    expect(drafts(read(event('CrossLineDetection', 'Stop', 0)))).toMatchObject([{ phase: 'stop', rule: 'A' }]);
  });

  it('of a stop without a rule end every rule of that channel', () => {
    const { read } = reader();
    read(event('CrossLineDetection', 'Start', 0, { Name: 'A', RuleId: 1 }));
    read(event('CrossLineDetection', 'Start', 0, { Name: 'B', RuleId: 2, Direction: 'RightToLeft' }));
    expect(drafts(read(event('CrossLineDetection', 'Stop', 0))).map((d) => [d.rule, d.direction])).toEqual([
      ['A', undefined],
      ['B', 'b-to-a'],
    ]);
  });

  it('of a stop without data end the type that its start had', () => {
    const { read } = reader();
    read(event('CrossRegionDetection', 'Start', 0, { RuleId: 3, Action: 'Cross', Direction: 'Leave' }));
    expect(told(read(event('CrossRegionDetection', 'Stop', 0)))).toEqual(['region-exit stop']);
    read(event('AlarmLocal', 'Start', 1, { SenseMethod: 'PassiveInfrared' }));
    expect(told(read(event('AlarmLocal', 'Stop', 1)))).toEqual(['pir stop']);
    read(event('HeatImagingTemper', 'Start', 1, { Name: 'Boiler', TemperatureDifference: 9 }));
    expect(told(read(event('HeatImagingTemper', 'Stop', 1)))).toEqual(['temperature-difference stop']);
  });

  it('of plain motion and of a human are two alarms, each with its own end', () => {
    const { read } = reader();
    const key = (d: Record<string, unknown>): string =>
      `${alarmKey(defaultPolicy.keyParts, { ...(d as unknown as KeyedEvent), deviceId: 'nvr' })} ${d.phase}`;
    const texts = [
      event('VideoMotion', 'Start', 0),
      event('SmartMotionHuman', 'Start', 0),
      event('SmartMotionVehicle', 'Start', 0),
      event('SmartMotionHuman', 'Stop', 0),
      event('MotionDetect', 'Stop', 0),
      event('SmartMotionVehicle', 'Stop', 0),
    ];
    const of = (condition: string): string => `device=nvr;channel=1;type=motion${condition}`;
    expect(texts.flatMap((t) => drafts(read(t)).map(key))).toEqual([
      `${of('')} start`,
      `${of(';condition=SmartMotionHuman')} start`,
      `${of(';condition=SmartMotionVehicle')} start`,
      `${of(';condition=SmartMotionHuman')} stop`,
      `${of('')} stop`,
      `${of(';condition=SmartMotionVehicle')} stop`,
    ]);
  });

  it('of a difference that two codes tell of stay those of the code that began it', () => {
    const { read } = reader();
    read(event('HeatImagingTemper', 'Start', 1, { Name: 'Boiler', TemperatureDifference: 9 }));
    expect(drafts(read(event('HeatImagingTemper', 'Stop', 1)))).toMatchObject([
      { type: 'temperature-difference', condition: 'HeatImagingTemper' },
    ]);
    expect(drafts(read(event('BetweenRuleTempDiff', 'Start', 1)))[0]).not.toHaveProperty('condition');
  });

  it('of a stop that nothing began are a stop all the same', () => {
    expect(told(reader().read(event('VideoLoss', 'Stop', 2)))).toEqual(['video-loss stop']);
  });

  it('begin anew after the quiet time of a code that may never end', () => {
    const { read, wait } = reader();
    read(event('StorageFailure', 'Start', 0));
    wait(29_000);
    expect(told(read(event('StorageFailure', 'Start', 3)))).toEqual(['storage-fault refresh']);
    wait(31_000);
    expect(told(read(event('StorageFailure', 'Start', 0)))).toEqual(['storage-fault start']);
  });

  it('of a state of what is not open are none', () => {
    const { read } = reader();
    expect(read(event('VideoMotion', 'State', 0))).toEqual([]);
    read(event('VideoMotion', 'Start', 0));
    expect(told(read(event('VideoMotion', 'State', 0)))).toEqual(['motion refresh']);
  });

  it('of a fire are the same for its warning and its points', () => {
    const { read } = reader();
    expect(told(read(event('FireWarning', 'Start', 0)))).toEqual(['fire start']);
    expect(told(read(event('FireWarningInfo', 'State', 0, { HotSpot: { Temperature: 90 } })))).toEqual([
      'fire refresh',
    ]);
    expect(told(read(event('FireWarning', 'Stop', 0)))).toEqual(['fire stop']);
  });

  it('are bounded in memory', () => {
    const { read, conditions } = reader();
    for (let i = 0; i < 3_000; i++) read(event('CrossLineDetection', 'Start', 0, { RuleId: i }));
    expect(conditions.open().length).toBe(2_000);
  });
});

describe('the fields of an event', () => {
  it('of a line crossing are rule, direction, target, object and places from 0 to 1', () => {
    const data = {
      Name: 'Gate',
      RuleId: 1,
      Direction: 'RightToLeft',
      DetectLine: [
        [0, 8191],
        [8191, 0],
      ],
      Object: { ObjectType: 'Human', ObjectID: 105, BoundingBox: [0, 0, 8191, 4096] },
      Track: null,
      UTC: NOW / 1000,
      UTCMS: 702,
    };
    expect(drafts(reader().read(event('CrossLineDetection', 'Start', 0, data)))).toMatchObject([
      {
        channel: 1,
        rule: 'Gate',
        direction: 'b-to-a',
        target: 'human',
        objectId: '105',
        deviceAt: NOW + 702,
        regions: [
          {
            id: '1',
            points: [
              { x: 0, y: 1 },
              { x: 1, y: 0 },
            ],
            box: { x: 0, y: 0, width: 1, height: 0.5001 },
            target: 'human',
          },
        ],
      },
    ]);
  });

  it.each([
    [{ ObjectType: 'Human' }, 'human'],
    [{ ObjectType: 'Vehicle' }, 'vehicle'],
    [{ ObjectType: 'NonMotor' }, 'vehicle'],
    [{ Type: 'Human' }, 'human'],
    [{ ObjectType: 'Smoke' }, 'other'],
    [{ ObjectType: 'Unknown' }, undefined],
    [null, undefined],
    [7, undefined],
  ])('name the target of %j', (object, target) => {
    const found = drafts(reader().read(event('CrossLineDetection', 'Start', 0, { Object: object })));
    expect(found[0]?.target).toBe(target);
    expect(drafts(reader().read(event('CrossLineDetection', 'Start', 0, { Objects: [object] })))[0]?.target).toBe(
      target,
    );
  });

  it.each([
    [{ Action: 'Inside' }, 'intrusion'],
    [{ Action: 'Appear', Direction: 'Enter' }, 'intrusion'],
    [{ Action: 'Cross', Direction: 'Enter' }, 'region-enter'],
    [{ Action: 'Cross', Direction: 'Leave' }, 'region-exit'],
    [{ Direction: 'Leave' }, 'region-exit'],
    [{}, 'intrusion'],
  ])('of a region %j make it %s', (data, type) => {
    expect(told(reader().read(event('CrossRegionDetection', 'Pulse', 0, data)))).toEqual([`${type} pulse`]);
  });

  it('of smart motion are its targets', () => {
    const data = { RegionName: ['R1'], object: [{ HumamID: 30, Rect: [0, 0, 4096, 8191] }], WindowId: [0] };
    expect(drafts(reader().read(event('SmartMotionHuman', 'Start', 1, data)))).toMatchObject([
      {
        type: 'motion',
        target: 'human',
        channel: 2,
        rule: 'R1',
        objectId: '30',
        regions: [{ id: '30', target: 'human' }],
      },
    ]);
  });

  it('of motion are its regions', () => {
    const data = { Id: [0, 1], RegionName: ['Door', 'Gate'] };
    expect(drafts(reader().read(event('VideoMotion', 'Start', 0, data)))[0]?.regions).toEqual([
      { id: 'Door' },
      { id: 'Gate' },
    ]);
  });

  it.each([
    ['AlarmLocal', 2, { input: '2' }],
    ['AlarmIPC', 2, { input: 'ipc:3', channel: 3 }],
    ['AlarmExtended', 2, { input: 'box:2' }],
    ['AlarmNet', 2, { input: 'net:2' }],
    ['AlarmOutput', 1, { output: '1' }],
    ['StorageFailure', 7, {}],
  ])('of %s name its place', (code, index, place) => {
    const [draft] = drafts(reader().read(event(code, 'Start', index)));
    const { channel, input, output } = draft ?? {};
    expect(JSON.parse(JSON.stringify({ channel, input, output }))).toEqual(place);
  });

  it.each(['', 'x', '-1', '1.5', '9999999'])('without an index that is one (%j) name no place', (index) => {
    expect(drafts(reader().read(event('VideoMotion', 'Start', index)))[0]?.channel).toBeUndefined();
    expect(drafts(reader({ channels: 1 }).read(event('VideoMotion', 'Start', index)))[0]?.channel).toBe(1);
    expect(drafts(reader({ inputs: 1 }).read(event('AlarmLocal', 'Start', index)))[0]?.input).toBe('0');
  });
});

describe('thermal events', () => {
  it.each([
    [
      { TemperatureValue: 71.5, TemperatureUnit: 0 },
      { value: 71.5, unit: 'celsius' },
    ],
    [
      { Temperature: '160.2', TemperatureUnit: 1 },
      { value: 160.2, unit: 'fahrenheit' },
    ],
    [
      { TempInfo: { TemperMax: 80, TemperMin: 20, TemperAver: 40 } },
      { value: 80, maximum: 80, minimum: 20, average: 40 },
    ],
    [
      { TemperatureValue: 30, Result: 2, AlarmContion: 2 },
      { value: 30, maximum: 30, ruleType: 'maximum above' },
    ],
    [
      { TemperatureValue: 30, PresetID: 4, Coordinate: [8191, 0] },
      { preset: 4, point: { x: 1, y: 0 } },
    ],
    [
      { TemperatureValue: 30, AlarmCondition: 'Below', Threshold: 35 },
      { ruleType: 'Below', threshold: 35 },
    ],
  ])('with %j are understood', (data, temperature) => {
    const [draft] = drafts(reader().read(event('HeatImagingTemper', 'Start', 1, { Name: 'Boiler', ...data })));
    expect(draft).toMatchObject({ type: 'temperature-alarm', level: 'alarm', channel: 2, rule: 'Boiler', temperature });
  });

  it.each([
    [0, 'pulse'],
    [1, 'start'],
    [2, 'stop'],
  ])('whose data says Action %i are a %s, though the head says Pulse', (action, phase) => {
    expect(told(reader().read(event('HeatImagingTemper', 'Pulse', 0, { Action: action })))).toEqual([
      `temperature-alarm ${phase}`,
    ]);
  });

  it('of a difference are told as that', () => {
    expect(
      drafts(reader().read(event('HeatImagingTemper', 'Start', 0, { TemperatureDifference: 12.5 }))),
    ).toMatchObject([{ type: 'temperature-difference', temperature: { value: 12.5, difference: true } }]);
  });

  it('of a camera behind a recorder belong to the recorder’s channel, whatever the camera calls its own', () => {
    const data = { Channel: 1, Name: 'Boiler', TemperatureValue: 95.5, TemperatureUnit: 0, PresetID: 3 };
    expect(drafts(reader({ channels: 16 }).read(event('HeatImagingTemper', 'Start', 5, data)))).toMatchObject([
      {
        type: 'temperature-alarm',
        channel: 6,
        rule: 'Boiler',
        temperature: { value: 95.5, unit: 'celsius', preset: 3 },
      },
    ]);
    expect(drafts(reader({ channels: 16 }).read(event('FireWarning', 'Start', 15, { Channel: 0 })))).toMatchObject([
      { type: 'fire', channel: 16 },
    ]);
  });

  it('take the channel from the data where the index is missing', () => {
    expect(drafts(reader().read(event('HeatImagingTemper', 'Start', '', { Channel: 1 })))).toMatchObject([
      { channel: 2 },
    ]);
  });

  it('without any number are alarms all the same', () => {
    const [draft] = drafts(reader().read(event('FireWarning', 'Start', 1)));
    expect(draft).toMatchObject({ type: 'fire', phase: 'start', channel: 2 });
    expect(draft?.temperature).toBeUndefined();
  });
});

describe('times', () => {
  const at = (data: Record<string, unknown>, timeZone: string | null = 'Europe/Berlin'): unknown =>
    drafts(reader({ timeZone }).read(event('VideoMotion', 'Start', 0, data)))[0]?.deviceAt;
  // 2026-05-28T20:26:40Z, in Berlin 22:26:40.
  const seconds = NOW / 1000;
  const locale = '2026-05-28 22:26:40';
  const localAsUtc = seconds + 7_200;

  it.each([
    ['a float', { UTC: Number(`${seconds}.0`) }, NOW],
    ['a text', { UTC: `${seconds}.0`, UTCMS: 5 }, NOW + 5],
    ['the local time alone', { LocaleTime: locale }, NOW],
    ['both', { UTC: seconds, LocaleTime: locale }, NOW],
    ['a local time written as UTC, beside the local one', { UTC: localAsUtc, LocaleTime: locale }, NOW],
    ['a local time written as UTC, alone', { UTC: localAsUtc }, NOW],
    ['a UTC spoilt by a wrong zone beside a right local time', { UTC: seconds - 28_800, LocaleTime: locale }, NOW],
    ['RealUTC beside a wrong UTC', { RealUTC: seconds, UTC: localAsUtc, LocaleTime: locale }, NOW],
    ['a time that is past', { UTC: seconds - 600 }, NOW - 600_000],
    ['1970', { UTC: 12 }, null],
    ['no time', {}, null],
    ['nonsense', { UTC: 'x', LocaleTime: 'yesterday' }, null],
  ])('as %s', (_name, data, expected) => {
    expect(at(data)).toBe(expected);
  });
});

describe('parts', () => {
  it.each([
    ['Heartbeat', ['heartbeat']],
    ['heartbeat\r\n', ['heartbeat']],
    ['Code=;action=Start;index=0', ['fault']],
    ['Code=VideoMotion', ['fault']],
    ['Code=VideoMotion;action=Jump;index=0', ['fault']],
    [`Code=${'x'.repeat(200)};action=Start;index=0`, ['fault']],
    ['hello', ['fault']],
    ['code=VideoMotion; Action=START; Index=0', ['motion start']],
    ['action=Start;Code=VideoMotion;index=0', ['fault']],
    ['Code=VideoMotion;action=Start;index=0;data={"Name":"a;b=c;data=","x":1', ['motion start']],
    ['Code=VideoMotion;action=Start;index=0;data=[{"Name":"a"}]', ['motion start']],
    ['Code=VideoMotion;action=Start;index=0;data=7', ['motion start']],
    ['Code=VideoMotion;action=Start;index=0;data={"Speed":nan}', ['motion start']],
  ])('%j is %j', (text, expected) => {
    expect(told(reader().read(text))).toEqual(expected);
  });

  it('keep no secrets in what is recorded', () => {
    const data = { Address: '10.0.0.9', User: 'admin', Password: 'hunter2"x', Nested: { token: 'abc' } };
    const [draft] = drafts(reader().read(event('LoginFailure', 'Pulse', 0, data)));
    expect(draft?.raw).toContain('10.0.0.9');
    expect(draft?.raw).not.toMatch(/hunter2|abc/);
  });

  it('are recorded up to 64 KiB', () => {
    const [draft] = drafts(reader().read(event('VideoMotion', 'Start', 0, { Note: 'n'.repeat(200_000) })));
    expect(String(draft?.raw).length).toBe(65_536);
  });

  it('cannot reach prototypes', () => {
    const text = 'Code=CrossLineDetection;action=Start;index=0;data={"__proto__":{"Name":"evil","RuleId":9}}';
    expect(drafts(reader().read(text))[0]?.rule).toBeUndefined();
  });
});
