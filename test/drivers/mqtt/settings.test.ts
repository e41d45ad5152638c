import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { discoveryFilters, readAnnouncement } from '../../../engine/drivers/mqtt/discovery';
import { onOff, parseJsonPath, payloadOf, valueAt } from '../../../engine/drivers/mqtt/payload';
import { thingOf } from '../../../engine/drivers/mqtt/profiles';
import { brokerSettings, readBrokerOptions } from '../../../engine/drivers/mqtt/settings';
import { pulseTime } from '../../../engine/drivers/mqtt/tasmota';
import { readThingLines } from '../../../engine/drivers/mqtt/thing-lines';

const thing = (line: string) => thingOf(readThingLines(line)[0]!);
const read = (line: string, topic: string, payload: string) => thing(line).read(topic, payloadOf(Buffer.from(payload)));

describe('the list of things', () => {
  it('takes names and values in quotes, and comments', () => {
    const lines = readThingLines(
      '# the yard\n\n tasmota "Yard siren" topic=yard/siren output=1\ntopic L command=a send-on=\'{"s": "x y"}\'',
    );
    expect(lines).toEqual([
      { profile: 'tasmota', name: 'Yard siren', keys: { topic: 'yard/siren', output: '1' }, line: 3 },
      { profile: 'topic', name: 'L', keys: { command: 'a', 'send-on': '{"s": "x y"}' }, line: 4 },
    ]);
  });

  it.each<[string, RegExp]>([
    ['knx Door id=1', /line 1: "knx" is no kind of thing/],
    ['zigbee', /a name comes second/],
    ['zigbee device=x base=y', /a name comes second/],
    ['zigbee A device=x colour=red', /is no setting of zigbee/],
    ['zigbee A device=x device=y', /twice/],
    ['zigbee "A device=x', /not closed/],
    ['zigbee A device=', /no value/],
    ['zigbee A device=a/#', /no # and no \+/],
    ['zigbee A', /needs device=/],
    ['zigbee A device=x\nzigbee A device=y', /line 2: there are two things/],
    ['tasmota A topic=x', /needs output= or input=/],
    ['tasmota A topic=x output=99', /whole number from 1 to 32/],
    ['tasmota A topic=x output=1 full=%topic%', /FullTopic/],
    ['tasmota A topic=x input=1 pulse=5', /things with an output/],
    ['tasmota A topic=x output=1 switch=fan', /give siren or light/],
    ['shelly1 A id=x output=0 pulse=5', /no timer/],
    ['shelly2 A id=x sensor=fire', /smoke:0/],
    ['zigbee A device=x output=cover', /output=cover/],
    ['zigbee A device=x input=a,b type=fire', /one property/],
    ['topic A', /state= or command=/],
    ['topic A state=x on=1', /belong together/],
    ['topic A state=x on=ON off=on', /the same/],
    ['topic A state=x path=a..b', /no path/],
    ['topic A state=x type=burglary', /no type of event/],
    ['topic A state=x invert=maybe', /yes or no/],
  ])('refuses %j, naming the line', (text, words) => {
    expect(() => readBrokerOptions({ things: text })).toThrow(words);
  });

  it('never fails in another way, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            'tasmota ',
            'zigbee ',
            'topic ',
            'a',
            '=',
            '"',
            "'",
            ' ',
            '\n',
            'state=',
            'device=',
            'x',
          ),
        }),
        (text) => {
          try {
            readBrokerOptions({ things: text });
          } catch (error) {
            expect(error).toMatchObject({ code: 'E_DEVICE_OPTIONS', family: 'user' });
          }
        },
      ),
    );
  });

  it('stays the same when it is read again', () => {
    const once = readBrokerOptions({ things: 'zigbee A device=b/c', discovery: 'homeassistant/' });
    expect(readBrokerOptions(once)).toEqual(once);
    expect(brokerSettings(once)).toMatchObject({ discovery: 'homeassistant', version: 4, qos: 1 });
  });
});

