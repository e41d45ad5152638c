/** PostgreSQL's jsonb takes neither NUL characters nor halves of surrogate pairs; devices send both. */
function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\u0000', '\ufffd');
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [clean(key), clean(inner)]));
  }
  return value;
}

const suspicious = /\\u(?:0000|d[89a-f])/i;

/** JSON that PostgreSQL takes as jsonb, whatever characters the value has; these are replaced by U+FFFD. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return suspicious.test(text) ? JSON.stringify(clean(JSON.parse(text))) : text;
}

/** The same for a plain text column. */
export const plainText = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\ufffd');
