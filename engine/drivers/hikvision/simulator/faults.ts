import { userError } from '../../../domain/errors';

/** Everything that a simulated device can be made to do wrong; each has been met in the field (PROTOCOLS §0.1, §1). */
export const faultNames = [
  // Framing of the alert stream.
  'lf-only',
  'no-blank-line',
  'boundary-mismatch',
  'dashed-boundary',
  'double-boundary',
  'wrong-content-length',
  'short-content-length',
  'zero-content-length',
  'no-content-length',
  'leading-blank-line',
  'bare-ampersand',
  'one-byte-chunks',
  'garbage-part',
  'oversized-part',
  'pictures-short-length',
  'json-alerts',
  'json-array',
  // Life of the connection.
  'no-heartbeat',
  'fast-heartbeat',
  'half-open',
  'silent-stream',
  'close-at-once',
  '503-stream',
  'error-in-200-stream',
  'old-path',
  'slow',
  // Login.
  'drop-401-body',
  'stale-nonce',
  'reject-reused-nonce-403',
  'comma-joined-challenges',
  // Subscription.
  'subscribe-refused',
  'subscribe-error-in-200',
  'subscribe-busy',
  'subscribe-barren',
  'no-right-to-events',
  // Who it is.
  'isapi-off',
  'not-isapi',
  'no-rights',
  'few-rights',
  'not-activated',
  // Answers.
  'error-in-200',
  'busy-once',
  'output-ignored',
  'output-status-missing',
  'xml-instead-of-jpeg',
  'snapshot-error-once',
  'snapshot-other-path',
  'truncated-jpeg',
  'no-center',
  'triggers-refused',
  'malformed-xml',
  // Recorder.
  'ip-channels-from-33',
  'dyn-channel-only',
  'no-channel-name',
  'zero-channel',
  'no-camera-status',
  'status-without-online',
  // Temperatures.
  'no-thermometry-stream',
  'no-thermometry-poll',
  'thermometry-error-in-200',
  'thermometry-single',
  'thermometry-silent',
  'thermometry-channel-1',
  'thermal-rules-on-channel-1',
  'fahrenheit',
  'same-rule-names',
  'frozen-temperatures',
  // Sounds, lights, recording.
  'no-siren',
  'alarm-hub',
  'no-white-light',
  'light-ignored',
  'external-light',
  'no-storage',
  'no-record-status',
  'record-by-post',
  'record-bare-track',
  'record-already',
  // Clock.
  'wrong-clock',
  'no-zone',
  'lost-plus',
  'replay-backlog',
  'retransmission-flag',
  'no-date-header',
  // Push.
  'hosts-free-slots',
  'hosts-whole-list-only',
  'hosts-ignored',
  'hosts-dropped',
  'hosts-no-test',
  'hosts-test-fails',
  'no-http-hosts',
  'blank-line-before-head',
  'no-content-type',
] as const;

export type FaultName = (typeof faultNames)[number];

/** The switches of one simulated device. */
export interface Faults {
  /** Turns a fault on or off; throws `E_UNKNOWN_FAULT` (user) for a name that is none. */
  set(name: string, on?: boolean): void;
  has(name: FaultName): boolean;
  clear(): void;
  list(): FaultName[];
}

export function createFaults(names: readonly string[], changed: (name: FaultName, on: boolean) => void): Faults {
  const active = new Set<FaultName>();
  const known = (name: string): FaultName => {
    const found = faultNames.find((n) => n === name);
    if (!found)
      throw userError('E_UNKNOWN_FAULT', `There is no fault "${name}"; the device knows: ${faultNames.join(', ')}`);
    return found;
  };
  const faults: Faults = {
    set(name, on = true) {
      const fault = known(name);
      if (on) active.add(fault);
      else active.delete(fault);
      changed(fault, on);
    },
    has: (name) => active.has(name),
    clear() {
      for (const name of [...active]) faults.set(name, false);
    },
    list: () => [...active],
  };
  for (const name of names) active.add(known(name));
  return faults;
}
