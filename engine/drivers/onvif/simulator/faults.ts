import { userError } from '../../../domain/errors';

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
  'monostable',
  'no-relay-events',
  'picture-moved',
  'truncated-jpeg',
  'media2-only',
  'no-video-sources',
] as const;

export type OnvifFaultName = (typeof onvifFaultNames)[number];

/** The switches of one simulated device. */
export interface OnvifFaults {
  /** Turns a fault on or off; throws `E_UNKNOWN_FAULT` (user) for a name that is none. */
  set(name: string, on?: boolean): void;
  has(name: OnvifFaultName): boolean;
  /** Whether it is on; turns it off. */
  spend(name: OnvifFaultName): boolean;
  clear(): void;
  list(): OnvifFaultName[];
}

export function createOnvifFaults(names: readonly string[]): OnvifFaults {
  const active = new Set<OnvifFaultName>();
  const known = (name: string): OnvifFaultName => {
    const found = onvifFaultNames.find((n) => n === name);
    if (found) return found;
    throw userError('E_UNKNOWN_FAULT', `There is no fault "${name}"; the device knows: ${onvifFaultNames.join(', ')}`);
  };
  for (const name of names) active.add(known(name));
  return {
    set(name, on = true) {
      if (on) active.add(known(name));
      else active.delete(known(name));
    },
    has: (name) => active.has(name),
    spend: (name) => active.delete(name),
    clear: () => active.clear(),
    list: () => [...active],
  };
}
