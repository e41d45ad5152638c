/**
 * JSON with placeholders. What is put in is escaped by where it stands: within a text as part of that text, else as a
 * value of its own. So no value can change the structure, and a template that is right once is right for every alarm.
 */
import { splitTemplate } from '../template';
import type { MachineValues } from './machine-values';

/** Whether a text ends within a JSON text literal, if it began as told. */
function endsInText(text: string, begins: boolean): boolean {
  let inside = begins;
  for (let at = 0; at < text.length; at++) {
    if (inside && text[at] === '\\') at++;
    else if (text[at] === '"') inside = !inside;
  }
  return inside;
}

/** JSON has no character that must not be written, but a lone half of a pair is none (RFC 8259 §8.2). */
const quoted = (text: string): string => JSON.stringify(text.toWellFormed());

/** A name that nobody knows stays as it is within a text, so that a typing mistake can be seen. */
export function renderJson(template: string, values: MachineValues): string {
  let inside = false;
  let rendered = '';
  for (const part of splitTemplate(template)) {
    if (typeof part === 'string') {
      inside = endsInText(part, inside);
      rendered += part;
      continue;
    }
    const known = values.has(part.name);
    const value = known ? (values.get(part.name) ?? null) : `{{${part.name}}}`;
    if (inside) rendered += value === null ? '' : quoted(String(value)).slice(1, -1);
    else rendered += typeof value === 'string' ? quoted(value) : JSON.stringify(value);
  }
  return rendered;
}

/** Why a template can make no JSON, in words; null: it always does. */
export function jsonProblem(template: string): string | null {
  const named = splitTemplate(template).flatMap((part) => (typeof part === 'string' ? [] : [part.name]));
  // A name alone may become nothing, a text or a number: the structure must bear each.
  for (const value of [null, 'text', 1]) {
    const rendered = renderJson(template, new Map(named.map((name) => [name, value])));
    try {
      JSON.parse(rendered);
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      return reason.split('\n', 1)[0]!.slice(0, 160);
    }
  }
  return null;
}
