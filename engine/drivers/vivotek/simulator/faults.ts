/** Everything that a simulated camera can be made to do oddly (PROTOCOLS §3). */
export const cameraFaults = [
  // Answers.
  'unquoted-values',
  'lf-only',
  'wrong-content-length',
  'short-content-length',
  'no-content-length',
  'error-in-200',
  'privilege-401',
  'privilege-403',
  'busy-once',
  'one-at-a-time',
  'garbage-state',
  'inputs-unread',
  'bouncing-input',
  'no-capability',
  // Paths.
  'numbering-from-1',
  'old-setup',
  'camctrl-recall',
  'recall-204',
  'no-preset-list',
  'output-status-missing',
  'output-ignored',
  'settings-not-kept',
  // PTZ.
  'ptz-stuck',
  'ptz-slow',
  'no-ptz-status',
  // Pictures.
  'truncated-jpeg',
  'error-instead-of-jpeg',
  // Login.
  'basic',
  'account-locked',
  'stale-nonce',
  'reject-reused-nonce-403',
  'drop-401-body',
  // Life.
  'half-open',
  'slow',
  'close-at-once',
  'other-device',
  'wrong-clock',
  'no-date-header',
] as const;

export type CameraFault = (typeof cameraFaults)[number];
