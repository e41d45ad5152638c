import type { AlarmPhase } from '../../domain/alarms';
import { badParameter, flag, oneOf, type Params, readPhases, text, wholeNumber } from '../fields';
import { jsonProblem } from '../notify/json-template';

/** Parameters of the action `mqtt-publish`. The broker is a device of driver `mqtt` (the row's device) or a config node. */
export interface MqttPublishParams {
  /** Id of the broker's config node; null: the row's device. */
  brokerId: string | null;
  phases: AlarmPhase[];
  /** Template; empty: `alarmflow/<site>/<device>/<type>`. */
  topic: string;
  /** Template; empty: the alarm as JSON. */
  payload: string;
  /** `json`: what is put in is escaped and the template is checked; `text`: put in as it is. */
  format: 'json' | 'text';
  qos: 0 | 1 | 2;
  retain: boolean;
  /** Prefix under which Home Assistant looks for new things, e.g. `homeassistant`; empty: nothing is announced. */
  discovery: string;
}

const ACTION = 'MQTT';

/** Most that a topic may be long, in octets (MQTT 5 §1.5.4). */
export const LONGEST_TOPIC = 65_535;

function readTopic(params: Params): string {
  const topic = text(ACTION, params, 'topic', 500).trim();
  const bare = topic.replaceAll(/\{\{[^}]{0,80}\}\}/g, '');
  if (/[+#]|\p{Cc}/u.test(bare)) throw badParameter(ACTION, 'topic', 'must not hold +, # or control characters');
  if (topic.startsWith('$')) throw badParameter(ACTION, 'topic', 'must not begin with $: those are the broker’s own');
  return topic;
}

/** Checks and reads the parameters; throws E_BAD_PARAMETER (user) that names the field. */
export function readMqttPublishParams(params: Params): MqttPublishParams {
  const { brokerId = null } = params;
  if (brokerId !== null && (typeof brokerId !== 'string' || brokerId.length > 200))
    throw badParameter(ACTION, 'brokerId', 'must be the id of a broker, or null');
  const format = oneOf(ACTION, params, 'format', ['json', 'text']);
  const payload = text(ACTION, params, 'payload', 20_000);
  const problem = format === 'json' && payload.trim() !== '' ? jsonProblem(payload) : null;
  if (problem !== null) throw badParameter(ACTION, 'payload', `makes no JSON: ${problem}`);
  const discovery = text(ACTION, params, 'discovery', 100).trim().replace(/\/+$/, '');
  if (!/^[\w/-]*$/.test(discovery)) throw badParameter(ACTION, 'discovery', 'must be a topic like homeassistant');
  return {
    brokerId: brokerId || null,
    phases: readPhases(ACTION, params),
    topic: readTopic(params),
    payload,
    format,
    qos: wholeNumber(ACTION, params, 'qos', 0, 2) as 0 | 1 | 2,
    retain: flag(ACTION, params, 'retain'),
    discovery,
  };
}
