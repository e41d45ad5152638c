import type { Clock } from '../../clock/clock';
import type { Picture } from '../../domain/devices';
import { AlarmflowError, operationalError, userError } from '../../domain/errors';
import type { DeviceHttp, DeviceResponse } from '../wire';
import { type DocumentNode, findNode, readDocuments, textOf } from './document';
import { errorIn, responseStatusOf } from './response-status';

/** What actions do with a device over ISAPI (PROTOCOLS §1.7). Errors name the device and what was asked. */
export interface IsapiActions {
  setOutput(output: string, on: boolean, signal: AbortSignal): Promise<boolean | null>;
  readOutput(output: string, signal: AbortSignal): Promise<boolean | null>;
  readInput(input: string, signal: AbortSignal): Promise<boolean | null>;
  snapshot(channel: number, signal: AbortSignal): Promise<Picture>;
  gotoPreset(channel: number, preset: number, signal: AbortSignal): Promise<void>;
}

/** Time for a device to let its status follow its output. */
const SETTLE_MS = 300;
/** Wait before the one retry of a snapshot that the device failed to take. */
const RETRY_MS = 300;
const TIMEOUT_MS = 8_000;

/** Which ports belong to the cameras behind a recorder, as far as known. */
export interface CameraPorts {
  isCameraInput(id: string): boolean;
  isCameraOutput(id: string): boolean;
}

const noCameraPorts: CameraPorts = { isCameraInput: () => false, isCameraOutput: () => false };

export function createIsapiActions(
  http: DeviceHttp,
  deviceName: string,
  clock: Clock,
  ports: CameraPorts = noCameraPorts,
): IsapiActions {
  /** Outputs whose status the device doesn't tell; not asked again on this connection. */
  const mute = new Set<string>();
  /** Channels that are served by the recorder's proxy. */
  const proxied = new Set<number>();
  const named = (what: string): string => `${what} of "${deviceName}"`;

  const get = (path: string, signal: AbortSignal): Promise<DeviceResponse> =>
    http.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });

  async function readPort(path: string, what: string, signal: AbortSignal): Promise<boolean | null> {
    if (mute.has(path)) return null;
    const response = await get(path, signal);
    const error = errorIn(response, what);
    if (error?.code === 'E_NOT_SUPPORTED') {
      mute.add(path);
      return null;
    }
    if (error) throw error;
    return ioState(response.body);
  }

  const readOutput = (output: string, signal: AbortSignal): Promise<boolean | null> =>
    readPort(`${outputPath(output, ports)}/status`, named(`Alarm output ${output}`), signal);

  async function tryPicture(path: string, signal: AbortSignal): Promise<Picture | DeviceResponse> {
    const response = await get(path, signal);
    const type = (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    const bytes = jpegIn(response.body);
    return response.status === 200 && type.startsWith('image/') && bytes
      ? { contentType: 'image/jpeg', bytes }
      : response;
  }

  return {
    async setOutput(output, on, signal) {
      const what = named(`Alarm output ${output}`);
      const response = await http.request({
        method: 'PUT',
        path: `${outputPath(output, ports)}/trigger`,
        headers: { 'Content-Type': 'application/xml; charset="UTF-8"' },
        body:
          '<?xml version="1.0" encoding="UTF-8"?>\r\n<IOPortData version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">' +
          `<outputState>${on ? 'high' : 'low'}</outputState></IOPortData>`,
        signal,
        timeoutMs: TIMEOUT_MS,
      });
      const error = errorIn(response, what);
      if (error) throw error;
      const state = await readOutput(output, signal);
      if (state === null || state === on) return state;
      await clock.sleep(SETTLE_MS, signal);
      return readOutput(output, signal);
    },

    readOutput,

    readInput: (input, signal) => {
      if (!/^\d{1,5}$/.test(input)) return Promise.resolve(null);
      const place = ports.isCameraInput(input) ? 'ContentMgmt/IOProxy' : 'System/IO';
      return readPort(`/ISAPI/${place}/inputs/${input}/status`, named(`Alarm input ${input}`), signal);
    },

    async snapshot(channel, signal) {
      wholeNumber(channel, 'Channel');
      const what = named(`Picture of channel ${channel}`);
      const direct = `/ISAPI/Streaming/channels/${channel}01/picture`;
      const proxy = `/ISAPI/ContentMgmt/StreamingProxy/channels/${channel}01/picture`;
      let found = await tryPicture(proxied.has(channel) ? proxy : direct, signal);
      if (!isPicture(found) && responseStatusOf(found.body)?.code === 3) {
        await clock.sleep(RETRY_MS, signal);
        found = await tryPicture(proxied.has(channel) ? proxy : direct, signal);
      }
      if (!isPicture(found) && wantsOtherPath(found)) {
        const first = found;
        found = await tryPicture(proxied.has(channel) ? direct : proxy, signal);
        // The first refusal tells why; the second only that the other way is none.
        if (isPicture(found)) {
          if (proxied.has(channel)) proxied.delete(channel);
          else proxied.add(channel);
        } else found = first;
      }
      if (isPicture(found)) return found;
      const error = errorIn(found, what);
      if (error) throw error;
      const status = responseStatusOf(found.body);
      const reason = status ? `an answer (${status.code} ${status.text})` : 'something that is no complete JPEG';
      throw operationalError('E_BAD_PICTURE', `${what}: the device sent ${reason} where a picture was asked for`);
    },

    async gotoPreset(channel, preset, signal) {
      wholeNumber(channel, 'Channel');
      wholeNumber(preset, 'Preset');
      const response = await http.request({
        method: 'PUT',
        path: `/ISAPI/PTZCtrl/channels/${channel}/presets/${preset}/goto`,
        headers: { 'Content-Length': '0' },
        signal,
        timeoutMs: TIMEOUT_MS,
      });
      const error = errorIn(response, named(`Preset ${preset} on channel ${channel}`));
      if (error) throw error;
    },
  };
}

