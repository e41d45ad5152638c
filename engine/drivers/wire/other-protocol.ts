import type { Clock } from '../../clock/clock';
import type { DeviceDefinition } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { askPlainly } from './plain-question';

export interface OtherProtocolOptions {
  definition: DeviceDefinition;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** Failures that may mean that HTTP was spoken to an HTTPS port: the answer is none, or one of another language. */
const strange: ReadonlySet<string> = new Set([
  'E_DEVICE_PROTOCOL',
  'E_DEVICE_TYPE',
  'E_NOT_ONVIF',
  'E_NOT_SUPPORTED',
  'E_BAD_PARAMETER',
  'E_DEVICE_ERROR',
]);

/** Whether the device's port answers with HTTPS where HTTP is set, or the other way round. */
export async function speaksOtherProtocol(options: OtherProtocolOptions): Promise<boolean> {
  const { definition, clock, log, signal } = options;
  const tls = !definition.tls;
  try {
    const { status, body } = await askPlainly({ ...definition, tls, allowSelfSigned: true }, '/', clock, signal);
    // Web servers answer plain HTTP on their TLS port with a 400 that says so.
    return !(status === 400 && /plain HTTP|HTTPS port/i.test(body.toString('latin1')));
  } catch (thrown) {
    log.debug('device.other-protocol-silent', { tls, reason: asAlarmflowError(thrown).message });
    return false;
  }
}

export const otherProtocol = ({ name, port, tls }: DeviceDefinition, cause: AlarmflowError): AlarmflowError =>
  userError(
    'E_DEVICE_TLS',
    `Port ${port} of "${name}" speaks ${tls ? 'HTTP, not HTTPS' : 'HTTPS, not HTTP'}: switch HTTPS ${tls ? 'off' : 'on'} in the device's dialog, or give the other port`,
    { cause },
  );

/** The failure of a test as it is, or `E_DEVICE_TLS` (user) where the port speaks the other of HTTP and HTTPS. */
export async function orOtherProtocol(error: AlarmflowError, options: OtherProtocolOptions): Promise<AlarmflowError> {
  const cut = error.code === 'E_DEVICE_OFFLINE' && error.facts?.code !== 'ECONNREFUSED';
  const asks = strange.has(error.code) || cut || (error.code === 'E_DEVICE_TLS' && options.definition.tls);
  return asks && (await speaksOtherProtocol(options)) ? otherProtocol(options.definition, error) : error;
}
