import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { userError } from '../domain/errors';
import { decodeCapture, driverKinds } from '../drivers';

/** Drivers none of whose settings changes what captured bytes mean: settings that would be ignored are refused. */
const understoodAlone: ReadonlySet<string> = new Set(['hikvision', 'dahua']);

/**
 * `alarmflow decode <driver> <file>`: what a driver understands from captured bytes (a stream, a push body,
 * a document), one JSON object a line. `-` reads from standard input. `--options` names a JSON file with the device's own
 * settings, as its dialog keeps them: a mapping decides what a push means. Throws `E_UNKNOWN_DRIVER`, `E_NO_CAPTURE`,
 * `E_OPTIONS_FILE`, `E_DEVICE_OPTIONS` (user).
 */
export async function decodeCommand(
  driver: string,
  file: string,
  options: { contentType?: string; options?: string },
  print: (line: string) => void,
): Promise<void> {
  if (!driverKinds().includes(driver))
    throw userError('E_UNKNOWN_DRIVER', `There is no driver "${driver}"; known are: ${driverKinds().join(', ')}`);
  if (file !== '-') {
    const found = await stat(file).catch(() => null);
    if (!found?.isFile())
      throw userError(
        'E_NO_CAPTURE',
        `Capture file "${file}" cannot be read: give the path of a file, or - for standard input`,
      );
  }
  if (options.options !== undefined && understoodAlone.has(driver))
    throw userError(
      'E_DEVICE_OPTIONS',
      `What a device of ${driver} sends means the same whatever its settings are: leave --options away`,
    );
  const settings = options.options === undefined ? undefined : await readSettings(options.options);
  const bytes: AsyncIterable<Buffer> = file === '-' ? process.stdin : contentOf(file);
  for await (const line of decodeCapture(driver, bytes, options.contentType ?? null, settings))
    print(JSON.stringify(line));
}

/** Opened when it is read: a driver that refuses the settings leaves no file open. */
async function* contentOf(file: string): AsyncIterable<Buffer> {
  yield* createReadStream(file) as AsyncIterable<Buffer>;
}

const MOST_SETTINGS = 1 << 20;

/** Throws `E_OPTIONS_FILE` (user) for a file that can't be read or holds no JSON object. */
async function readSettings(file: string): Promise<Record<string, unknown>> {
  const refuse = (reason: string, cause?: unknown): Error =>
    userError(
      'E_OPTIONS_FILE',
      `Options file "${file}" ${reason}: give a JSON object such as {"mapping": "type = $.event"}`,
      { cause },
    );
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) throw refuse('cannot be read');
  if (found.size > MOST_SETTINGS) throw refuse(`is larger than ${MOST_SETTINGS} bytes`);
  let parsed: unknown;
  try {
    parsed = JSON.parse((await readFile(file, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw refuse(cause instanceof SyntaxError ? 'is no valid JSON' : 'cannot be read', cause);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw refuse('holds no object');
  return parsed as Record<string, unknown>;
}
