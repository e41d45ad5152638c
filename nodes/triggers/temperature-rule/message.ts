import { type EventTemperature, type TemperatureUnit, userError } from '../../../engine/index';
import { messageIdOf, topicOf } from '../../shared/messages';
import type { FlowMessage } from '../../shared/runtime-api';

/** Places that one message may tell. */
const MOST_PLACES = 256;
const LONGEST_NAME = 128;

/** What a message is understood as: the shape of `FlowEngine.offerReading`. */
export interface MessageReading {
  messageId: string;
  places: { name: string; temperature: EventTemperature }[];
}

const units: Record<string, TemperatureUnit> = {
  c: 'celsius',
  celsius: 'celsius',
  f: 'fahrenheit',
  fahrenheit: 'fahrenheit',
  k: 'kelvin',
  kelvin: 'kelvin',
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? String(value);

/**
 * The temperatures of a message: `payload` is a number, an object `{value, unit, name}` with optional `minimum`,
 * `maximum` and `average`, or an array of such objects. A number that comes as text counts, because MQTT knows no
 * other. The name is the object's, else `msg.topic`; the unit the object's, else `msg.unit`, else the node's.
 *
 * @throws E_BAD_READING (user) that tells what was found and what is understood
 */
export function readingOf(message: FlowMessage, subject: string, unit: TemperatureUnit): MessageReading {
  const { payload } = message;
  const refuse = (what: string): never => {
    throw userError(
      'E_BAD_READING',
      `${subject} got ${what}: set msg.payload to a temperature, to {value, unit, name}, or to an array of such objects`,
    );
  };
  const unitOf = (value: unknown): TemperatureUnit | null => {
    if (value === undefined || value === null || value === '') return null;
    const found = typeof value === 'string' ? value.trim().replace(/^°/, '').toLowerCase() : '';
    return Object.hasOwn(units, found)
      ? (units[found] ?? null)
      : refuse(`the unit ${shown(value)}, which is none of °C, °F and K`);
  };
  const numberOf = (value: unknown): number | undefined => {
    if (value === undefined || value === null) return undefined;
    const number = typeof value === 'string' && value.trim() !== '' && value.length <= 64 ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number)
      ? number
      : refuse(`${shown(value)}, which is no number`);
  };
  const topic = topicOf(message, subject).trim();
  const messageUnit = unitOf(message.unit) ?? unit;

  const placeOf = (entry: unknown, single: boolean): MessageReading['places'][number] => {
    const fields = isObject(entry) ? entry : { value: entry };
    const given = fields.name ?? fields.id;
    if (given !== undefined && typeof given !== 'string' && typeof given !== 'number')
      refuse(`the name ${shown(given)}`);
    const name = (given === undefined ? topic : String(given)).trim();
    if (!single && (given === undefined || name === '')) refuse(`an array whose entry ${shown(entry)} has no name`);
    if (name.length > LONGEST_NAME) refuse(`a name of ${name.length} characters, at most ${LONGEST_NAME} are allowed`);
    const value = numberOf(fields.value ?? fields.temperature);
    const minimum = numberOf(fields.minimum ?? fields.min);
    const maximum = numberOf(fields.maximum ?? fields.max);
    const average = numberOf(fields.average ?? fields.avg);
    if (value === undefined && minimum === undefined && maximum === undefined && average === undefined) {
      refuse(payload === undefined ? 'no payload' : `${shown(entry)}, which has no temperature`);
    }
    const temperature: EventTemperature = { unit: unitOf(fields.unit) ?? messageUnit };
    if (value !== undefined) temperature.value = value;
    if (minimum !== undefined) temperature.minimum = minimum;
    if (maximum !== undefined) temperature.maximum = maximum;
    if (average !== undefined) temperature.average = average;
    return { name, temperature };
  };

  const entries: unknown[] = Array.isArray(payload) ? payload : [payload];
  if (entries.length === 0 || entries.length > MOST_PLACES)
    refuse(`an array of ${entries.length}, 1 to ${MOST_PLACES} are allowed`);
  return {
    messageId: messageIdOf(message, subject),
    places: entries.map((entry) => placeOf(entry, !Array.isArray(payload))),
  };
}
