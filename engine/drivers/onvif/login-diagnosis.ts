import type { Clock } from '../../clock/clock';
import type { DeviceDefinition } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { createDeviceHttp } from '../wire';

/** Pages of makers that keep ONVIF users apart from those of the web pages; each answers only to the latter. */
const webPages = ['/ISAPI/System/deviceInfo', '/cgi-bin/magicBox.cgi?action=getDeviceType'];

/**
 * After ONVIF has refused a login: tries it once at the device's own web interface, to tell a wrong password from a
 * missing ONVIF user (PROTOCOLS §4.2). Null: nothing could be found out. With the login of ONVIF that makes two tries.
 */
export async function missingOnvifUser(
  definition: DeviceDefinition,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<AlarmflowError | null> {
  const { host, port, tls, allowSelfSigned, credentials, name } = definition;
  if (!credentials) return null;
  const options = { host, port, tls, allowSelfSigned, clock, log, onLocked: () => undefined };
  const stranger = createDeviceHttp({ ...options, credentials: null });
  const user = createDeviceHttp({ ...options, credentials });
  try {
    for (const path of webPages) {
      // Only a page that asks for a login can tell whether it is right.
      const asks = await stranger.request({ method: 'GET', path, signal, timeoutMs: 3_000 }).then(
        () => false,
        (thrown: unknown) => asAlarmflowError(thrown).code === 'E_CREDENTIALS_MISSING',
      );
      if (!asks) continue;
      const { status } = await user.request({ method: 'GET', path, signal, timeoutMs: 3_000 });
      if (status !== 200) return null;
      return userError(
        'E_ONVIF_USER',
        `"${name}" knows user "${credentials.user}" on its web pages but not in ONVIF: open its web page, switch ONVIF on (often Network > Advanced > Integration Protocol) and add an ONVIF user with this name and password.`,
        { facts: { device: `${host}:${port}` } },
      );
    }
    return null;
  } catch (thrown) {
    // The password is wrong there as well, or the page can't be had: the refusal of ONVIF stands.
    log.debug('onvif.web-login', { reason: asAlarmflowError(thrown).message });
    return null;
  } finally {
    stranger.close();
    user.close();
  }
}
