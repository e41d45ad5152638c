import { X509Certificate } from 'node:crypto';
import type { DriverField } from '../driver';
import { optionError, readFields } from '../driver-options';
import { thingOf } from './profiles';
import type { Thing } from './thing';
import { isTopic, readThingLines } from './thing-lines';

/** A broker's settings as the connection uses them. */
export interface BrokerSettings {
  things: Thing[];
  /** Prefix of Home Assistant's discovery; null: it is not read. */
  discovery: string | null;
  version: 4 | 5;
  qos: 0 | 1;
  /** Empty: made of the device's id. */
  clientId: string;
  /** Certificates of the authority that alone is trusted, as PEM; null: those of the system. */
  authority: string | null;
  /** Topic of our own state and will; null: none. */
  statusTopic: string | null;
  confirmMs: number;
}

const TITLE = 'MQTT';

/** The driver's part of the device dialog. */
export const brokerFields: readonly DriverField[] = [
  {
    name: 'things',
    label: 'Things',
    kind: 'lines',
    value: '',
    hint: 'One a line, e.g. tasmota "Yard siren" topic=siren output=1; zigbee Door device=hall/door; shelly2 Gate id=shellyplus1-a8 output=0 input=0; topic Lamp command=lamp/set state=lamp',
  },
  {
    name: 'discovery',
    label: 'Home Assistant discovery, prefix',
    kind: 'text',
    value: '',
    hint: 'homeassistant, where things announce themselves; empty: only the things above',
  },
  {
    name: 'version',
    label: 'Protocol',
    kind: 'choice',
    value: '3.1.1',
    choices: [
      { value: '3.1.1', label: 'MQTT 3.1.1' },
      { value: '5', label: 'MQTT 5' },
    ],
  },
  {
    name: 'qos',
    label: 'Quality of service',
    kind: 'choice',
    value: '1',
    choices: [
      { value: '0', label: '0, at most once' },
      { value: '1', label: '1, at least once' },
    ],
  },
  { name: 'clientId', label: 'Client id', kind: 'text', value: '', hint: 'Empty: one that is used once' },
  {
    name: 'statusTopic',
    label: 'Topic of our own state',
    kind: 'text',
    value: '',
    hint: 'online and, by our will, offline are kept there; empty: none',
  },
  {
    name: 'authority',
    label: 'Own authority',
    kind: 'lines',
    value: '',
    hint: 'With TLS: the certificate (PEM) of the authority that signed the broker’s; it alone is trusted then, whatever is ticked above',
  },
  { name: 'confirm', label: 'Time for a confirmation, ms', kind: 'number', value: 3_000, min: 200, max: 30_000 },
];

/** Checks and completes the settings. Throws `E_DEVICE_OPTIONS` (user). */
export function readBrokerOptions(options: Record<string, unknown>): Record<string, unknown> {
  const read = readFields(TITLE, brokerFields, options);
  brokerSettings(read);
  return read;
}

/** The settings as the connection uses them. Throws `E_DEVICE_OPTIONS` (user). */
export function brokerSettings(options: Record<string, unknown>): BrokerSettings {
  const read = readFields(TITLE, brokerFields, options);
  const text = (name: string): string => String(read[name]).trim();
  const topic = (name: string, label: string): string | null => {
    const value = text(name).replace(/\/+$/, '');
    if (value === '') return null;
    if (!isTopic(value)) throw optionError(TITLE, label, 'a topic has no # and no +, and no / in front');
    return value;
  };
  const clientId = text('clientId');
  if (clientId.length > 64 || !/^[\w.:-]*$/.test(clientId))
    throw optionError(TITLE, 'Client id', 'give at most 64 letters, digits and . : _ -');
  return {
    things: readThingLines(String(read.things)).map(thingOf),
    discovery: topic('discovery', 'Home Assistant discovery'),
    version: read.version === '5' ? 5 : 4,
    qos: read.qos === '0' ? 0 : 1,
    clientId,
    authority: authorityIn(String(read.authority)),
    statusTopic: topic('statusTopic', 'Topic of our own state'),
    confirmMs: Number(read.confirm),
  };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]{1,20000}-----END CERTIFICATE-----/g;
const MOST_CERTIFICATES = 20;

function authorityIn(text: string): string | null {
  if (text.trim() === '') return null;
  const certificates = text.match(CERTIFICATE) ?? [];
  const wrong = (reason: string): Error => optionError(TITLE, 'Own authority', reason);
  if (certificates.length === 0 || certificates.length > MOST_CERTIFICATES)
    throw wrong('paste its certificate as PEM, from "-----BEGIN CERTIFICATE-----" to its end');
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate);
    } catch {
      // Which byte is wrong helps nobody.
      throw wrong('this is no certificate, or a part of it is missing: paste it again as a whole');
    }
  }
  return certificates.join('\n');
}
