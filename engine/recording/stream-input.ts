/** How ffmpeg is told to copy a stream, and what its failures mean. */
import type { DeviceRecording, LiveStream } from '../domain/devices';
import { type AlarmflowError, operationalError } from '../domain/errors';
import { reasonOf } from './ffmpeg';

/** How a stream is taken. */
export interface StreamManner {
  transport: NonNullable<DeviceRecording['transport']>;
  /** null: without; `aac`: it is copied as it is; `make`: AAC is made of what comes. */
  sound: 'aac' | 'make' | null;
  /** Times are those of the moment at which something comes: the camera's own are wrong. */
  ownTimes: boolean;
}

/** Arguments; the address comes over standard input, for among these everybody on this machine would read the login. */
export function recordArguments({ transport, sound }: StreamManner): string[] {
  const made = ['-c:a', 'aac', '-b:a', '48k', '-af', 'aresample=async=1000'];
  return [
    ...['-fflags', 'nobuffer', '-analyzeduration', '500000', '-fpsprobesize', '0'],
    // No TLS: ffmpeg would not look at the certificate (see secure-tunnel).
    ...['-protocol_whitelist', transport === 'udp' ? 'pipe,rtsp,rtp,tcp,udp' : 'pipe,rtsp,rtp,tcp'],
    ...['-f', 'concat', '-safe', '0', '-i', 'pipe:0'],
    ...['-map', '0:v:0', '-c:v', 'copy'],
    // A microphone that falls silent must not hold the pictures back for ten seconds.
    ...(sound === null ? [] : ['-map', '0:a:0?', '-max_interleave_delta', '500000']),
    ...(sound === 'aac' ? ['-c:a', 'copy'] : sound === 'make' ? made : []),
    ...['-f', 'mpegts', '-mpegts_flags', '+pat_pmt_at_frames', '-muxdelay', '0', '-muxpreload', '0'],
    ...['-flush_packets', '1', 'pipe:1'],
  ];
}

/** What ffmpeg reads over standard input: the address with its login (RFC 3986 §3.2.1), and how to open it. */
export function playlist({ url, login }: LiveStream, manner: StreamManner): string {
  const whole = new URL(url);
  const user = login ? `${escaped(login.user)}:${escaped(login.password)}@` : '';
  const rest = `${whole.host}${whole.pathname}${whole.search}`.replace(/['\r\n\\]/g, percent);
  return [
    'ffconcat version 1.0',
    `file '${whole.protocol}//${user}${rest}'`,
    `option rtsp_transport ${manner.transport === 'udp' ? 'udp' : 'tcp'}`,
    // Without sound nothing else is even asked for: ffmpeg would take its time from the camera's clock (RTCP, RFC 3550
    // §6.4.1), and a camera whose clock is set would tear the stream.
    `option allowed_media_types ${manner.sound === null ? 'video' : 'video+audio'}`,
    'option timeout 8000000',
    'option fflags nobuffer',
    'option analyzeduration 500000',
    'option fpsprobesize 0',
    ...(manner.ownTimes ? ['option use_wallclock_as_timestamps 1'] : []),
    '',
  ].join('\n');
}

const percent = (sign: string): string => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/** Also what encodeURIComponent leaves: a quotation mark would end the name in the list. */
const escaped = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, percent);

/** Name of the sound's codec as ffmpeg tells it when it has opened a stream; null: it has not told one. */
export const soundCodecIn = (words: string): string | null =>
  /^\[info\] {1,8}Stream #0:\d[^\n]{0,40}?: Audio: (\w{1,30})/m.exec(words)?.[1] ?? null;

export function streamError(title: string, words: string): AlarmflowError {
  if (/\b40[13]\b/.test(words) && /Unauthorized|Forbidden|authorization failed|denied/i.test(words))
    return operationalError(
      'E_CREDENTIALS_REFUSED',
      `The stream of ${title} refuses the login: check user and password in the dialog of the device, and its right to see live pictures`,
    );
  if (/404 Not Found|Not Found/i.test(words))
    return operationalError(
      'E_RECORDER',
      `The device knows no stream for ${title}: check the channel in its dialog ("Keep the last seconds for alarms")`,
    );
  if (/\b461\b|Unsupported Transport|Nonmatching transport/i.test(words))
    return operationalError(
      'E_RECORDER',
      `The device refuses the way by which the stream of ${title} was asked for: choose another transport in its dialog (RTSP over TCP or UDP)`,
    );
  return operationalError('E_RECORDER', `The stream of ${title} broke off: ${reasonOf(words)}`);
}
