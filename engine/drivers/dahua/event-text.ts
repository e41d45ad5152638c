/** What stands in `action` of an event of the device (PROTOCOLS §2.2). */
export type WireAction = 'start' | 'stop' | 'pulse' | 'state';

/** A JSON object of the device; fields are read with `fields.ts` only. */
export type WireData = Readonly<Record<string, unknown>>;

/** One event as the device wrote it: `Code=…;action=…;index=…[;data=JSON]`. */
export interface WireEvent {
  code: string;
  action: WireAction;
  /** Counted from 0; null where it is missing, empty or no number. */
  index: number | null;
  data: WireData | null;
  /** Why there is no data although some was sent. */
  dataFault?: string;
  /** What was sent, secrets removed, at most 64 KiB. */
  raw: string;
}

export type WireText = { kind: 'event'; event: WireEvent } | { kind: 'heartbeat' } | { kind: 'fault'; reason: string };

const MAX_CODE = 100;
const RAW_LIMIT = 64 * 1024;
const actions: readonly WireAction[] = ['start', 'stop', 'pulse', 'state'];
const secretProperty =
  /("(?:password|passwd|pwd|secret|token)"\s{0,8}:\s{0,8})(?:"(?:[^"\\]|\\.){0,1000}"?|[^",}\]]{0,200})/gi;

/** Reads the body of one part. Never throws: what can't be read is a fault, and data that can't be read is left out. */
export function readEventText(body: Buffer): WireText {
  const text = body
    .toString('utf8')
    .replaceAll('\0', ' ')
    .replace(/^\uFEFF/, '')
    .trim();
  if (/^heartbeat$/i.test(text)) return { kind: 'heartbeat' };
  if (!/^code=/i.test(text)) return { kind: 'fault', reason: 'a part is neither an event nor a heart-beat' };
  const at = dataAt(text);
  const head = fieldsOf(at === null ? text : text.slice(0, at.head));
  const code = (head.code ?? '').trim();
  if (code === '') return { kind: 'fault', reason: 'an event has no code' };
  if (code.length > MAX_CODE) return { kind: 'fault', reason: 'an event has a code that is too long' };
  const action = actions.find((a) => a === (head.action ?? '').trim().toLowerCase());
  if (!action)
    return {
      kind: 'fault',
      reason: `event ${code} has the action "${(head.action ?? '').slice(0, 40)}", which is none`,
    };
  const index = (head.index ?? '').trim();
  const event: WireEvent = {
    code,
    action,
    index: /^\d{1,6}$/.test(index) ? Number(index) : null,
    data: null,
    raw: withoutSecrets(text),
  };
  if (at !== null) {
    const data = readData(text.slice(at.data));
    if (data.value) event.data = data.value;
    if (data.fault) event.dataFault = data.fault;
  }
  return { kind: 'event', event };
}

/** Where `;data=` begins and where the data behind it; values in it may hold further separators. */
function dataAt(text: string): { head: number; data: number } | null {
  const found = /;\s{0,20}data=/i.exec(text);
  return found ? { head: found.index, data: found.index + found[0].length } : null;
}

/** At most the three fields in front of the data, in any order; the first of a name counts. */
function fieldsOf(head: string): { code?: string; action?: string; index?: string } {
  const fields: { code?: string; action?: string; index?: string } = {};
  for (const piece of head.split(';', 8)) {
    const equals = piece.indexOf('=');
    const name = piece.slice(0, equals).trim().toLowerCase();
    if (equals > 0 && (name === 'code' || name === 'action' || name === 'index'))
      fields[name] ??= piece.slice(equals + 1);
  }
  return fields;
}

function readData(text: string): { value?: WireData; fault?: string } {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === 'null') return {};
  const value = parseLoosely(trimmed);
  if (value instanceof SyntaxError) return { fault: `its data cannot be read: ${value.message.slice(0, 120)}` };
  const only = Array.isArray(value) ? (value[0] as unknown) : value;
  return isData(only) ? { value: only } : {};
}

/** JSON, also with the NaN that some firmware writes. */
function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (first) {
    try {
      return JSON.parse(
        text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:nan|inf|infinity)\b/gi, (token) =>
          token.startsWith('"') ? token : 'null',
        ),
      );
    } catch {
      // The first error tells more: it belongs to the text as it was sent.
      return first instanceof SyntaxError ? first : new SyntaxError('no JSON');
    }
  }
}

export const isData = (value: unknown): value is WireData =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const withoutSecrets = (text: string): string => text.slice(0, RAW_LIMIT).replace(secretProperty, '$1"***"');
