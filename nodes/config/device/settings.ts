import {
  asAlarmflowError,
  type DeviceDefinition,
  type DeviceRecording,
  type DriverChoice,
  userError,
} from '../../../engine/index';
import type { Fields } from '../../shared/fields';
import { readCertificates, readFingerprint } from '../../shared/tls-fields';

/**
 * Reads a device from its node's configuration, or from its dialog for the test button. What its driver needs of it is
 * checked by `fitDriver`.
 */
export function readDevice(fields: Fields): DeviceDefinition {
  const host = fields.host('host', 'Host', { optional: true });
  const driver = fields.text('driver', 'Driver', { max: 64, required: true });
  const options = fields.settings('options', 'Settings');
  return {
    id: fields.id,
    name: fields.name(host || driver),
    driver,
    host,
    port: fields.number('port', 'Port', { min: 1, max: 65_535, integer: true }),
    tls: fields.flag('tls', 'TLS'),
    allowSelfSigned: fields.flag('allowSelfSigned', 'Self-signed'),
    receive: fields.choice('receive', 'Receive by', ['stream', 'push', 'both'] as const),
    credentials: fields.login(true),
    timeZone: fields.timeZone('timeZone', 'Time zone'),
    pushFrom: fields.addresses('pushFrom', 'Push only from'),
    ...lifeOf(fields),
    ...recordingOf(fields),
    ...(Object.keys(options).length > 0 ? { options } : {}),
  };
}

/** How long it may be silent; nothing unless minutes are given. */
function lifeOf(fields: Fields): { signOfLifeMs?: number } {
  const minutes = fields.number('signOfLife', 'Sign of life', {
    min: 0,
    max: 100_000,
    unit: 'minutes',
    optional: true,
  });
  // Less than a second is what nobody can mean: one that is nearly none is none.
  const ms = Math.round((minutes ?? 0) * 60_000);
  return ms >= 1_000 ? { signOfLifeMs: ms } : {};
}

/** What is kept of its live picture; nothing unless it is ticked. */
function recordingOf(fields: Fields): { recording?: DeviceRecording } {
  if (!fields.flag('record', 'Last seconds')) return {};
  const channels = fields.channels('recordChannels', 'Channels');
  const transport = fields.choice('recordTransport', 'Transport', ['tcp', 'udp', 'tls'] as const);
  const security = {
    allowSelfSigned: fields.flag('recordSelfSigned', 'Any certificate'),
    authority: readCertificates(fields, 'recordAuthority', 'Own authority'),
    fingerprint: readFingerprint(fields, 'recordFingerprint', 'Fingerprint'),
  };
  return {
    recording: {
      channels: channels.length > 0 ? channels : [1],
      seconds: fields.number('recordSeconds', 'Seconds', { min: 5, max: 300, integer: true }),
      stream: fields.choice('recordStream', 'Picture', ['main', 'sub'] as const),
      rtspPort: fields.number('recordPort', 'RTSP port', { min: 1, max: 65_535, integer: true, optional: true }),
      transport,
      ...(transport === 'tls' ? { security } : {}),
      ...(fields.flag('recordSound', 'Sound') ? { sound: true } : {}),
    },
  };
}

/**
 * A device as its driver takes it. Throws a user error for a driver that is none, and for what this one cannot do
 * without.
 *
 * @param subject how messages name the device
 */
export function fitDriver(
  definition: DeviceDefinition,
  drivers: readonly DriverChoice[],
  subject: string,
): DeviceDefinition {
  const driver = drivers.find(({ kind }) => kind === definition.driver);
  if (!driver)
    throw userError(
      'E_UNKNOWN_DRIVER',
      `${subject}: field "Driver" is "${definition.driver}", which this alarmflow does not have: choose one of ${drivers.map(({ kind }) => kind).join(', ')} and deploy again`,
    );
  const { host, login, receives } = driver.dialog;
  if (host && definition.host === '')
    throw userError(
      'E_NODE_CONFIG',
      `${subject}: field "Host" is "", it must be filled in; open its dialog, correct it and deploy again`,
    );
  if (login && host && definition.credentials?.user === '')
    throw userError(
      'E_NODE_CONFIG',
      `${subject}: there is a password but no user in field "User"; open its dialog, correct it and deploy again`,
    );
  const [first = definition.receive] = receives;
  const { recording, signOfLifeMs, ...rest } = definition;
  const receive = receives.includes(definition.receive) ? definition.receive : first;
  return {
    ...rest,
    // Who asks a device knows sooner whether it is there.
    ...(signOfLifeMs && receive === 'push' ? { signOfLifeMs } : {}),
    ...(recording && driver.dialog.live ? { recording } : {}),
    receive,
    credentials: login ? definition.credentials : null,
  };
}

/** A refusal of the driver, with the device's name in front of it. */
export function withSubject(thrown: unknown, subject: string): Error {
  const error = asAlarmflowError(thrown);
  return error.family === 'user' && !error.message.startsWith(subject)
    ? userError(error.code, `${subject}: ${error.message}`, { cause: error })
    : error;
}
