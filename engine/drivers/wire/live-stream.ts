import type { DeviceDefinition, LiveStream } from '../../domain/devices';

/** IANA's port of RTSP (RFC 2326). */
const RTSP_PORT = 554;

/**
 * A device's live stream at a path of its own: on the host by which the device is reached, with its login beside it.
 *
 * @param told port that the device itself named; absent: the dialog's, else that of RTSP
 */
export function liveStreamAt(definition: DeviceDefinition, path: string, told?: number | null): LiveStream {
  const host = definition.host.includes(':') ? `[${definition.host.replace(/^\[|\]$/g, '')}]` : definition.host;
  const port = definition.recording?.rtspPort ?? told ?? RTSP_PORT;
  return { url: `rtsp://${host}:${port}${path}`, login: definition.credentials };
}

/** Whether the small picture of the second stream is wanted. */
export const wantsSecondStream = ({ recording }: DeviceDefinition): boolean => recording?.stream === 'sub';
