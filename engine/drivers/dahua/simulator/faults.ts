import { userError } from '../../../domain/errors';

/** Everything that a simulated device can be made to do wrong; each has been met in the field (PROTOCOLS §0.1, §2). */
export const faultNames = [
  // Framing of the event stream.
  'lf-only',
  'no-blank-line',
  'blank-after-colon',
  'more-head-lines',
  'boundary-mismatch',
  'dashed-boundary',
  'double-boundary',
  'wrong-content-length',
  'short-content-length',
  'zero-content-length',
  'no-content-length',
  'constant-length-37',
  'one-byte-chunks',
  'garbage-part',
  'oversized-part',
  'unknown-action',
  'truncated-json',
  'nan-in-json',
  'trailing-nul',
  'no-data',
  'null-data',
  'missing-index',
  'empty-index',
  'odd-values',
  // Life of the connection.
  'no-heartbeat',
  'keepalive-only',
  'half-open',
  'silent-stream',
  'close-at-once',
  '503-stream',
  'error-in-200-stream',
  'refuse-heartbeat-parameter',
  'connection-close',
  'slow',
  // Requests.
  'raw-brackets-only',
  'encoded-brackets-only',
  // Login.
  'drop-401-body',
  'stale-nonce',
  'reject-reused-nonce-403',
  'comma-joined-challenges',
  'lock-words',
  'no-rights',
  // Answers.
  'error-in-200',
  'busy-once',
  'output-ignored',
  'output-held-by-linkage',
  'output-status-missing',
  'no-event-indexes',
  'no-in-state',
  'snapshot-without-channel',
  'snapshot-error-once',
  'truncated-jpeg',
  'slow-snapshot',
  'no-coaxial',
  'record-ignored',
  'other-maker',
  'events-disabled',
  'motion-off',
  'names-missing',
  // Clock.
  'wrong-clock',
  'fast-clock',
  'utc-is-local',
  'wrong-device-zone',
  'no-locale-time',
  'real-utc',
  'no-time',
  'no-current-time',
  'replay-backlog',
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
