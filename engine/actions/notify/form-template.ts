/** Fields of a form or of an address, with placeholders: what is put in is percent-coded (WHATWG URL, form-urlencoded). */
import { splitTemplate } from '../template';
import type { MachineValues } from './machine-values';

const MOST_FIELDS = 100;

const filled = (template: string, values: MachineValues): string =>
  splitTemplate(template)
    .map((part) => {
      if (typeof part === 'string') return part;
      return values.has(part.name) ? String(values.get(part.name) ?? '') : `{{${part.name}}}`;
    })
    .join('')
    .toWellFormed();

/** `name=value`, one a line. */
const linesIn = (template: string): string[] =>
  template
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');

export const renderForm = (template: string, values: MachineValues): string =>
  new URLSearchParams(
    linesIn(template).map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at).trim(), filled(line.slice(at + 1).trim(), values)];
    }),
  ).toString();

/** Why a template is no form, in words; null: it is one. */
export function formProblem(template: string): string | null {
  const lines = linesIn(template);
  if (lines.length > MOST_FIELDS) return `it has more than ${MOST_FIELDS} fields`;
  for (const [at, line] of lines.entries()) {
    const name = line.includes('=') ? line.slice(0, line.indexOf('=')).trim() : '';
    if (name === '') return `line ${at + 1} must be name=value`;
    if (name.includes('{{')) return `line ${at + 1}: a placeholder can only be in the value`;
  }
  return null;
}

/**
 * What is put behind a centre's address: path, query or both. Values are percent-coded as one piece, so that none can
 * add a step to the path or a field to the query.
 */
export function renderPath(template: string, values: MachineValues): string {
  return splitTemplate(template)
    .map((part) => {
      if (typeof part === 'string') return part;
      const value = values.has(part.name) ? String(values.get(part.name) ?? '') : `{{${part.name}}}`;
      // A step of dots alone would climb, coded or not (RFC 3986 §5.2.4).
      return encodeURIComponent(value.toWellFormed()).replace(/^\.{1,2}$/, (dots) => '_'.repeat(dots.length));
    })
    .join('');
}

/** Why a path can't be put behind an address, in words; null: it can. */
export function pathProblem(template: string): string | null {
  if (template === '') return null;
  if (!/^[/?]/.test(template)) return 'it must begin with / or ?';
  if (/[\s#\\]|\p{Cc}/u.test(template.replaceAll(/\{\{[^}]{0,80}\}\}/g, ''))) return 'it must not hold blanks, # or \\';
  return template.split(/[/?]/).some((step) => step === '..' || step === '.') ? 'it must not hold .. or .' : null;
}
