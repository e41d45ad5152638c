import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../../engine/drivers/onvif/answer';
import { booleanOf, readMessages, stateOf } from '../../../engine/drivers/onvif/messages';
import { createReader, type Finding } from '../../../engine/drivers/onvif/reader';
import { referenceHeaders } from '../../../engine/drivers/onvif/reference-parameters';
import { serviceAddress } from '../../../engine/drivers/onvif/service-address';
import { natureOfTopic, readTopic } from '../../../engine/drivers/onvif/topics';
import { cpuTime } from '../wire/cpu-time';

const newReader = (quietMs = 0) =>
  createReader({
    setting: () => ({ channels: [], informational: false, quietMs }),
    deviceNow: () => null,
    at: () => 0,
  });

const items = (list: Record<string, string>): string =>
  Object.entries(list)
    .map(([name, value]) => `<tt:SimpleItem Name="${name}" Value="${value}"/>`)
    .join('');

const notification = (
  topic: string,
  data: Record<string, string>,
  more: { source?: Record<string, string>; key?: Record<string, string>; operation?: string; elements?: string } = {},
): string =>
  `<wsnt:NotificationMessage><wsnt:Topic>tns1:${topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-11-21T10:00:00Z"` +
  `${more.operation === undefined ? '' : ` PropertyOperation="${more.operation}"`}>` +
  `<tt:Source>${items(more.source ?? {})}</tt:Source>${more.key ? `<tt:Key>${items(more.key)}</tt:Key>` : ''}` +
  `<tt:Data>${items(data)}${more.elements ?? ''}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`;

const answer = (...notifications: string[]): Buffer =>
  Buffer.from(
    `<s:Envelope><s:Body><tev:PullMessagesResponse><tev:CurrentTime>2026-11-21T10:00:01Z</tev:CurrentTime>${notifications.join('')}</tev:PullMessagesResponse></s:Body></s:Envelope>`,
  );

const events = (findings: Finding[]) => findings.flatMap((f) => (f.kind === 'event' ? [f.draft] : []));
const read = (...notifications: string[]) => events(newReader().read(answer(...notifications)).findings);

describe('topics', () => {
  it.each([
    ['tns1:VideoSource/MotionAlarm', 'VideoSource/MotionAlarm'],
    ['\n  tns1:VideoSource /\n MotionAlarm  ', 'VideoSource/MotionAlarm'],
    ['a:Device/Trigger/tnshik:AlarmIn', 'Device/Trigger/AlarmIn'],
    ['tns1:VideoSource/tns1:Device/Trigger/DigitalInput', 'Device/Trigger/DigitalInput'],
    ['Device/Trigger/Relay', 'Device/Trigger/Relay'],
    ['/tns1:Device//Trigger/Relay/', 'Device/Trigger/Relay'],
  ])('reads %j as %s', (text, path) => expect(readTopic(text)?.path).toBe(path));

  it.each(['', '   ', '/', ':', '/:/'])('takes %j for none', (text) => expect(readTopic(text)).toBeNull());

  it.each([
    ['RuleEngine/CellMotionDetector/Motion', 'motion'],
    ['RuleEngine/MotionRegionDetector/Motion', 'motion'],
    ['VideoSource/MotionAlarm', 'motion'],
    ['RuleEngine/LineDetector/Crossed', 'line-crossing'],
    ['RuleEngine/CellMotionDetector/LineCross', 'line-crossing'],
    ['RuleEngine/FieldDetector/ObjectsInside', 'intrusion'],
    ['RuleEngine/LoiteringDetector/ObjectIsLoitering', 'loitering'],
    ['RuleEngine/CountAggregation/Counter', 'people-count'],
    ['RuleEngine/TamperDetector/Tamper', 'tamper'],
    ['RuleEngine/MyRuleDetector/FaceDetect', 'face'],
    ['VideoSource/GlobalSceneChange/ImagingService', 'scene-change'],
    ['VideoSource/ImageTooBlurry/ImagingService', 'defocus'],
    ['VideoSource/ImageTooDark/ImagingService', 'video-fault'],
    ['VideoSource/SignalLoss', 'video-loss'],
    ['VideoSource/ImpairedVisibility', 'tamper'],
    ['Device/Trigger/DigitalInput', 'digital-input'],
    ['Device/Trigger/AlarmIn', 'digital-input'],
    ['Device/Trigger/Relay', 'relay-state'],
    ['Device/HardwareFailure/StorageFailure', 'storage-fault'],
    ['Device/HardwareFailure/FanFailure', 'fan-fault'],
    ['Device/HardwareFailure/PowerSupplyFailure', 'power-fault'],
    ['Device/HardwareFailure/TemperatureCritical', 'overheat'],
    ['Device/SecurityPolicy/AuthFailed', 'login-failure'],
    ['RecordingConfig/JobState', 'record-fault'],
    ['RuleEngine/Radiometry/TemperatureAlarm', 'temperature-alarm'],
    ['RuleEngine/Thermal/TemperatureMeasurementAlarm', 'temperature-alarm'],
    ['RuleEngine/Thermal/BodyTemperatureAlarm', 'temperature-alarm'],
    ['VideoSource/RadiometryAlarm', 'temperature-alarm'],
    ['VideoAnalytics/Radiometry/SpotTemperatureReading', 'temperature-reading'],
    ['VideoAnalytics/Radiometry/BoxTemperatureReading', 'temperature-reading'],
    ['AudioAnalytics/Audio/DetectedSound', 'audio'],
    ['VideoAnalytics/MotionAlarm', 'motion'],
    ['UserAlarm/IVA/HumanShapeDetect', 'motion'],
    ['UserAlarm/VideoCover', 'tamper'],
    ['RuleEngine/TPSmartEventDetector/TPSmartEvent', 'motion'],
    ['RuleEngine/CrossLineDetector/CrossLineDetection', 'line-crossing'],
    ['VideoAnalytics/SmartMotionHuman', 'motion'],
    ['CameraApplicationPlatform/VMD/Camera1ProfileANY', 'motion'],
    ['RuleEngine/VMD3/vmd3_video_1', 'motion'],
    ['Device/IO/Port', 'digital-input'],
    ['VideoSource/Tampering', 'tamper'],
    ['Foo/Bar', 'vendor:Foo/Bar'],
    ['constructor', 'vendor:constructor'],
    ['Monitoring/ProcessorUsage', 'vendor:Monitoring/ProcessorUsage'],
  ])('knows %s as %s', (path, type) => expect(natureOfTopic(path).type).toBe(type));
});

