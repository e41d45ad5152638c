import type { DeviceDriver } from '../driver';
import { backoff } from '../wire/backoff';
import { connectMqtt } from './connection';
import { decodeMqtt } from './decode';
import type { SessionTiming } from './session';
import { brokerFields, readBrokerOptions } from './settings';

export type { SessionTiming } from './session';
export type { MqttFaultName, MqttSimulator, MqttSimulatorOptions, MqttSimulatorState } from './simulator';
export { mqttFaultNames, startMqttSimulator } from './simulator';

/** A broker that is silent is noticed after 1.5 × 6 s and the grace: 12 s. */
export const defaultSessionTiming: SessionTiming = { keepaliveS: 6, connectMs: 5_000, graceMs: 3_000, backoff };

/** The driver with times of its own, for tests. */
export const createMqttDriver = (timing: SessionTiming): DeviceDriver => ({
  kind: 'mqtt',
  title: 'MQTT broker (Tasmota, Shelly, Zigbee2MQTT …)',
  defaultPort: 1883,
  dialog: { host: true, login: true, tls: true, receives: ['stream'], clock: false, fields: brokerFields },
  readOptions: readBrokerOptions,
  connect: (context) => connectMqtt(context, timing),
  decode: decodeMqtt,
});

/** Relays, contacts and sensors behind an MQTT broker (PROTOCOLS §8). */
export const mqttDriver: DeviceDriver = createMqttDriver(defaultSessionTiming);
