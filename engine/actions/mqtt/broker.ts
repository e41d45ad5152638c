/** One connection to a broker, for the messages of one action. */
import type { IClientOptions, MqttClient } from 'mqtt';
import type { Clock } from '../../clock/clock';
import { type AlarmflowError, AlarmflowError as Failure, operationalError, userError } from '../../domain/errors';
import type { MqttBroker, MqttMessage } from '../../domain/mqtt-broker';
import { oneLine } from '../template';
import { limited } from '../time-limit';

/** For one try, connection included. */
export const mqttLimits = { wholeMs: 15_000, connectMs: 8_000 };

export const brokerName = ({ name, host, port }: Pick<MqttBroker, 'name' | 'host' | 'port'>): string =>
  name && name !== host ? `MQTT broker "${name}" (${host}:${port})` : `MQTT broker ${host}:${port}`;

/**
 * Resolves when the broker has confirmed every message (QoS 1, 2), or has been sent it (QoS 0).
 * @param identity the same at every try; told as a user property where MQTT 5 is spoken
 * @throws E_BROKER_LOGIN, E_BROKER_REFUSED, E_BROKER_CERTIFICATE, E_BROKER_PROTOCOL (user), E_BROKER_UNREACHABLE,
 * E_BROKER_BUSY, E_TOO_SLOW (operational), the signal's reason
 */
export function publishTo(
  broker: MqttBroker,
  messages: readonly MqttMessage[],
  identity: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  return limited(clock, signal, mqttLimits.wholeMs, `${brokerName(broker)} did not confirm`, async (stop) => {
    const client = await open(broker, stop);
    try {
      for (const message of messages) await publish(client, broker, message, identity, stop);
      // In order, so that the broker has everything, also what it does not confirm.
      await client.endAsync(false);
    } finally {
      client.end(true);
    }
  });
}

async function open(broker: MqttBroker, signal: AbortSignal): Promise<MqttClient> {
  // The package is large; a site without brokers does without.
  const { connect } = await import('mqtt');
  signal.throwIfAborted();
  const { credentials, tls, host, port, authority, fingerprint } = broker;
  const settings: IClientOptions = {
    protocol: tls ? 'mqtts' : 'mqtt',
    host,
    port,
    ...(broker.clientId === '' ? {} : { clientId: broker.clientId }),
    ...(credentials ? { username: credentials.user, password: credentials.password } : {}),
    protocolVersion: broker.version,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: mqttLimits.connectMs,
    queueQoSZero: false,
    ...(tls && fingerprint !== '' ? { rejectUnauthorized: false } : {}),
    ...(tls && authority !== '' ? { ca: authority } : {}),
  };
  const client = tls && fingerprint !== '' ? await pinned(broker, settings, signal) : connect(settings);
  let failed: Error | null = null;
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      client.on('error', (error) => {
        failed ??= error;
        reject(brokerError(broker, error));
      });
      client.once('connect', () => resolve());
      client.once('close', () => reject(failed ? brokerError(broker, failed) : unanswered(broker)));
    });
  } catch (thrown) {
    client.end(true);
    throw thrown;
  }
  return client;
}

/** The connection is proven before the first packet, in which the password is. */
async function pinned(broker: MqttBroker, settings: IClientOptions, signal: AbortSignal): Promise<MqttClient> {
  const [{ MqttClient: Client }, { connect }] = await Promise.all([import('mqtt'), import('node:tls')]);
  const { host, port, fingerprint } = broker;
  const socket = connect({
    host,
    port,
    rejectUnauthorized: false,
    ...(/[a-z]/i.test(host) ? { servername: host } : {}),
  });
  const stop = (): void => void socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => reject(brokerError(broker, error)));
      socket.once('close', () => reject(signal.aborted ? signal.reason : unanswered(broker)));
      socket.once('secureConnect', () => resolve());
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
  const shown = socket.getPeerCertificate().fingerprint256;
  if (shown !== fingerprint) {
    socket.destroy();
    throw userError(
      'E_BROKER_CERTIFICATE',
      `${brokerName(broker)} shows another certificate (SHA-256 ${shown || 'unknown'}) than the one in its dialog. If it was renewed, enter the new fingerprint; if not, somebody stands between`,
    );
  }
  return new Client(() => socket, settings);
}

