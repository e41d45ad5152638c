import type { DeviceDefinition, LiveStream } from '../../domain/devices';
import { asAlarmflowError } from '../../domain/errors';
import { liveStreamAt, wantsSecondStream } from '../wire/live-stream';
import type { Cgi } from './cgi';

/**
 * A camera's live stream. Its access name is a parameter (`network_rtsp_s<n>_accessname`), as its port is; a camera that
 * tells neither has those it is shipped with: `live.sdp` and `live2.sdp`, with several lenses `live<channel>s<stream>.sdp`.
 */
export async function liveStreamOf(
  cgi: Cgi,
  definition: DeviceDefinition,
  channel: number,
  signal: AbortSignal,
): Promise<LiveStream> {
  const second = wantsSecondStream(definition);
  const name = `network_rtsp_s${second ? 1 : 0}_accessname`;
  const usual = channel > 1 ? `live${channel}s${second ? 2 : 1}.sdp` : second ? 'live2.sdp' : 'live.sdp';
  try {
    const told = await cgi.getParams('viewer', [name, 'network_rtsp_port'], 'Live picture', signal);
    const access = channel === 1 ? told.get(name) : undefined;
    const port = Number(told.get('network_rtsp_port'));
    const path = access !== undefined && /^[\w.-]{1,64}$/.test(access) ? access : usual;
    const named = Number.isInteger(port) && port > 0 && port <= 65_535 ? port : null;
    return liveStreamAt(definition, `/${path}`, { port: named, secure: false });
  } catch (thrown) {
    signal.throwIfAborted();
    // Some cameras let a viewer see the picture but read no parameters.
    if (asAlarmflowError(thrown).family === 'operational') throw thrown;
    return liveStreamAt(definition, `/${usual}`);
  }
}