describe('states', () => {
  it.each(['true', 'TRUE', '1', 'on', 'active', 'Active', 'yes'])('takes %s for true', (v) =>
    expect(booleanOf(v)).toBe(true),
  );
  it.each(['false', 'False', '0', 'off', 'inactive', 'no'])('takes %s for false', (v) =>
    expect(booleanOf(v)).toBe(false),
  );
  it.each(['', ' ', '2', 'perhaps', 'truefalse', undefined])('takes %j for neither', (v) =>
    expect(booleanOf(v)).toBeNull(),
  );

  const item = (name: string, value: string) => ({ name, value });
  it('prefers the items that are known', () => {
    expect(stateOf([item('Count', '1'), item('IsMotion', 'false')])).toEqual({ state: false, item: 'IsMotion' });
  });
  it('takes the only boolean of unknown name', () => {
    expect(stateOf([item('Colour', 'red'), item('IsNear', 'true')])).toEqual({ state: true, item: 'IsNear' });
  });
  it('takes neither an id nor a count for a state', () => {
    expect(stateOf([item('ObjectId', '1'), item('Count', '0')])).toBeNull();
  });
  it('holds while one of several kinds does', () => {
    expect(stateOf([item('IsPeople', 'false'), item('IsVehicle', 'true')])).toEqual({ state: true, item: 'IsVehicle' });
  });
  it('says when the known item cannot be read', () => expect(stateOf([item('State', 'perhaps')])).toBe('unreadable'));
});

