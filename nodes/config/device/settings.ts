import type { DeviceDefinition } from '../../../engine/index';
import type { Fields } from '../../shared/fields';

/** Reads a device from its node's configuration, or from its dialog for the test button. */
export function readDevice(fields: Fields): DeviceDefinition {
  const host = fields.host('host', 'Host');
  return {
    id: fields.id,
    name: fields.name(host),
    driver: fields.text('driver', 'Driver', { max: 64, required: true }),
    host,
    port: fields.number('port', 'Port', { min: 1, max: 65_535, integer: true }),
    tls: fields.flag('tls', 'HTTPS'),
    allowSelfSigned: fields.flag('allowSelfSigned', 'Self-signed'),
    receive: fields.choice('receive', 'Receive by', ['stream', 'push', 'both'] as const),
    credentials: fields.login(),
    timeZone: fields.timeZone('timeZone', 'Time zone'),
    pushFrom: fields.addresses('pushFrom', 'Push only from'),
  };
}
