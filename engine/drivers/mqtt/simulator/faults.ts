/** Everything that the simulated broker and its things can be made to do wrong (PROTOCOLS §8). */
export const mqttFaultNames = [
  // The broker.
  'half-open',
  'close-at-once',
  'one-byte-chunks',
  'unavailable',
  'topics-refused',
  'duplicates',
  // The things.
  'deaf-things',
  'stubborn-things',
  'slow-things',
  'changes-only',
  'rpc-error',
  'unknown-command',
  'bridge-error',
  'garbage',
] as const;

export type MqttFaultName = (typeof mqttFaultNames)[number];
