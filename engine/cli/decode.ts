import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { userError } from '../domain/errors';
import { decodeCapture, driverKinds } from '../drivers';

/**
 * `alarmflow decode <driver> <file>`: what a driver understands from captured bytes (a stream, a push body,
 * a document), one JSON object a line. `-` reads from standard input.
 */
export async function decodeCommand(
  driver: string,
  file: string,
  options: { contentType?: string },
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
  const bytes: AsyncIterable<Buffer> = file === '-' ? process.stdin : createReadStream(file);
  for await (const line of decodeCapture(driver, bytes, options.contentType ?? null)) print(JSON.stringify(line));
}