describe('what things say', () => {
  const input = (type: string, active: boolean, edge = true) =>
    expect.objectContaining({ kind: 'state', of: 'input', type, active, edge });
  const output = (active: boolean, edge = true) =>
    expect.objectContaining({ kind: 'state', of: 'output', type: 'relay-state', active, edge });
  const tasmota = 'tasmota T topic=a/b output=2 input=3';

  it.each<[string, string, string, string, unknown[]]>([
    ['Tasmota, power', tasmota, 'stat/a/b/POWER2', 'ON', [output(true)]],
    ['Tasmota, result', tasmota, 'stat/a/b/RESULT', '{"POWER2":"OFF"}', [output(false)]],
    ['Tasmota, another relay', tasmota, 'stat/a/b/RESULT', '{"POWER1":"OFF"}', []],
    ['Tasmota, switch', tasmota, 'stat/a/b/SWITCH3', 'ON', [input('digital-input', true)]],
    ['Tasmota, switch as JSON', tasmota, 'stat/a/b/SWITCH3', '{"Action":"ON"}', [input('digital-input', true)]],
    [
      'Tasmota, switch in the result',
      tasmota,
      'stat/a/b/RESULT',
      '{"Switch3":{"Action":"OFF"}}',
      [input('digital-input', false)],
    ],
    ['Tasmota, periodic', tasmota, 'tele/a/b/SENSOR', '{"Switch3":"ON"}', [input('digital-input', true, false)]],
    ['Tasmota, first of one', 'tasmota T topic=t output=1', 'stat/t/POWER', 'ON', [output(true)]],
    [
      'Tasmota, other FullTopic',
      'tasmota T topic=t output=1 full=%topic%/%prefix%/',
      't/stat/POWER1',
      'ON',
      [output(true)],
    ],
    ['Shelly 1, relay', 'shelly1 S id=x output=0', 'shellies/x/relay/0', 'on', [output(true)]],
    [
      'Shelly 1, overpower',
      'shelly1 S id=x output=0',
      'shellies/x/relay/0',
      'overpower',
      [expect.objectContaining({ kind: 'pulse', type: 'power-fault' })],
    ],
    ['Shelly 1, input', 'shelly1 S id=x input=1', 'shellies/x/input/1', '1', [input('digital-input', true)]],
    [
      'Shelly 1, flood',
      'shelly1 S id=x sensor=flood',
      'shellies/x/sensor/flood',
      'true',
      [input('vendor:water_leak', true)],
    ],
    [
      'Shelly 1, window',
      'shelly1 S id=x sensor=state',
      'shellies/x/sensor/state',
      'open',
      [input('vendor:state', true)],
    ],
    [
      'Shelly 2, part of the state',
      'shelly2 S id=x output=0 input=0',
      'x/events/rpc',
      '{"method":"NotifyStatus","params":{"switch:0":{"apower":7}}}',
      [],
    ],
    [
      'Shelly 2, change',
      'shelly2 S id=x output=0',
      'x/events/rpc',
      '{"method":"NotifyStatus","params":{"switch:0":{"output":true}}}',
      [output(true)],
    ],
    [
      'Shelly 2, whole state',
      'shelly2 S id=x input=0',
      'x/events/rpc',
      '{"method":"NotifyFullStatus","params":{"input:0":{"state":true}}}',
      [input('digital-input', true, false)],
    ],
    [
      'Shelly 2, button down',
      'shelly2 S id=x input=0',
      'x/events/rpc',
      '{"method":"NotifyEvent","params":{"events":[{"component":"input:0","event":"btn_down"}]}}',
      [],
    ],
    ['Shelly 2, smoke', 'shelly2 S id=x sensor=smoke:0', 'x/status/smoke:0', '{"alarm":true}', [input('smoke', true)]],
    [
      'Zigbee, open contact',
      'zigbee Z device=a/b',
      'zigbee2mqtt/a/b',
      '{"contact":false}',
      [input('digital-input', true)],
    ],
    [
      'Zigbee, all of a detector',
      'zigbee Z device=d',
      'zigbee2mqtt/d',
      '{"smoke":true,"tamper":false,"battery_low":true,"linkquality":1}',
      [input('smoke', true), input('tamper', false), input('power-fault', true)],
    ],
    [
      'Zigbee, only what is listed',
      'zigbee Z device=d input=occupancy type=intrusion',
      'zigbee2mqtt/d',
      '{"occupancy":true,"tamper":true}',
      [input('intrusion', true)],
    ],
    [
      'Zigbee, endpoint',
      'zigbee Z device=d output=state_l2',
      'zigbee2mqtt/d',
      '{"state_l1":"ON","state_l2":"OFF"}',
      [output(false)],
    ],
    ['Zigbee, the end of an action', 'zigbee Z device=d', 'zigbee2mqtt/d', '{"action":""}', []],
    [
      'free topic, place in JSON',
      'topic F state=t path=a[1].b on=open off=shut',
      't',
      '{"a":[0,{"b":"OPEN"}]}',
      [input('digital-input', true)],
    ],
    ['free topic, another word', 'topic F state=t on=open off=shut', 't', 'ajar', []],
    ['free topic, turned around', 'topic F state=t invert=yes', 't', '0', [input('digital-input', true)]],
    ['free topic, number of a prototype', 'topic F state=t path=constructor.name', 't', '{"a":1}', []],
  ])('%s', (_name, line, topic, payload, senses) => {
    expect(read(line, topic, payload)).toEqual(senses);
  });

  it.each(['tele/a/b/LWT', 'shellies/x/online', 'x/online', 'zigbee2mqtt/d/availability'])(
    'tells availability on %s',
    (topic) => {
      const lines = { t: tasmota, s: 'shelly1 S id=x output=0', x: 'shelly2 S id=x output=0', z: 'zigbee Z device=d' };
      const line = lines[topic[0] as keyof typeof lines] ?? '';
      for (const word of ['Online', 'true', '{"state":"online"}'])
        expect(read(line, topic, word)).toEqual([{ kind: 'availability', by: 'thing', online: true }]);
      expect(read(line, topic, 'offline')).toEqual([{ kind: 'availability', by: 'thing', online: false }]);
      expect(read(line, topic, 'perhaps')).toEqual([]);
    },
  );

  it('never throws, whatever comes on whatever topic', () => {
    const lines = [
      tasmota,
      'shelly1 S id=x output=0 input=0',
      'shelly2 S id=x output=0 input=0',
      'zigbee Z device=d',
      'topic F state=t path=a[0]',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...lines), fc.nat(20), fc.oneof(fc.string(), fc.json()), (line, at, payload) => {
        const { topics } = thing(line);
        expect(Array.isArray(read(line, topics[at % topics.length]!, payload))).toBe(true);
      }),
    );
  });
});

