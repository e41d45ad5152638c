import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Alert, type AlertSetting, redact, understand } from '../../../engine/drivers/hikvision/alert';
import { readDocuments } from '../../../engine/drivers/hikvision/document';

const setting: AlertSetting = { timeZone: 'Europe/Berlin', channels: null, family: null, near: null };

function alerts(source: string, change: Partial<AlertSetting> = {}): Alert[] {
  return readDocuments(Buffer.from(source)).flatMap((root) => {
    const meaning = understand(root, source, { ...setting, ...change });
    if (meaning.kind !== 'alerts') throw new Error(`understood as ${meaning.kind}`);
    return meaning.alerts;
  });
}

const alert = (fields: string, change: Partial<AlertSetting> = {}): Alert => {
  const [first] = alerts(`<EventNotificationAlert>${fields}</EventNotificationAlert>`, change);
  if (!first) throw new Error('no alert');
  return first;
};

const event = (name: string, more = ''): string =>
  `<eventType>${name}</eventType><eventState>active</eventState>${more}`;

describe('the names of events', () => {
  it.each([
    ['VMD', 'motion'],
    ['vmd', 'motion'],
    ['linedetection', 'line-crossing'],
    ['LineDetection', 'line-crossing'],
    ['fielddetection', 'intrusion'],
    ['regionEntrance', 'region-enter'],
    ['regionExiting', 'region-exit'],
    ['loitering', 'loitering'],
    ['group', 'group'],
    ['rapidMove', 'fast-moving'],
    ['parking', 'parking'],
    ['unattendedBaggage', 'object-left'],
    ['attendedBaggage', 'object-removed'],
    ['faceSnap', 'face'],
    ['PeopleCounting', 'people-count'],
    ['ANPR', 'plate'],
    ['IO', 'digital-input'],
    ['softIO', 'digital-input'],
    ['PIR', 'pir'],
    ['WLSensor', 'wireless-sensor'],
    ['TMPA', 'temperature-prealarm'],
    ['TMA', 'temperature-alarm'],
    ['TDPA', 'temperature-difference-prealarm'],
    ['TDA', 'temperature-difference'],
    ['fireDetection', 'fire'],
    ['smokeDetection', 'smoke'],
    ['smokeAndFireDetection', 'smoke-and-fire'],
    ['shipsDetection', 'ship'],
    ['videoloss', 'video-loss'],
    ['shelteralarm', 'tamper'],
    ['tamperdetection', 'tamper'],
    ['scenechangedetection', 'scene-change'],
    ['defocus', 'defocus'],
    ['badvideo', 'video-fault'],
    ['audioexception', 'audio'],
    ['diskerror', 'storage-fault'],
    ['diskfull', 'storage-full'],
    ['raidfailure', 'raid-fault'],
    ['nicbroken', 'network-fault'],
    ['ipconflict', 'ip-conflict'],
    ['illAccess', 'login-failure'],
    ['illaccess', 'login-failure'],
    ['recordingfailure', 'record-fault'],
    ['fanfailure', 'fan-fault'],
    ['overheat', 'overheat'],
    ['poePowerException', 'power-fault'],
    ['spareException', 'device-fault'],
    ['sparkDetection', 'vendor:sparkDetection'],
    ['constructor', 'vendor:constructor'],
    ['__proto__', 'vendor:__proto__'],
  ])('%s is %s', (name, type) => {
    expect(alert(event(name)).draft).toMatchObject({ type, vendorType: name });
  });
});