/** `1` is an output of the device itself; `proxy:101` or a number that only they have one of a camera behind it. */
function outputPath(output: string, ports: CameraPorts): string {
  const match = /^(proxy:)?(\d{1,5})$/.exec(output.trim());
  if (!match)
    throw userError(
      'E_BAD_PARAMETER',
      `"${output}" is no alarm output: give its number, or proxy:<number> for one of a camera behind a recorder`,
    );
  const ofCamera = match[1] !== undefined || ports.isCameraOutput(match[2] ?? '');
  return `/ISAPI/${ofCamera ? 'ContentMgmt/IOProxy' : 'System/IO'}/outputs/${match[2]}`;
}

function wholeNumber(value: number, what: string): void {
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw userError('E_BAD_PARAMETER', `${what} ${value} is none: give a whole number from 1`);
}

/** A recorder refuses the camera's path with 6, bad content, or as not supported. */
function wantsOtherPath(response: DeviceResponse): boolean {
  const status = responseStatusOf(response.body);
  return status?.code === 6 || status?.sub.toLowerCase() === 'notsupport' || response.status === 404;
}

const isPicture = (found: Picture | DeviceResponse): found is Picture => 'bytes' in found;

/** The JPEG in a body, trailing zeros and line ends cut off; null when start or end is missing. */
function jpegIn(body: Buffer): Buffer | null {
  let end = body.length;
  while (end > 0 && (body[end - 1] === 0 || body[end - 1] === 0x0a || body[end - 1] === 0x0d)) end--;
  const whole = end > 4 && body[0] === 0xff && body[1] === 0xd8 && body[end - 2] === 0xff && body[end - 1] === 0xd9;
  return whole ? body.subarray(0, end) : null;
}

function ioState(body: Buffer): boolean | null {
  let roots: DocumentNode[];
  try {
    roots = readDocuments(body);
  } catch (cause) {
    if (cause instanceof AlarmflowError)
      throw operationalError('E_DEVICE_ERROR', `The device's port status cannot be read: ${cause.message}`, { cause });
    throw cause;
  }
  for (const root of roots) {
    const node = findNode(root, 'IOPortStatus') ?? root;
    const state = textOf(node, 'ioState')?.toLowerCase();
    if (state === 'active' || state === 'high' || state === 'on') return true;
    if (state === 'inactive' || state === 'low' || state === 'off') return false;
  }
  return null;
}
