/** What a simulated sender can do wrong or oddly. */
export const senderFaults = [
  'lf-only',
  'byte-order-mark',
  'nul-behind',
  'cut-body',
  'latin1',
  'gzip',
  'gzip-unsaid',
  'zip-bomb',
  'wrong-content-type',
  'no-content-type',
  'lost-boundary',
  'sloppy-json',
  'namespaces',
  'blank-line-first',
  'doctype',
  'secret-fields',
  'get',
  'one-byte-chunks',
] as const;

export type SenderFault = (typeof senderFaults)[number];
