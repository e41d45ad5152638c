import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { testMqttBroker } from '../../engine/actions';
import { mqttMessages } from '../../engine/actions/mqtt/messages';
import { readMqttPublishParams } from '../../engine/actions/mqtt/params';
import type { ActionRow } from '../../engine/domain/actions';
import type { Alarm } from '../../engine/domain/alarms';
import type { MqttBroker } from '../../engine/domain/mqtt-broker';
import { mosquittoMissing, startMosquitto } from '../support/mosquitto';
import { until } from '../support/recording-sink';
import { serverTest } from '../support/server-test';
import { ActionBench, anAlarm, aRow } from './action-bench';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const params = (fields: Record<string, unknown> = {}) => ({
  brokerId: 'broker',
  phases: ['raise', 'clear', 'end'],
  topic: '',
  payload: '',
  format: 'json',
  qos: 1,
  retain: false,
  discovery: '',
  ...fields,
});
const aMessage = (fields: Record<string, unknown> = {}, alarm: Partial<Alarm> = {}, row: Partial<ActionRow> = {}) =>
  aRow('mqtt-publish', params(fields), {
    ...row,
    alarm: { ...anAlarm(alarm), phase: (row.phase ?? 'raise') as 'raise' },
  });
const messagesOf = (row: ActionRow, test = false) =>
  mqttMessages(readMqttPublishParams(row.params), row, 'Depot', test);

const brokerAt = (port: number, fields: Partial<MqttBroker> = {}): MqttBroker => ({
  id: 'broker',
  name: 'Hall',
  host: '127.0.0.1',
  port,
  tls: false,
  authority: '',
  fingerprint: '',
  version: 5,
  clientId: '',
  credentials: null,
  ...fields,
});

describe('a message', () => {
  it('has a topic to which no name can add a level', () => {
    const [{ topic }] = messagesOf(
      aMessage({ topic: 'x/{{alarm.deviceName}}/{{alarm.type}}' }, { deviceName: 'a/+/#\n' }),
    );
    expect(topic).toBe('x/a____/temperature-alarm');
  });

  it('has the usual topic and the whole alarm without templates', () => {
    const [{ topic, payload }] = messagesOf(aMessage());
    expect(topic).toBe('alarmflow/Depot/Hall camera/temperature-alarm');
    expect(JSON.parse(payload)).toMatchObject({ phase: 'raise', active: true, alarm: { id: 'alarm-1' } });
  });

  it('has a JSON or a text of its template', () => {
    expect(messagesOf(aMessage({ payload: '{"c": {{alarm.channel}}}' }))[0].payload).toBe('{"c": 2}');
    expect(messagesOf(aMessage({ format: 'text', payload: '{{phase}} {{alarm.channel}}' }))[0].payload).toBe('raise 2');
  });

  it('tells Home Assistant of a sensor for its condition alone', () => {
    const kept = messagesOf(aMessage({ discovery: 'homeassistant' })).slice(1);
    const [config, , state] = kept;
    const { unique_id: id, state_topic: topic } = JSON.parse(config!.payload);
    expect(config!.topic).toBe(`homeassistant/binary_sensor/${id}/config`);
    expect(state).toMatchObject({ topic, payload: 'ON', retain: true });
    const end = messagesOf(aMessage({ discovery: 'homeassistant' }, {}, { phase: 'end' })).at(-1);
    expect(end).toMatchObject({ topic, payload: 'OFF' });
    const other = messagesOf(aMessage({ discovery: 'homeassistant' }, { key: 'cam/3' })).at(-1);
    expect(other?.topic).not.toBe(topic);
  });

  it('of a test button makes no sensor', () => {
    expect(messagesOf(aMessage({ discovery: 'homeassistant' }), true)).toHaveLength(1);
  });

  it.each([
    [{ topic: 'a/+/b' }, 'topic'],
    [{ topic: '$SYS/a' }, 'topic'],
    [{ payload: '{' }, 'payload'],
    [{ qos: 3 }, 'qos'],
    [{ retain: 'yes' }, 'retain'],
    [{ discovery: 'a#' }, 'discovery'],
    [{ brokerId: 7 }, 'brokerId'],
  ])('with %j is refused', (fields, field) => {
    expect(() => new ActionBench().handler('mqtt-publish').check(params(fields))).toThrow(`"${field}"`);
  });
});

describe('with mosquitto', () => {
  for (const version of [4, 5] as const)
    for (const qos of [0, 1, 2] as const)
      serverTest(`comes with QoS ${qos} over MQTT ${version}, kept where asked`, mosquittoMissing, async () => {
        const mosquitto = await startMosquitto();
        closers.push(() => mosquitto.stop());
        const bench = new ActionBench();
        bench.mqttBroker = brokerAt(mosquitto.port, { version });
        const result = await bench.run(aMessage({ qos, retain: true, topic: 'kept', discovery: 'ha' }));
        expect(result.summary).toContain(qos === 0 ? 'not confirmed' : 'confirmed it');
        const client = await connectAsync(`mqtt://127.0.0.1:${mosquitto.port}`, { protocolVersion: 5 });
        closers.push(() => client.endAsync(true));
        const came: { topic: string; retain: boolean; identity: unknown }[] = [];
        client.on('message', (topic, _payload, { retain, properties }) => {
          came.push({ topic, retain, identity: properties?.userProperties?.['idempotency-key'] });
        });
        await client.subscribeAsync('#', { qos: 2 });
        await until('all', () => came.length === 4);
        const kept = came.find(({ topic }) => topic === 'kept');
        expect(kept).toMatchObject({
          retain: true,
          identity: version === 5 ? expect.stringMatching(/^[\da-f-]{36}$/) : undefined,
        });
      });

  serverTest('the test logs in and says so', mosquittoMissing, async () => {
    const mosquitto = await startMosquitto();
    closers.push(() => mosquitto.stop());
    expect(await testMqttBroker(brokerAt(mosquitto.port))).toEqual({
      ok: true,
      detail: expect.stringContaining('takes us without a login. Without TLS'),
    });
  });
});