describe('channels', () => {
  const channels = { cameras: [1, 2, 34], own: [], names: new Map() };
  const hybrid = { cameras: [5, 6, 8], own: [1, 2, 3, 4], names: new Map([[8, 'Gate']]) };
  it.each([
    ['<channelID>3</channelID>', {}, 3],
    ['<dynChannelID>16</dynChannelID>', {}, 16],
    ['<channelID></channelID><dynChannelID>4</dynChannelID>', {}, 4],
    ['<channelID>0</channelID><dynChannelID>4</dynChannelID>', {}, 4],
    ['<channelID>0</channelID>', {}, undefined],
    ['<channelID/>', {}, undefined],
    ['', {}, undefined],
    ['<channelID>x</channelID>', {}, undefined],
    ['<channelID>33</channelID>', {}, 1],
    ['<channelID>34</channelID>', { family: 'recorder' as const }, 2],
    ['<channelID>34</channelID>', { family: 'recorder' as const, channels }, 34],
    ['<channelID>35</channelID>', { family: 'recorder' as const, channels }, 3],
    ['<channelID>35</channelID>', { family: 'recorder' as const, channels: hybrid }, 8],
    ['<channelID>2</channelID>', { family: 'recorder' as const, channels: hybrid }, 2],
    ['<channelID>37</channelID>', { family: 'recorder' as const, channels: hybrid }, 5],
    ['<channelID>7</channelID><dynChannelID>8</dynChannelID>', { family: 'recorder' as const, channels: hybrid }, 8],
    ['<channelID>34</channelID>', { family: 'camera' as const }, 34],
    ['<channelID>007</channelID>', {}, 7],
  ])('%s with %o is %s', (xml, change, channel) => {
    expect(alert(event('VMD', xml), change).draft.channel).toBe(channel);
  });

  it('reads the old recorder form without address, whose channel 34 is camera 2', () => {
    const [found] = alerts(
      '<?xml version="1.0" encoding="UTF-8"?>\n<EventNotificationAlert version="1.0" xmlns="urn:psialliance-org">' +
        '<channelID>34</channelID><dateTime>2025-05-05T05:05:05+02:00</dateTime><activePostCount>174</activePostCount>' +
        '<eventType>fielddetection</eventType><eventState>active</eventState>' +
        '<Extensions><serialNumber xmlns="urn:x">SN-1\n </serialNumber></Extensions></EventNotificationAlert>',
    );
    expect(found?.draft).toMatchObject({ type: 'intrusion', channel: 2, repeat: 174 });
  });
});

describe('fields', () => {
  it('reads an alarm input by its own number and gives it no channel', () => {
    const { draft } = alert(event('IO', '<channelID>1</channelID><inputIOPortID>3</inputIOPortID>'));
    expect(draft.input).toBe('3');
    expect(draft.channel).toBeUndefined();
    expect(alert(event('IO', '<dynInputIOPortID>7</dynInputIOPortID>')).draft.input).toBe('7');
  });

  it('reads regions, points, target and rectangle', () => {
    const { draft } = alert(
      event(
        'fielddetection',
        '<DetectionRegionList><DetectionRegionEntry><regionID>3</regionID><RegionCoordinatesList>' +
          '<RegionCoordinates><positionX>0</positionX><positionY>1000</positionY></RegionCoordinates>' +
          '<RegionCoordinates><positionX>505</positionX><positionY>20</positionY></RegionCoordinates>' +
          '</RegionCoordinatesList><detectionTarget>vehicle</detectionTarget>' +
          '<TargetRect><X>0.5</X><Y>0.25</Y><width>0.125</width><height>0.5</height></TargetRect>' +
          '</DetectionRegionEntry></DetectionRegionList>',
      ),
    );
    expect(draft).toMatchObject({ rule: '3', target: 'vehicle' });
    expect(draft.regions).toEqual([
      {
        id: '3',
        points: [
          { x: 0, y: 1 },
          { x: 0.505, y: 0.02 },
        ],
        box: { x: 0.5, y: 0.25, width: 0.125, height: 0.5 },
        target: 'vehicle',
      },
    ]);
  });

  it.each(['<regionID></regionID>', '<regionID> </regionID>', '<regionID/>', ''])(
    'has no rule where the region is %j',
    (id) => {
      const list = `<DetectionRegionList><DetectionRegionEntry>${id}</DetectionRegionEntry></DetectionRegionList>`;
      expect(alert(event('linedetection', list)).draft.rule).toBeUndefined();
    },
  );

  it.each([
    '<DetectionRegionList/>',
    '<DetectionRegionList>  </DetectionRegionList>',
    '<DetectionRegionList></DetectionRegionList>',
  ])('takes %s for no region at all', (list) => {
    expect(alert(event('linedetection', list)).draft.regions).toBeUndefined();
  });

  it('reports a duration as the event it belongs to, which goes on', () => {
    const found = alert(
      event(
        'duration',
        '<DurationList><Duration><relationEvent>regionEntrance</relationEvent></Duration></DurationList>',
      ),
    );
    expect(found).toMatchObject({ continuing: true, draft: { type: 'region-enter', vendorType: 'duration' } });
  });

  it('keeps a duration that names nothing', () => {
    expect(alert(event('duration')).draft.type).toBe('vendor:duration');
  });

  it('reads a retransmission and the number of pictures', () => {
    const xml = '<isDataRetransmission>TRUE</isDataRetransmission><detectionPicturesNumber>2</detectionPicturesNumber>';
    expect(alert(event('VMD', xml)).draft).toMatchObject({ retransmitted: true, picturesAnnounced: 2 });
  });

  it('ignores prefixes, namespaces and the order of elements', () => {
    const [found] = alerts(
      '<a:EventNotificationAlert xmlns:a="http://www.std-cgi.com/ver20/XMLSchema"><a:eventState>active</a:eventState>' +
        '<a:channelID>2</a:channelID><a:eventType>VMD</a:eventType></a:EventNotificationAlert>',
    );
    expect(found?.draft).toMatchObject({ type: 'motion', channel: 2 });
  });

  it('takes secrets out of what it keeps', () => {
    expect(redact('<a><password type="x">abc</password><userName>u</userName></a>')).toBe(
      '<a><password type="x">***</password><userName>u</userName></a>',
    );
    expect(redact('{"password": "abc", "user":"u"}')).toBe('{"password": "***", "user":"u"}');
    expect(redact('x'.repeat(100_000))).toHaveLength(65_536);
  });
});

