import { type AlarmflowError, userError } from '../domain/errors';
import type { DriverField } from './driver';

/** A setting that cannot be taken: field, reason and remedy. */
export const optionError = (driver: string, field: string, reason: string): AlarmflowError =>
  userError('E_DEVICE_OPTIONS', `${driver}, "${field}": ${reason}`, { facts: { field } });

const TEXT_LIMIT = 64 * 1024;

/**
 * Checks a driver's settings against its fields and completes them with the fields' values; reading twice changes
 * nothing. Throws `E_DEVICE_OPTIONS` (user) for a setting that the driver does not have or cannot take.
 *
 * @param driver how people know it, for messages
 */
export function readFields(
  driver: string,
  fields: readonly DriverField[],
  options: Record<string, unknown>,
): Record<string, string | number | boolean> {
  for (const name of Object.keys(options)) {
    if (!fields.some((field) => field.name === name))
      throw optionError(driver, name, `there is no such setting; there are: ${fields.map((f) => f.name).join(', ')}`);
  }
  const read: Record<string, string | number | boolean> = {};
  for (const field of fields) {
    const given = Object.hasOwn(options, field.name) ? options[field.name] : undefined;
    read[field.name] = given === undefined || given === null ? field.value : checked(driver, field, given);
  }
  return read;
}

function checked(driver: string, field: DriverField, given: unknown): string | number | boolean {
  switch (field.kind) {
    case 'number': {
      const value = typeof given === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(given) ? Number(given) : given;
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = field;
      if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max)
        throw optionError(driver, field.label, `give a number from ${min} to ${max}`);
      return value;
    }
    case 'flag':
      if (typeof given !== 'boolean') throw optionError(driver, field.label, 'give true or false');
      return given;
    case 'choice': {
      const choices = (field.choices ?? []).map((c) => c.value);
      if (typeof given !== 'string' || !choices.includes(given))
        throw optionError(driver, field.label, `choose one of: ${choices.join(', ')}`);
      return given;
    }
    default:
      if (typeof given !== 'string') throw optionError(driver, field.label, 'give a text');
      if (given.length > TEXT_LIMIT) throw optionError(driver, field.label, `give at most ${TEXT_LIMIT} characters`);
      return given;
  }
}

/** The lines of a field, without blank ones and those that begin with `#`. */
export const linesOf = (text: string): { line: string; number: number }[] =>
  text
    .split(/\r?\n/)
    .map((line, at) => ({ line: line.trim(), number: at + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'));
