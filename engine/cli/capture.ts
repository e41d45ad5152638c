/** `alarmflow capture`: what a device of the running alarmflow sends, as it comes, for `alarmflow decode`. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { userError } from '../domain/errors';
import type { DeviceRow } from '../host/console-api';
import { callSite, findRunningSite, type RunningSite } from './running-site';

export interface CaptureOptions {
  data: string;
  /** Id or name. */
  device: string;
  parts: string | undefined;
  seconds: string | undefined;
  megabytes: string | undefined;
  /** File to write; nothing: standard output. */
  out: string | undefined;
}

/** The bounds are the site's to judge; here only what is no number is refused. */
function numberOf(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const number = Number(given);
  if (given.trim() === '' || !Number.isFinite(number))
    throw userError('E_BAD_PARAMETER', `${flag}: given "${given}"; a number is needed`);
  return number;
}

async function findDevice(site: RunningSite, wanted: string): Promise<DeviceRow> {
  const { devices } = (await new Response(await callSite(site, '/api/v1/devices')).json()) as { devices: DeviceRow[] };
  const found = devices.filter(({ id }) => id === wanted);
  if (found.length === 0)
    found.push(...devices.filter(({ name }) => name.toLowerCase() === wanted.trim().toLowerCase()));
  const [first, second] = found;
  const known = devices.map(({ id, name }) => `${name} (${id})`).join(', ') || 'none';
  if (!first) throw userError('E_UNKNOWN_DEVICE', `The deployed flow has no device "${wanted}"; there are: ${known}`);
  if (second)
    throw userError('E_AMBIGUOUS_DEVICE', `Several devices are called "${wanted}": give an id; there are: ${known}`);
  return first;
}

export async function captureCommand(
  options: CaptureOptions,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const body = {
    parts: numberOf('--parts', options.parts),
    seconds: numberOf('--seconds', options.seconds),
    megabytes: numberOf('--megabytes', options.megabytes),
  };
  const site = await findRunningSite(options.data);
  const device = await findDevice(site, options.device);
  const path = `/api/v1/devices/${encodeURIComponent(device.id)}/capture`;
  const stream = await callSite(site, path, { method: 'POST', body, signal });
  tell(`Capturing "${device.name}" (${device.driver}). Ctrl-C ends it and keeps what has come.`);
  const file = options.out === undefined ? null : createWriteStream(options.out, { mode: 0o600 });
  if (file) await opened(file, options.out ?? '');
  const target = file ?? process.stdout;
  let size = 0;
  try {
    for await (const chunk of stream) {
      size += chunk.byteLength;
      if (!target.write(chunk)) await once(target, 'drain');
    }
  } catch (error) {
    // Whoever ends it wants to keep what has come.
    if (!signal.aborted) throw error;
  }
  if (!file) return;
  file.end();
  await finished(file);
  tell(`${size} bytes are in ${options.out}; read them with: alarmflow decode ${device.driver} ${options.out}`);
}

async function opened(file: ReturnType<typeof createWriteStream>, path: string): Promise<void> {
  try {
    await once(file, 'open');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw userError('E_NOT_WRITABLE', `--out: "${path}" cannot be written: ${reason}`, { cause: error });
  }
}