describe('temperatures', () => {
  const thermal = (name: string, fields: string): string =>
    `<DetectionRegionList><DetectionRegionEntry><regionID>2</regionID><${name}>${fields}</${name}></DetectionRegionEntry></DetectionRegionList>`;

  it('reads value, threshold, unit, rule, point and preset of an alarm', () => {
    const fields =
      '<thermometryUnit>fahrenheit</thermometryUnit><ruleTemperature>131</ruleTemperature><currTemperature>160.7</currTemperature>' +
      '<ruleCalibType>line</ruleCalibType><ruleType>lowest is lower</ruleType>' +
      '<MaximumTemperaturePoint><RegionCoordinates><positionX>384</positionX><positionY>218</positionY></RegionCoordinates></MaximumTemperaturePoint>' +
      '<presetNo>4</presetNo>';
    expect(alert(event('TMA', thermal('TMA', fields))).draft).toMatchObject({
      level: 'alarm',
      rule: '2',
      temperature: {
        unit: 'fahrenheit',
        value: 160.7,
        threshold: 131,
        ruleType: 'lowest is lower',
        calibration: 'line',
        point: { x: 0.384, y: 0.218 },
        preset: 4,
      },
    });
  });

  it.each([
    ['TMPA', 'pre-alarm'],
    ['TMA', 'alarm'],
    ['TDPA', 'pre-alarm'],
    ['TDA', 'alarm'],
  ])('%s is the level %s', (name, level) => {
    expect(alert(event(name, thermal(name, '<currTemperature>9</currTemperature>'))).draft.level).toBe(level);
  });

  it('reads the level of the plain name from its element', () => {
    const pre = alert(event('thermometry', thermal('TMPA', '<currTemperature>51</currTemperature>')));
    expect(pre.draft).toMatchObject({ type: 'temperature-prealarm', level: 'pre-alarm' });
    const full = alert(event('thermometryAlarm', thermal('TMA', '<currTemperature>61</currTemperature>')));
    expect(full.draft).toMatchObject({ type: 'temperature-alarm', level: 'alarm' });
  });

  it('takes the hottest of several flames and keeps them all', () => {
    const flame = (id: number, degrees: number): string =>
      `<DetectionRegionEntry><regionID>${id}</regionID><FireDetection><FireRegion><x>100</x><y>200</y><width>30</width><height>40</height></FireRegion>` +
      `<HighestPoint><x>110</x><y>210</y></HighestPoint><temperatureUnit>celsius</temperatureUnit><fireMaxTemperature>${degrees}</fireMaxTemperature></FireDetection></DetectionRegionEntry>`;
    const { draft } = alert(
      event(
        'fireDetection',
        `<DetectionRegionList>${flame(1, 68)}${flame(2, 65)}${flame(3, 101.5)}${flame(4, 63)}</DetectionRegionList>`,
      ),
    );
    expect(draft).toMatchObject({
      type: 'fire',
      rule: '3',
      temperature: { value: 101.5, point: { x: 0.11, y: 0.21 } },
    });
    expect(draft.regions?.map((r) => r.temperature?.value)).toEqual([68, 65, 101.5, 63]);
    expect(draft.regions?.[0]?.box).toEqual({ x: 0.1, y: 0.2, width: 0.03, height: 0.04 });
  });

  it('makes a reading of each entry of a continuous upload', () => {
    const found = alerts(
      JSON.stringify({
        ThermometryUploadList: {
          ThermometryUpload: [
            {
              absTime: 1_780_000_000,
              ruleName: 'Press',
              ruleID: 1,
              ruleCalibType: 1,
              presetNo: 2,
              LinePolygonThermCfg: { MaxTemperature: 57.6, MinTemperature: 20.1, AverageTemperature: 31 },
              thermometryUnit: 0,
            },
            { ruleID: 2, ruleCalibType: 0, PointThermCfg: { temperature: '21.5' }, thermometryUnit: 1 },
          ],
        },
      }),
    );
    expect(found.map((a) => a.draft)).toMatchObject([
      {
        type: 'temperature-reading',
        rule: '1',
        description: 'Press',
        deviceAt: 1_780_000_000_000,
        temperature: { value: 57.6, unit: 'celsius', calibration: 'region', preset: 2 },
      },
      {
        type: 'temperature-reading',
        rule: '2',
        temperature: { value: 21.5, unit: 'fahrenheit', calibration: 'point' },
      },
    ]);
  });

  it('makes a reading, no alarm, of a periodic measurement', () => {
    const [found] = alerts(
      '{"channelID":2,"dateTime":"2026-01-02T03:04:05+00:00","eventType":"temperatureIntervalMeasurement","eventState":"active",' +
        '"TemperatureIntervalMeasurement":{"ruleID":3,"MaxTemperature":44.4,"thermometryUnit":"kelvin"}}',
    );
    expect(found).toMatchObject({
      nature: { life: 'pulse' },
      draft: { type: 'temperature-reading', channel: 2, rule: '3', temperature: { value: 44.4, unit: 'kelvin' } },
    });
  });
});

