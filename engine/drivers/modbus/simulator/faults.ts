/** Everything that a simulated board can be made to do wrong (PROTOCOLS §7). */
export const modbusFaultNames = [
  // Framing.
  'one-byte-chunks',
  'other-transaction-first',
  'wrong-unit',
  'noise-first',
  'bad-crc',
  'broken-header',
  'short-answer',
  'wrong-echo',
  // Life of the connection.
  'half-open',
  'close-at-once',
  'close-after-answer',
  'one-connection',
  'slow',
  'unit-2-silent',
  'unit-2-late',
  'relays-off-on-drop',
  // Answers.
  'illegal-function',
  'illegal-address',
  'illegal-value',
  'device-failure',
  'acknowledge-once',
  'busy-once',
  'busy',
  'no-target',
  'outputs-unreadable',
  'output-ignored',
  'output-slow',
  'contact-bounce',
] as const;

export type ModbusFaultName = (typeof modbusFaultNames)[number];
