import { isoTime } from '../clock/clock';

const levelNames: Record<number, string> = { 20: 'DEBUG', 30: 'INFO ', 40: 'WARN ', 50: 'ERROR' };

/** Line breaks and control characters of what a device sent must not forge lines or steer a terminal. */
const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (one) =>
    one === '\n' ? '\\n' : `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );

function shown(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === 'object' && value !== null && 'stack' in value && 'message' in value) {
    const { name, message, code } = value as { name?: string; message: string; code?: string };
    return JSON.stringify(`${code ?? name ?? 'Error'}: ${message}`);
  }
  return JSON.stringify(value) ?? 'undefined';
}

/** One line for a terminal: `2026-11-21T07:00:00.000Z INFO  device online device=cam1`. */
export function textLine(record: Record<string, unknown>): string {
  const { level, time, msg, ...fields } = record;
  const words = Object.entries(fields).map(([key, value]) => `${key}=${shown(value)}`);
  const head = `${isoTime(Number(time))} ${levelNames[Number(level)] ?? 'INFO '} ${String(msg)}`;
  return printable([head, ...words].join(' '));
}