describe('messages', () => {
  it('raises nothing from a state that cannot be read or is missing', () => {
    expect(read(notification('VideoSource/SignalLoss', { State: 'perhaps' }, { operation: 'Changed' }))).toEqual([]);
    expect(read(notification('VideoSource/SignalLoss', {}, { operation: 'Changed' }))).toEqual([]);
    expect(read(notification('VideoSource/SignalLoss', { Other: '12' }, { operation: 'Changed' }))).toEqual([]);
  });

  it('ends a deleted property of a topic that nobody knows', () => {
    const thing = (operation: string) => notification('Acme/Thing', { IsNear: 'true' }, { operation });
    expect(read(thing('Changed'), thing('Deleted'), thing('Deleted')).map((d) => d.phase)).toEqual(['start', 'stop']);
  });

  it('raises nothing from a crossing that is told at subscription', () => {
    expect(
      read(notification('RuleEngine/LineDetector/Crossed', { ObjectId: '0' }, { operation: 'Initialized' })),
    ).toEqual([]);
  });

  it('takes a crossing with a state of its own for one that lasts', () => {
    const draft = read(
      notification('RuleEngine/CellMotionDetector/LineCross', { IsLineCross: 'true' }, { operation: 'Changed' }),
    );
    expect(draft).toMatchObject([{ type: 'line-crossing', phase: 'start' }]);
  });

  it('takes only the error of a recording job for a fault', () => {
    const job = (state: string) =>
      notification(
        'RecordingConfig/JobState',
        { State: state },
        { operation: 'Changed', source: { RecordingJobToken: 'j' } },
      );
    expect(read(job('Active'), job('Error'), job('Idle')).map((d) => `${d.type} ${d.phase}`)).toEqual([
      'record-fault stop',
      'record-fault start',
      'record-fault stop',
    ]);
  });

  it('reads temperatures in Kelvin', () => {
    const elements =
      '<tt:ElementItem Name="Reading"><ttr:BoxTemperatureReading ItemID="4" MaxTemperature="341.2" MinTemperature="290" AverageTemperature="300.5"/></tt:ElementItem>';
    expect(read(notification('VideoAnalytics/Radiometry/BoxTemperatureReading', {}, { elements }))).toMatchObject([
      {
        type: 'temperature-reading',
        phase: 'pulse',
        rule: '4',
        temperature: {
          unit: 'kelvin',
          value: 341.2,
          maximum: 341.2,
          minimum: 290,
          average: 300.5,
          calibration: 'region',
        },
      },
    ]);
  });

  it('reads a temperature alarm as state per module', () => {
    const alarm = (active: string) =>
      notification(
        'RuleEngine/Radiometry/TemperatureAlarm',
        { AlarmActive: active, TimeStamp: '2026-11-21T10:00:00Z' },
        {
          operation: 'Changed',
          source: { VideoSourceToken: '000', RuleName: 'boiler' },
          key: { RadiometryModuleID: '1' },
        },
      );
    expect(read(alarm('true'), alarm('false'))).toMatchObject([
      { type: 'temperature-alarm', phase: 'start', level: 'alarm', rule: 'boiler' },
      { type: 'temperature-alarm', phase: 'stop' },
    ]);
  });

  it('tells target and direction where the device does', () => {
    const data = { ObjectId: '7', ClassTypes: 'Human', Direction: 'A->B' };
    expect(read(notification('RuleEngine/LineDetector/Crossed', data))).toMatchObject([
      { type: 'line-crossing', phase: 'pulse', target: 'human', objectId: '7', direction: 'a-to-b' },
    ]);
  });

  it('reads several tt:Messages inside one Message', () => {
    const two = notification(
      'Device/Trigger/DigitalInput',
      { LogicalState: 'true' },
      { operation: 'Changed', source: { InputToken: '000' } },
    ).replace(/(<tt:Message .*<\/tt:Message>)/, (one) => one + one.replace('"000"', '"001"'));
    expect(read(two).map((d) => d.input)).toEqual(['000', '001']);
  });

  it('keeps the whole messages of an answer that was cut', () => {
    const one = notification('VideoSource/SignalLoss', { State: 'true' }, { operation: 'Changed' });
    const bytes = answer(one, one);
    const { findings } = newReader().read(bytes.subarray(0, bytes.length - 150));
    expect(events(findings)).toHaveLength(1);
    expect(findings.some((f) => f.kind === 'fault')).toBe(true);
  });

  it('ends what lasts after the silence that the operator set', () => {
    const { findings } = newReader(8_000).read(
      answer(notification('VideoSource/SignalLoss', { State: 'true' }, { operation: 'Changed' })),
    );
    expect(events(findings)).toMatchObject([{ phase: 'start', quietMs: 8_000 }]);
  });

  it('does not repeat a state that is told again at a synchronisation', () => {
    const reader = newReader();
    const told = answer(notification('VideoSource/SignalLoss', { State: 'false' }, { operation: 'Initialized' }));
    expect(events(reader.read(told).findings).map((d) => d.phase)).toEqual(['stop']);
    expect(events(reader.read(told).findings)).toEqual([]);
    reader.resubscribed();
    expect(events(reader.read(told).findings)).toEqual([]);
  });

  it('survives any bytes', () => {
    const reader = newReader();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        reader.read(Buffer.from(bytes));
        readAnswer({ status: 200, body: Buffer.from(bytes) });
      }),
      { numRuns: 300 },
    );
  });

  it('survives documents with anything cut out, doubled or put in', () => {
    const whole = answer(
      notification(
        'RuleEngine/FieldDetector/ObjectsInside',
        { IsInside: 'true' },
        { operation: 'Changed', key: { ObjectId: '1' } },
      ),
      notification(
        'Device/Trigger/Relay',
        { LogicalState: 'active' },
        { operation: 'Initialized', source: { RelayToken: '000' } },
      ),
    ).toString();
    const reader = newReader();
    fc.assert(
      fc.property(
        fc.nat(whole.length),
        fc.nat(60),
        fc.oneof(
          fc.constantFrom('<', '>', '</', '"', '&', '<!DOCTYPE x>', '<![CDATA[', '<tt:Message>', 'Envelope'),
          fc.string({ maxLength: 20 }),
        ),
        (at, cut, put) => {
          const text = whole.slice(0, at) + put + whole.slice(at + cut);
          readMessages(Buffer.from(text));
          for (const draft of events(reader.read(Buffer.from(text)).findings))
            expect(draft.raw.length).toBeLessThan(65_537);
          referenceHeaders(text);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('survives any names and values, those of Object.prototype too', () => {
    const name = fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'toString', 'State', 'IsMotion'),
      fc.stringMatching(/^[A-Za-z/:]{0,20}$/),
    );
    const reader = newReader();
    fc.assert(
      fc.property(
        name,
        name,
        name,
        fc.constantFrom('Initialized', 'Changed', 'Deleted', 'Odd'),
        (topic, item, value, operation) => {
          reader.read(answer(notification(topic, { [item]: value }, { operation, source: { [value]: item } })));
        },
      ),
      { numRuns: 300 },
    );
    expect(({} as Record<string, unknown>).State).toBeUndefined();
  });

  it('needs time in proportion to a hostile document', () => {
    const hostile = [
      '<a:NotificationMessage>'.repeat(20_000),
      `<x:ReferenceParameters ${' '.repeat(200_000)}`,
      `<SubscriptionReference><a:ReferenceParameters>${'<b '.repeat(5_000)}</a:ReferenceParameters>`,
      'CurrentTime'.repeat(50_000),
      ' xmlns:a="'.repeat(50_000),
    ];
    const spent = cpuTime(() => {
      for (const text of hostile) {
        readMessages(Buffer.from(text));
        referenceHeaders(text);
      }
    });
    expect(spent).toBeLessThan(2_000);
  });
});

describe('reference parameters', () => {
  it('are copied as they are, with the namespaces that were in scope', () => {
    const headers = referenceHeaders(
      '<s:Envelope xmlns:s="urn:s" xmlns:d="urn:d"><r><n:SubscriptionReference xmlns:n="urn:n"><w:Address>x</w:Address>' +
        '<w:ReferenceParameters xmlns:e="urn:e"><d:Id e:k="1">007 &amp; 8</d:Id><Plain xmlns="urn:p"/></w:ReferenceParameters></n:SubscriptionReference></r></s:Envelope>',
    );
    expect(headers).toContain('xmlns:d="urn:d"');
    expect(headers).toContain('xmlns:e="urn:e"');
    expect(headers).toMatch(/e:k="1">007 &amp; 8<\/d:Id>/);
    expect(headers).toMatch(/<Plain[^>]* xmlns="urn:p"\/>/);
    expect(headers).not.toContain('urn:s"');
  });

  it.each(['', '<SubscriptionReference/>', '<SubscriptionReference><ReferenceParameters/></SubscriptionReference>'])(
    'are none in %j',
    (text) => expect(referenceHeaders(text)).toBe(''),
  );
});

describe('service addresses', () => {
  it.each([
    ['http://10.0.0.9/onvif/events', '/onvif/events', 80],
    ['https://10.0.0.9:8443/a?b=c', '/a?b=c', 8443],
    ['http://[fe80::1]/x http://10.0.0.9/x', '/x', 80],
    ['http://user:secret@10.0.0.9/x y', '/x', 80],
    ['/onvif/events', '/onvif/events', null],
    ['http://10.0.0.9', '/', 80],
    ['http://10.0.0.9/sn"ap', '/sn%22ap', 80],
  ])('of %s have the path %s', (text, path, port) => expect(serviceAddress(text)).toMatchObject({ path, port }));
  it.each(['', 'nothing', null])('are none in %j', (text) => expect(serviceAddress(text)).toBeNull());
});