function publish(
  client: MqttClient,
  broker: MqttBroker,
  { topic, payload, qos, retain }: MqttMessage,
  identity: string,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(lost(broker));
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) return leave();
    if (!client.connected) return gone();
    signal.addEventListener('abort', leave, { once: true });
    client.once('close', gone);
    const properties = broker.version === 5 ? { properties: { userProperties: { 'idempotency-key': identity } } } : {};
    client.publish(topic, payload, { qos, retain, ...properties }, (error) => {
      signal.removeEventListener('abort', leave);
      client.removeListener('close', gone);
      if (error) reject(notTaken(broker, topic, error));
      else resolve();
    });
  });
}

const reasonCode = (error: Error): number | null =>
  'code' in error && typeof error.code === 'number' ? error.code : null;

const lost = (broker: MqttBroker): AlarmflowError =>
  operationalError(
    'E_BROKER_UNREACHABLE',
    `${brokerName(broker)} ended the connection before it had confirmed; it is tried again, and may then have the message twice`,
  );

const unanswered = (broker: MqttBroker): AlarmflowError =>
  operationalError(
    'E_BROKER_UNREACHABLE',
    `${brokerName(broker)} closed the connection without an answer: check that the port is the one for MQTT, and whether it wants TLS`,
  );

/** What a broker of MQTT 5 says of a message (§3.4.2.1). */
function notTaken(broker: MqttBroker, topic: string, error: Error): AlarmflowError {
  const code = reasonCode(error);
  if (code === null || code < 0x80) return brokerError(broker, error);
  const what = `${brokerName(broker)} does not take the message on "${oneLine(topic).slice(0, 200)}"`;
  if (code === 0x87)
    return userError(
      'E_BROKER_REFUSED',
      `${what}: this user may not publish there. Allow it in the broker's access list`,
    );
  if (code === 0x90 || code === 0x99)
    return userError('E_BROKER_REFUSED', `${what} (0x${code.toString(16)}): correct topic or payload`);
  return operationalError('E_BROKER_BUSY', `${what} now (0x${code.toString(16)}); it is tried again`);
}

/** CONNACK codes of MQTT 3.1.1 §3.2.2.3 and MQTT 5 §3.2.2.2. */
const loginCodes: ReadonlySet<number> = new Set([4, 5, 0x86, 0x87, 0x8c]);
const busyCodes: ReadonlySet<number> = new Set([3, 0x88, 0x89, 0x97, 0x9f]);

const certificateCodes =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/;

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it cut the connection; check whether the port wants TLS',
  EPIPE: 'it cut the connection',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'the name server does not answer',
  ETIMEDOUT: 'no answer came',
};

function brokerError(broker: MqttBroker, thrown: Error): AlarmflowError {
  if (thrown instanceof Failure) return thrown;
  const name = brokerName(broker);
  const number = reasonCode(thrown);
  if (number !== null) {
    if (loginCodes.has(number))
      return userError('E_BROKER_LOGIN', `${name} refused the login: check user and password in the broker's dialog`);
    if (number === 1 || number === 0x84)
      return userError(
        'E_BROKER_PROTOCOL',
        `${name} does not speak this version of MQTT: choose the other in its dialog`,
      );
    if (busyCodes.has(number))
      return operationalError('E_BROKER_BUSY', `${name} takes no connection now (0x${number.toString(16)})`);
    return userError(
      'E_BROKER_REFUSED',
      `${name} refuses the connection (0x${number.toString(16)}): check its settings`,
    );
  }
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  if (certificateCodes.test(code))
    return userError(
      'E_BROKER_CERTIFICATE',
      `${name}: its certificate is not trusted (${code}). Enter its authority or its fingerprint in the broker's dialog`,
    );
  if (code === 'EPROTO' || /^ERR_(?:SSL|TLS|OSSL)/.test(code))
    return userError(
      'E_BROKER_CERTIFICATE',
      `${name}: no secure connection came about (${code}): check that the port speaks TLS`,
    );
  if (/connack timeout/i.test(thrown.message))
    return operationalError(
      'E_BROKER_UNREACHABLE',
      `${name} did not answer: check that it runs, that the port is the one for MQTT, and whether it wants TLS`,
    );
  const why = reasons[code] ?? (code || oneLine(thrown.message).slice(0, 120));
  return operationalError('E_BROKER_UNREACHABLE', `${name} can't be reached: ${why}. Check host, port and network`);
}
