/** What is published for a row: the alarm under its topic, and what Home Assistant wants to know of it. */
import { createHash } from 'node:crypto';
import type { ActionRow } from '../../domain/actions';
import { userError } from '../../domain/errors';
import { eventTypeLabel } from '../../domain/event-words';
import type { MqttMessage } from '../../domain/mqtt-broker';
import { usualJson } from '../notify/body';
import { renderJson } from '../notify/json-template';
import { isActive, type MachineValues, machineValues } from '../notify/machine-values';
import { manyLines, oneLine, renderTemplate, splitTemplate } from '../template';
import { LONGEST_TOPIC, type MqttPublishParams } from './params';

const USUAL_TOPIC = 'alarmflow/{{site}}/{{alarm.deviceName}}/{{alarm.type}}';
const USUAL_MESSAGE_TOPIC = 'alarmflow/{{site}}/message/{{node}}';
const LONGEST_PAYLOAD = 256 * 1024;

/** A value as one level of a topic: it can add none, and no wildcard (MQTT 5 §4.7). */
const level = (value: string): string => oneLine(value).replaceAll(/[/+#]/g, '_').slice(0, 200) || '_';

/** @throws E_BAD_PARAMETER (user) for a topic that is too long */
export function topicOf(template: string, row: ActionRow, values: MachineValues): string {
  const chosen = template || (row.alarm ? USUAL_TOPIC : USUAL_MESSAGE_TOPIC);
  const topic = splitTemplate(chosen)
    .map((part) => {
      if (typeof part === 'string') return part;
      return values.has(part.name) ? level(String(values.get(part.name) ?? '')) : `{{${part.name}}}`;
    })
    .join('');
  if (Buffer.byteLength(topic) > LONGEST_TOPIC)
    throw userError('E_BAD_PARAMETER', `MQTT: the topic is longer than ${LONGEST_TOPIC} octets: make it shorter`);
  return topic;
}

function payloadOf(params: MqttPublishParams, row: ActionRow, values: MachineValues, siteName: string, test: boolean) {
  if (params.payload.trim() === '') return usualJson(row, siteName, test);
  if (params.format === 'json') return renderJson(params.payload, values);
  const texts = new Map([...values].map(([name, value]) => [name, value === null ? null : String(value)]));
  return manyLines(renderTemplate(params.payload, texts, LONGEST_PAYLOAD));
}

/** The messages of a row in their order; the alarm's own is the first. */
export function mqttMessages(
  params: MqttPublishParams,
  row: ActionRow,
  siteName: string,
  test: boolean,
): [MqttMessage, ...MqttMessage[]] {
  const values = machineValues(row, siteName, test);
  const { qos, retain } = params;
  const own: MqttMessage = {
    topic: topicOf(params.topic, row, values),
    payload: payloadOf(params, row, values, siteName, test),
    qos,
    retain,
  };
  return [own, ...(params.discovery === '' || test ? [] : homeAssistant(params, row, siteName))];
}

/**
 * A binary sensor for each condition (trigger and key), which is on while its alarm lives: one alarm that ends does not
 * put out another one. Announced as Home Assistant's MQTT discovery has it, kept by the broker.
 */
function homeAssistant({ discovery, qos }: MqttPublishParams, row: ActionRow, siteName: string): MqttMessage[] {
  const { alarm } = row;
  if (!alarm) return [];
  const id = `alarmflow_${createHash('sha256').update(`${siteName}\n${alarm.triggerId}\n${alarm.key}`).digest('hex').slice(0, 16)}`;
  const base = `alarmflow/state/${id}`;
  const what = oneLine(`${alarm.triggerName}: ${eventTypeLabel(alarm.type)}`).slice(0, 200);
  const place = [alarm.deviceName, alarm.channel === undefined ? '' : `channel ${alarm.channel}`]
    .filter(Boolean)
    .join(' ');
  const announcement = {
    name: oneLine(`${what} (${place})`).slice(0, 250),
    unique_id: id,
    object_id: id,
    device_class: 'problem',
    state_topic: `${base}/state`,
    json_attributes_topic: `${base}/attributes`,
    payload_on: 'ON',
    payload_off: 'OFF',
    device: {
      identifiers: [`alarmflow_${level(siteName)}`],
      name: `alarmflow ${siteName}`.slice(0, 200),
      manufacturer: 'alarmflow',
    },
  };
  const attributes = {
    alarm: alarm.id,
    phase: row.phase,
    type: alarm.type,
    device: alarm.deviceName,
    channel: alarm.channel ?? null,
    trigger: alarm.triggerName,
    count: alarm.count,
  };
  const kept = (topic: string, payload: string): MqttMessage => ({ topic, payload, qos, retain: true });
  return [
    kept(`${discovery}/binary_sensor/${id}/config`, JSON.stringify(announcement)),
    kept(`${base}/attributes`, JSON.stringify(attributes)),
    kept(`${base}/state`, isActive(row) ? 'ON' : 'OFF'),
  ];
}
