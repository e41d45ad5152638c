import type { FaultSwitches } from '../../simulated/faults';

/** Everything that a simulated ONVIF device can be made to do wrong; each has been met in the field (PROTOCOLS §4). */
export const onvifFaultNames = [
  // Login.
  'separate-users',
  'low-privilege',
  'account-locked',
  '401-without-challenge',
  'clock-needs-login',
  // Addresses and services.
  'no-get-services',
  'internal-addresses',
  'several-addresses',
  'relative-addresses',
  'html-404',
  'fault-in-200',
  'fault-in-500',
  'soap-1.1-faults',
  // Life of the subscription.
  'reference-parameters',
  'max-timeout',
  'max-messages',
  'renew-unsupported',
  'pull-does-not-prolong',
  'termination-equals-current',
  'no-times',
  'unknown-subscription-once',
  'creation-refused',
  'wants-moment',
  'wants-no-time',
  'no-pull',
  'no-notify',
  'immediate-answers',
  'no-synchronization',
  'pull-fault-always',
  'loses-messages',
  'manager-404',
  // Life of the connection.
  'half-open',
  'slow',
  'close-after-answer',
  'one-byte-chunks',
  'lost-length',
  'garbage-answer-once',
  // Form of the messages.
  'odd-prefixes',
  'joined-topics',
  'several-messages',
  'topic-blanks',
  'numeric-booleans',
  'word-booleans',
  'capital-booleans',
  'no-operation',
  'no-zone',
  'old-times',
  'always-initialized',
  'value-as-text',
  'leading-blank-line',
  'byte-order-mark',
  'garbage-behind',
  'broken-message',
  'many-namespaces',
  // Outputs, pictures, media.
  'device-io-refuses',
  'device-io-strict',
  'monostable',
  'monostable-ignores-inactive',
  'idle-closed',
  'relay-events-tell-contact',
  'input-events-inverted',
  'no-relay-events',
  'picture-moved',
  'truncated-jpeg',
  'media2-only',
  'no-video-sources',
  'no-analytics',
  'no-supported-rules',
] as const;

export type OnvifFaultName = (typeof onvifFaultNames)[number];

/** The switches of one simulated device. */
export type OnvifFaults = FaultSwitches<OnvifFaultName>;
