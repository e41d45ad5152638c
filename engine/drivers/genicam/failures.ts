import { type AlarmflowError, operationalError, userError } from '../../domain/errors';
import type { Reply } from './output';
import { LOOK_AGAIN_MS, type ToolOutput } from './tool';

const short = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 300);

/** Another program has it: GigE's control privilege, or the interface of a USB camera (PROTOCOLS §6.2). */
const inUseWords = /LIBUSB_ERROR_BUSY|resource busy|access-denied|access denied|\(busy\)/i;

export const inUse = (camera: string, cause: string): AlarmflowError =>
  operationalError(
    'E_DEVICE_BUSY',
    `"${camera}" is in use: another program holds its control (${short(cause)}); end that program, or let it give up control`,
    { retryAfterMs: 5_000 },
  );

/** Why a whole call came to nothing, or null when the camera was reached. */
export function callFailure(output: ToolOutput, camera: string): AlarmflowError | null {
  const text = `${output.stderr}\n${output.stdout.slice(0, 4_096)}`;
  if (/^Option parsing failed/m.test(text))
    return operationalError(
      'E_ARAVIS_OLD',
      `The installed arv-tool does not know an option that alarmflow needs (${short(text)}): install Aravis 0.8.26 or later`,
      { retryAfterMs: LOOK_AGAIN_MS },
    );
  const line =
    /^(?:Can't connect to device|Device '.*' not found|No device found|Failed to open device|Failed to claim|.*LIBUSB_ERROR).*$/m.exec(
      text,
    )?.[0];
  if (line === undefined) {
    if (!/Genicam data not found/i.test(text)) return null;
    return operationalError('E_DEVICE_ERROR', `"${camera}" gave no GenICam description: is it a GenICam camera?`);
  }
  if (inUseWords.test(text)) return inUse(camera, line);
  if (/LIBUSB_ERROR_ACCESS|permission denied/i.test(text))
    return operationalError(
      'E_USB_ACCESS',
      `This user may not open the USB camera "${camera}": install Aravis' udev rule (aravis.rules) or run alarmflow in the group that owns the device`,
      { retryAfterMs: 15_000 },
    );
  return operationalError(
    'E_DEVICE_OFFLINE',
    `"${camera}" does not answer (${short(line)}): check power, cable and address; a GigE camera must be in this machine's network`,
    { retryAfterMs: 1_000 },
  );
}

/** Why one feature was not read, written or executed. */
export function replyFailure(reply: Exclude<Reply, { kind: 'value' }>, camera: string): AlarmflowError {
  if (reply.kind === 'missing')
    return userError('E_NOT_SUPPORTED', `"${camera}" has no feature ${reply.name}: choose another device or setting`);
  if (reply.kind !== 'error')
    return operationalError('E_DEVICE_ERROR', `"${camera}": arv-tool printed something unexpected`);
  const { name, doing, reason } = reply;
  const words = `${name} could not be ${doing === 'read' ? 'read' : doing === 'write' ? 'written' : 'executed'}`;
  if (inUseWords.test(reason)) return inUse(camera, reason);
  if (/timeout/i.test(reason)) {
    // Who has no control gets no answer to a write, while reading goes on.
    if (doing !== 'read') return inUse(camera, reason);
    return operationalError('E_DEVICE_TIMEOUT', `"${camera}": ${words}: ${short(reason)}`);
  }
  if (
    /not an entry|Value -?\d+ not found|greater than|lower than|less than|smaller than|out of range|Invalid string/i.test(
      reason,
    )
  )
    return userError(
      'E_BAD_PARAMETER',
      `"${camera}": ${words}: ${short(reason)}; choose a value that the camera offers`,
    );
  if (/read only|write only|not writable|locked|not available|not implemented/i.test(reason))
    return operationalError(
      'E_DEVICE_LOCKED',
      `"${camera}": ${words} now: ${short(reason)}; many features are locked while the camera acquires`,
      { retryAfterMs: 5_000 },
    );
  return operationalError('E_DEVICE_ERROR', `"${camera}": ${words}: ${short(reason)}`);
}
