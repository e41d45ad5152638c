import type { DeviceDefinition, LiveStream } from '../../domain/devices';

/** IANA's ports of RTSP (RFC 2326) and of RTSP over TLS (RFC 7826 §17). */
const RTSP_PORT = 554;
const RTSPS_PORT = 322;

/** Whether the dialog asks for the stream over TLS. */
export const wantsSecureStream = ({ recording }: DeviceDefinition): boolean => recording?.transport === 'tls';

/**
 * A device's live stream at a path of its own: on the host by which the device is reached, with its login beside it.
 *
 * @param told port that the device itself named, and whether it named one for TLS; absent: the dialog's, else the usual one
 */
export function liveStreamAt(
  definition: DeviceDefinition,
  path: string,
  told: { port: number | null; secure: boolean } = { port: null, secure: false },
): LiveStream {
  const host = definition.host.includes(':') ? `[${definition.host.replace(/^\[|\]$/g, '')}]` : definition.host;
  // What a device has for TLS alone is never asked for in clear; what it has in clear has another port for TLS.
  const secure = told.secure || wantsSecureStream(definition);
  const named = secure === told.secure ? told.port : null;
  const port = definition.recording?.rtspPort ?? named ?? (secure ? RTSPS_PORT : RTSP_PORT);
  return { url: `${secure ? 'rtsps' : 'rtsp'}://${host}:${port}${path}`, login: definition.credentials };
}

/** Whether the small picture of the second stream is wanted. */
export const wantsSecondStream = ({ recording }: DeviceDefinition): boolean => recording?.stream === 'sub';