describe('payloads', () => {
  it.each([
    ['ON', true],
    ['on', true],
    [1, true],
    ['1', true],
    ['True', true],
    [false, false],
    ['off', false],
    ['', null],
    ['toggle', null],
    [null, null],
    [2, null],
  ])('reads %j as %j', (value, state) => expect(onOff(value)).toBe(state));

  it('finds own places in JSON only', () => {
    expect(valueAt({ a: { b: [1, 2] } }, parseJsonPath('$.a.b[1]')!)).toBe(2);
    expect(valueAt({}, parseJsonPath('__proto__')!)).toBeUndefined();
    expect(parseJsonPath('a[*]')).toBeNull();
  });

  it('counts Tasmota’s pulse in tenths up to 11.1 s and in seconds beyond', () => {
    expect([100, 1_500, 11_100, 12_000, 60_000].map(pulseTime)).toEqual([1, 15, 111, 112, 160]);
  });
});

describe('Home Assistant’s discovery', () => {
  const announce = (topic: string, json: unknown) =>
    readAnnouncement(
      'homeassistant',
      topic,
      payloadOf(Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))),
    );

  it('reads abbreviations, ~ and a template', () => {
    const found = announce('homeassistant/switch/node/pump/config', {
      '~': 'a/b',
      cmd_t: '~/set',
      stat_t: '~/state',
      val_tpl: "{{ value_json['x'].y }}",
      pl_on: 'go',
      pl_off: 'stop',
      avty: [{ t: '~/up', pl_avail: 'yes', pl_not_avail: 'no' }],
    });
    expect(found).toMatchObject({
      kind: 'thing',
      id: 'node/pump',
      thing: { name: 'node/pump', topics: ['a/b/state', 'a/b/up'] },
    });
    if (found.kind !== 'thing') throw new Error('no thing');
    expect(found.thing.output?.on(null)).toEqual([{ topic: 'a/b/set', payload: 'go' }]);
    const say = (topic: string, text: string) => found.thing.read(topic, payloadOf(Buffer.from(text)));
    expect(say('a/b/state', '{"x":{"y":"go"}}')).toEqual([expect.objectContaining({ of: 'output', active: true })]);
    expect(say('a/b/up', 'no')).toEqual([{ kind: 'availability', by: 'thing', online: false }]);
  });

  it.each<[string, unknown, string]>([
    ['homeassistant/binary_sensor/x/config', { stat_t: 'a', val_tpl: '{{ value_json.a | float > 3 }}' }, 'unknown'],
    ['homeassistant/switch/x/config', { stat_t: 'a' }, 'unknown'],
    ['homeassistant/light/x/config', { cmd_t: 'a', schema: 'json' }, 'unknown'],
    ['homeassistant/switch/x/config', { cmd_t: 'a/#' }, 'unknown'],
    ['homeassistant/switch/x/config', '[1]', 'unknown'],
    ['homeassistant/switch/x/config', '', 'gone'],
    ['homeassistant/sensor/x/config', { stat_t: 'a' }, 'other'],
  ])('%s %j is %s', (topic, json, kind) => {
    expect(announce(topic, json).kind).toBe(kind);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.json(), (json) => void announce('homeassistant/light/x/config', json)));
    expect(discoveryFilters('h')).toEqual(['h/+/+/config', 'h/+/+/+/config']);
  });
});
