/** Where an upload is written: a template, made harmless part by part, with a name that only its action makes. */
import { createHash } from 'node:crypto';
import type { ActionRow } from '../domain/actions';
import { templateValues } from './alarm-values';
import { renderTemplate } from './template';

export const DEFAULT_PATH = '{{site}}/{{alarm.deviceName}}/{{date}}/{{clock}} {{alarm.typeText}}';
/** Parts of a path template at most, the file name included. */
export const MOST_PARTS = 16;
/** File systems take 255 bytes a name; the rest is for number, mark and ending. */
const LONGEST_PART = 120;

/** Names that Windows servers take for devices, whatever their ending. */
const deviceName = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * One part of a path that can be nothing else: no separator, no way up, no hidden file, nothing that is not visible.
 * Never empty; at most 120 bytes of UTF-8.
 */
export function safePart(text: string): string {
  const plain = text
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\p{C}\p{Zl}\p{Zp}/\\<>:"|?*]/gu, '_')
    .trim()
    .replace(/^\.+/, (dots) => '_'.repeat(dots.length));
  let bytes = 0;
  let kept = '';
  for (const character of plain) {
    bytes += Buffer.byteLength(character);
    if (bytes > LONGEST_PART) break;
    kept += character;
  }
  // Windows servers drop blanks and dots at the end, and two names would be one.
  const part = kept.replace(/[. ]+$/, '');
  return deviceName.test(part) ? `_${part}`.slice(0, LONGEST_PART) : part || '_';
}

export const joinPath = (directory: string, name: string): string =>
  directory === '' ? name : `${directory.replace(/\/+$/, '')}/${name}`;

export interface UploadPath {
  directories: string[];
  /** File name without ending; the same at every try of an action, never that of another one. */
  name: string;
}

/** @param template parts with slashes between them; the last one becomes the file name */
export function uploadPath(template: string, row: ActionRow, siteName: string): UploadPath {
  // A part that nobody knows must not look like a value.
  const values = new Map([...templateValues(row, siteName)].map(([name, value]) => [name, value ?? '_']));
  const parts = (template.trim() || DEFAULT_PATH)
    .split('/')
    .filter((part) => part.trim() !== '')
    .slice(0, MOST_PARTS)
    .map((part) => safePart(renderTemplate(part, values, 1_000)));
  const name = parts.pop() ?? '_';
  const mark = createHash('sha256').update(row.key).digest('hex').slice(0, 12);
  return { directories: parts, name: `${name}-${mark}` };
}