describe('JSON', () => {
  const fields = { eventType: 'TMPA', eventState: 'active', channelID: '2', activePostCount: '3' };
  it.each([
    ['bare', JSON.stringify(fields), 1],
    ['wrapped', JSON.stringify({ EventNotificationAlert: fields }), 1],
    ['wrapped list', JSON.stringify({ EventNotificationAlert: [fields, fields] }), 2],
    ['array', JSON.stringify([fields, fields]), 2],
    ['array of wrapped', JSON.stringify([{ EventNotificationAlert: fields }]), 1],
    ['with a NUL at the end', `${JSON.stringify(fields)}\0`, 1],
    ['with NaN', JSON.stringify(fields).replace('{', '{"x":NaN,"y":-Infinity,"z":"NaN",'), 1],
    ['with a byte order mark', `\uFEFF${JSON.stringify(fields)}`, 1],
  ])('is read %s', (_name, text, count) => {
    const found = alerts(text);
    expect(found).toHaveLength(count);
    expect(found[0]?.draft).toMatchObject({ type: 'temperature-prealarm', channel: 2, repeat: 3 });
  });

  it('reads the measurement beside the other fields', () => {
    const [found] = alerts(
      JSON.stringify({ ...fields, TMPA: { ruleID: 4, currTemperature: 52.5, ruleTemperature: 50 } }),
    );
    expect(found?.draft).toMatchObject({ rule: '4', temperature: { value: 52.5, threshold: 50 } });
  });

  it('is refused when nested without end', () => {
    expect(() => alerts(`${'{"a":'.repeat(50)}1${'}'.repeat(50)}`)).toThrow(/nested/);
  });
});

describe('anything else', () => {
  it.each(['', '   ', 'hello', '{"a":', '<a><b></a>', '[]', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'])(
    'refuses %j',
    (text) => {
      expect(() => readDocuments(Buffer.from(text))).toThrow();
    },
  );

  it('never fails in another way than by a user error, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((s) => `<a>${s}</a>`),
        ),
        (text) => {
          try {
            for (const root of readDocuments(Buffer.from(text))) understand(root, text, setting);
          } catch (error) {
            expect(error).toMatchObject({ family: 'user' });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
