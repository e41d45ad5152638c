/**
 * XML with placeholders in texts and attribute values, where five characters are escaped. They may stand nowhere else:
 * in a name, a comment or a CDATA section no escape would hold. The template must be one well-formed document.
 */
import { splitTemplate } from '../template';
import type { MachineValues } from './machine-values';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text as XML 1.0 may hold it (§2.2): what it must not hold at all, escaped or not, becomes a replacement character. */
export const xmlText = (text: string): string =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what no XML document may hold
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => entities[character]!);

/** A name that nobody knows stays as it is, so that a typing mistake can be seen. */
export const renderXml = (template: string, values: MachineValues): string =>
  splitTemplate(template)
    .map((part) => {
      if (typeof part === 'string') return part;
      if (!values.has(part.name)) return `{{${part.name}}}`;
      const value = values.get(part.name) ?? null;
      return value === null ? '' : xmlText(String(value));
    })
    .join('');

/** Stands where a value will be; no template holds this private character. */
const MARK = '\ue000';
const DEEPEST = 100;

const nameStart = /[A-Za-z_:\u0080-\u{10ffff}]/u;
const nameRest = /[-.\w:\u0080-\u{10ffff}]/u;

interface Reading {
  text: string;
  at: number;
  open: string[];
  roots: number;
}

/** Why a template can make no XML document, in words; null: it always does. */
export function xmlProblem(template: string): string | null {
  if (template.includes(MARK)) return 'it holds a private character (U+E000)';
  const text = splitTemplate(template.trim())
    .map((part) => (typeof part === 'string' ? part : MARK))
    .join('');
  const reading: Reading = { text, at: 0, open: [], roots: 0 };
  while (reading.at < text.length) {
    const problem = text[reading.at] === '<' ? readMarkup(reading) : readCharacters(reading);
    if (problem !== null) return problem;
  }
  if (reading.open.length > 0) return `<${reading.open.at(-1)}> is not closed`;
  return reading.roots === 1 ? null : 'it must have exactly one outermost element';
}

function readCharacters(reading: Reading): string | null {
  const next = reading.text.indexOf('<', reading.at);
  const characters = reading.text.slice(reading.at, next < 0 ? undefined : next);
  reading.at += characters.length;
  if (reading.open.length === 0 && characters.trim() !== '') return 'text stands outside of the outermost element';
  return badReference(characters);
}

/** Only the five entities that XML itself has, and character numbers, mean anything without a DTD. */
function badReference(text: string): string | null {
  for (const { index } of text.matchAll(/&/g))
    if (!/^&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-fA-F]{1,6});/.test(text.slice(index, index + 12)))
      return 'an "&" stands for itself: write &amp;';
  return null;
}

function readMarkup(reading: Reading): string | null {
  const { text, at } = reading;
  for (const [begins, ends, what] of [
    ['<!--', '-->', 'a comment'],
    ['<![CDATA[', ']]>', 'a CDATA section'],
    ['<?', '?>', 'a declaration'],
  ] as const) {
    if (!text.startsWith(begins, at)) continue;
    const end = text.indexOf(ends, at + begins.length);
    if (end < 0) return `${what} is not closed`;
    if (text.slice(at, end).includes(MARK)) return `a placeholder stands in ${what}: nothing could be escaped there`;
    if (begins === '<?' && at > 0 && /^<\?xml\s/.test(text.slice(at, at + 6)))
      return 'the XML declaration must come first';
    if (begins === '<![CDATA[' && reading.open.length === 0) return 'text stands outside of the outermost element';
    reading.at = end + ends.length;
    return null;
  }
  if (text.startsWith('<!', at)) return 'a document type is not taken by most receivers: leave it out';
  return text.startsWith('</', at) ? readEnd(reading) : readStart(reading);
}

function readName(reading: Reading): string {
  const from = reading.at;
  const { text } = reading;
  if (text[from] !== undefined && text[from] !== MARK && nameStart.test(text[from]))
    do reading.at++;
    while (reading.at < text.length && text[reading.at] !== MARK && nameRest.test(text[reading.at]!));
  return text.slice(from, reading.at);
}

const skipBlanks = (reading: Reading): boolean => {
  const from = reading.at;
  while (/\s/.test(reading.text[reading.at] ?? '')) reading.at++;
  return reading.at > from;
};

const badName = (reading: Reading): string =>
  reading.text[reading.at] === MARK
    ? 'a placeholder stands in a tag: put it into a text or an attribute value'
    : 'a "<" stands for itself (write &lt;), or a tag has no name';

function readEnd(reading: Reading): string | null {
  reading.at += 2;
  const name = readName(reading);
  if (name === '') return badName(reading);
  skipBlanks(reading);
  if (reading.text[reading.at] !== '>') return `</${name}> is not closed`;
  reading.at++;
  const opened = reading.open.pop();
  return opened === name ? null : `</${name}> closes ${opened === undefined ? 'nothing' : `<${opened}>`}`;
}

function readStart(reading: Reading): string | null {
  reading.at++;
  const name = readName(reading);
  if (name === '') return badName(reading);
  if (reading.open.length === 0) reading.roots++;
  if (reading.open.length >= DEEPEST) return `it is more than ${DEEPEST} elements deep`;
  const attributes = new Set<string>();
  for (;;) {
    const apart = skipBlanks(reading);
    const rest = reading.text.slice(reading.at, reading.at + 2);
    if (rest === '/>') {
      reading.at += 2;
      return null;
    }
    if (rest[0] === '>') {
      reading.at++;
      reading.open.push(name);
      return null;
    }
    const problem = apart ? readAttribute(reading, name, attributes) : `<${name}> is not closed`;
    if (problem !== null) return problem;
  }
}

function readAttribute(reading: Reading, element: string, attributes: Set<string>): string | null {
  const name = readName(reading);
  if (name === '') return reading.text[reading.at] === MARK ? badName(reading) : `<${element}> is not closed`;
  if (attributes.has(name)) return `<${element}> has the attribute ${name} twice`;
  attributes.add(name);
  skipBlanks(reading);
  if (reading.text[reading.at] !== '=') return `the attribute ${name} of <${element}> has no value`;
  reading.at++;
  skipBlanks(reading);
  const quote = reading.text[reading.at];
  const end = quote === '"' || quote === "'" ? reading.text.indexOf(quote, reading.at + 1) : -1;
  if (end < 0) return `the attribute ${name} of <${element}> has no value in quotation marks`;
  const value = reading.text.slice(reading.at + 1, end);
  reading.at = end + 1;
  return value.includes('<') ? `a "<" stands for itself in the attribute ${name}: write &lt;` : badReference(value);
}
