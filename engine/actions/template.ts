/**
 * Text templates: `{{name}}` is replaced by a value, nothing else happens. No code, no second pass over what was put
 * in; a name that nobody knows stays as it is, so that a typing mistake can be seen in the first mail.
 */
const placeholder = /\{\{ {0,4}([A-Za-z][A-Za-z0-9.]{0,63}) {0,4}\}\}/g;

/** Stands where a known value is missing. */
const NOTHING = '–';

export type TemplateValues = ReadonlyMap<string, string | null>;

/**
 * @param longest length of the result at most, in characters; what is over is cut off with an ellipsis
 */
export function renderTemplate(template: string, values: TemplateValues, longest: number): string {
  const rendered = template.replace(placeholder, (whole, name: string) =>
    values.has(name) ? (values.get(name) ?? NOTHING) : whole,
  );
  return cut(rendered, longest);
}

/** A template as its texts and the names between them, in order, for formats that escape what is put in. */
export function splitTemplate(template: string): (string | { name: string })[] {
  const parts: (string | { name: string })[] = [];
  let at = 0;
  for (const match of template.matchAll(placeholder)) {
    if (match.index > at) parts.push(template.slice(at, match.index));
    parts.push({ name: match[1]! });
    at = match.index + match[0].length;
  }
  if (at < template.length) parts.push(template.slice(at));
  return parts;
}

/** The template without the lines that would say nothing: all of their placeholders have no value. */
export function withoutEmptyLines(template: string, values: TemplateValues): string {
  const says = (line: string): boolean => {
    const names = [...line.matchAll(placeholder)].map((match) => match[1]!);
    return names.length === 0 || names.some((name) => !values.has(name) || values.get(name) !== null);
  };
  return template.split('\n').filter(says).join('\n');
}

/**
 * Signs that turn the direction of what follows (UAX #9 §2): one in a name would turn the words of ours behind it. Right-to-left
 * writing needs none of them.
 */
const turning = /[\u202a-\u202e\u2066-\u2069]/g;

/** One line without control characters: fit for a header, whatever a device or a flow has put into it. */
export const oneLine = (value: string): string =>
  value
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get into a header
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .replace(turning, '')
    .toWellFormed()
    .trim();

/** Text of several lines without any other control character. */
export const manyLines = (value: string): string =>
  value
    .replace(/\r\n?/g, '\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a NUL or an escape has no place in a text
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '')
    .replace(turning, '')
    .toWellFormed();

function cut(value: string, longest: number): string {
  return value.length <= longest ? value : `${value.slice(0, longest - 1).toWellFormed()}…`;
}
