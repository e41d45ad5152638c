import { createFaultSwitches, type FaultSwitches } from '../../simulator-faults';

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
  'no-event-rights',
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
export type Faults = FaultSwitches<FaultName>;

export const createFaults = (on: readonly string[], changed: (name: FaultName, on: boolean) => void): Faults =>
  createFaultSwitches(faultNames, on, changed);
