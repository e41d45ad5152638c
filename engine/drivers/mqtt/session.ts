import type { IClientOptions, IPublishPacket, MqttClient } from 'mqtt';
import { type Clock, sleepOrStop } from '../../clock/clock';
import type { DeviceDefinition } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { createCredentialBreaker, type RefusalMemory } from '../wire/credential-breaker';
import { connectionError } from '../wire/http-errors';

export interface SessionTiming {
  /** Silence after which the broker is asked, in seconds; half as much again without an answer ends the connection. */
  keepaliveS: number;
  connectMs: number;
  /** A connection that is lost and back within this time was never away. */
  graceMs: number;
  backoff(failures: number): number;
}

export interface SessionOptions {
  definition: Pick<DeviceDefinition, 'name' | 'host' | 'port' | 'tls' | 'allowSelfSigned' | 'credentials'>;
  clientId: string;
  version: 4 | 5;
  /** PEM; null: the authorities of the system. */
  authority: string | null;
  qos: 0 | 1;
  will: { topic: string; online: string; offline: string } | null;
  timing: SessionTiming;
  clock: Clock;
  log: Log;
  /** Topics to ask for, each time a connection is open. */
  topics(): string[];
  /** Connected, and all topics asked for; `refused` are those that the broker does not give. */
  onOpen(refused: string[]): void;
  onMessage(topic: string, payload: Buffer, packet: Pick<IPublishPacket, 'retain' | 'dup' | 'qos'>): void;
  onLost(error: AlarmflowError): void;
  onLocked(until: number | null): void;
  /** Refusals of the login before this session; absent: none are known. */
  refusals?: RefusalMemory | undefined;
}

/** The connection to one broker; opens itself again, with a back-off, for as long as it is not closed. */
export interface Session {
  start(): void;
  /** Connects once and asks for the topics; resolves with those refused. For the test of a device. */
  tryOnce(signal: AbortSignal): Promise<string[]>;
  /** Resolves when the broker has confirmed (QoS 1) or has been sent it (QoS 0). */
  publish(
    topic: string,
    payload: string,
    signal: AbortSignal,
    /** Absent: not kept by the broker, with the session's own quality. */
    manner?: { qos: 0 | 1 | 2; retain: boolean },
  ): Promise<void>;
  /** Asks for more topics on an open connection. */
  subscribe(topics: string[]): void;
  isOpen(): boolean;
  close(): Promise<void>;
}

/** A packet may announce 256 MiB; the package would gather all of it. */
const MOST_UNREAD = 4 << 20;

/** CONNACK return codes of MQTT 3.1.1 §3.2.2.3 and reason codes of MQTT 5 §3.2.2.2. */
const loginCodes: ReadonlySet<number> = new Set([4, 5, 0x86, 0x87, 0x8c]);
const clientIdCodes: ReadonlySet<number> = new Set([2, 0x85]);
const versionCodes: ReadonlySet<number> = new Set([1, 0x84]);

export function createSession(options: SessionOptions): Session {
  const { definition, timing, clock, log } = options;
  const address = `${definition.host}:${definition.port}`;
  const closing = new AbortController();
  const breaker = createCredentialBreaker(address, clock, options.onLocked, options.refusals);
  let client: MqttClient | null = null;
  let open = false;
  let running: Promise<void> = Promise.resolve();

  function refusal(error: Error): AlarmflowError {
    const code = 'code' in error && typeof error.code === 'number' ? error.code : null;
    if (code === null) return /connack timeout/i.test(error.message) ? silent() : connectionError(address, error);
    if (loginCodes.has(code)) return breaker.refused();
    if (versionCodes.has(code))
      return userError('E_DEVICE_PROTOCOL', `Broker ${address} does not speak this version of MQTT: choose the other`);
    if (clientIdCodes.has(code))
      return userError('E_DEVICE_OPTIONS', `Broker ${address} does not take the client id "${options.clientId}"`);
    return operationalError('E_DEVICE_ERROR', `Broker ${address} refuses the connection: ${error.message} (${code})`);
  }

  /** What a broker of MQTT 5 says of a message (§3.4.2.1); one of 3.1.1 takes it in silence. */
  function notTaken(error: Error, topic: string): AlarmflowError | null {
    const code = 'code' in error && typeof error.code === 'number' ? error.code : null;
    if (code === null || code < 0x80) return null;
    const what = `Broker ${address} does not take the message on "${topic.slice(0, 200)}"`;
    if (code === 0x87)
      return userError(
        'E_NOT_ALLOWED',
        `${what}: this user may not publish there. Allow it in the broker's access list`,
      );
    if (code === 0x90 || code === 0x99)
      return userError('E_BAD_PARAMETER', `${what} (0x${code.toString(16)}): correct topic or payload`);
    return operationalError('E_DEVICE_ERROR', `${what} (0x${code.toString(16)})`);
  }

  const silent = (): AlarmflowError =>
    operationalError(
      'E_DEVICE_TIMEOUT',
      `Broker ${address} did not answer within ${timing.connectMs} ms: check that the port is the one for MQTT, and whether it wants TLS`,
    );

  /** A port that wants TLS closes or resets the connection at the first bytes that are none. */
  const unanswered = (): AlarmflowError =>
    operationalError(
      'E_DEVICE_OFFLINE',
      `Broker ${address} closed the connection without an answer: check that the port is the one for MQTT, and whether it wants TLS`,
    );

  /** One connection from its opening to its end; resolves with why it ended. */
  async function live(onOpen: (opened: MqttClient, refused: string[]) => void): Promise<AlarmflowError> {
    breaker.check();
    // The package is large; a site without brokers does without.
    const { connect } = await import('mqtt');
    closing.signal.throwIfAborted();
    const { credentials, tls, host, port } = definition;
    const settings: IClientOptions = {
      protocol: tls ? 'mqtts' : 'mqtt',
      host,
      port,
      clientId: options.clientId,
      ...(credentials ? { username: credentials.user, password: credentials.password } : {}),
      protocolVersion: options.version,
      clean: true,
      keepalive: timing.keepaliveS,
      reschedulePings: false,
      reconnectPeriod: 0,
      connectTimeout: timing.connectMs,
      resubscribe: false,
      queueQoSZero: false,
      rejectUnauthorized: options.authority !== null || !definition.allowSelfSigned,
      ...(tls && options.authority !== null ? { ca: options.authority } : {}),
      ...(options.will
        ? {
            will: {
              topic: options.will.topic,
              payload: Buffer.from(options.will.offline),
              qos: 1 as const,
              retain: true,
            },
          }
        : {}),
    };
    const mine = connect(settings);
    client = mine;
    let greeted = false;
    try {
      return await new Promise<AlarmflowError>((resolve) => {
        closing.signal.addEventListener('abort', () => resolve(asAlarmflowError(closing.signal.reason)), {
          once: true,
        });
        mine.on('error', (error) => resolve(!greeted && isCut(error) ? unanswered() : refusal(error)));
        mine.on('disconnect', ({ reasonCode }) =>
          resolve(operationalError('E_DEVICE_OFFLINE', `Broker ${address} ended the connection (${reasonCode})`)),
        );
        mine.on('close', () =>
          resolve(
            greeted
              ? operationalError('E_DEVICE_OFFLINE', `The connection to broker ${address} is lost`)
              : unanswered(),
          ),
        );
        mine.on('message', options.onMessage);
        let unread = 0;
        mine.on('packetreceive', () => {
          unread = 0;
        });
        mine.stream.on('data', (bytes: Buffer) => {
          unread += bytes.length;
          if (unread > MOST_UNREAD)
            resolve(
              operationalError(
                'E_DEVICE_PROTOCOL',
                `Broker ${address} sends a message of more than ${MOST_UNREAD >> 20} MiB: keep pictures and the like away from this user's topics`,
              ),
            );
        });
        mine.on('connect', () => {
          greeted = true;
          breaker.accepted();
          ask(mine, options.topics())
            .then((refused) => onOpen(mine, refused))
            .catch((thrown: unknown) => resolve(connectionError(address, thrown)));
        });
      });
    } finally {
      open = false;
      if (client === mine) client = null;
      mine.removeListener('message', options.onMessage);
      mine.end(true);
    }
  }

  /** Topics of a request that the broker does not give (MQTT 3.1.1 §3.9.3). */
  async function ask(on: MqttClient, topics: string[]): Promise<string[]> {
    const refused: string[] = [];
    for (let at = 0; at < topics.length; at += 50) {
      const some = topics.slice(at, at + 50);
      try {
        const granted = await on.subscribeAsync(some, { qos: options.qos });
        refused.push(...granted.filter((g) => g.qos >= 128).map((g) => g.topic));
      } catch (thrown) {
        const codes = subackCodes(thrown);
        if (!codes) throw thrown;
        refused.push(...some.filter((_topic, index) => (codes[index] ?? 0) >= 128));
      }
    }
    return refused;
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!closing.signal.aborted) {
      const began = clock.monotonic();
      let error: AlarmflowError;
      try {
        error = await live((opened, refused) => {
          open = true;
          const { will } = options;
          if (will)
            opened.publish(will.topic, will.online, { qos: 1, retain: true }, (failed) => {
              if (failed) log.debug('mqtt.status-not-told', { reason: failed.message });
            });
          options.onOpen(refused);
        });
      } catch (thrown) {
        error = asAlarmflowError(thrown);
      }
      if (closing.signal.aborted) return;
      if (clock.monotonic() - began > 30_000) failures = 0;
      options.onLost(error);
      const pause = Math.max(timing.backoff(failures++), error.retryAfterMs ?? 0);
      await sleepOrStop(clock, pause, closing.signal);
    }
  }

  return {
    start() {
      running = run();
    },
    async tryOnce(signal) {
      const stop = (): void => closing.abort(signal.reason);
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      try {
        return await new Promise<string[]>((resolve, reject) => {
          live((_opened, refused) => resolve(refused)).then(reject, reject);
        });
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
    publish(topic, payload, signal, manner = { qos: options.qos, retain: false }) {
      const current = client;
      if (!current || !open)
        return Promise.reject(
          operationalError('E_DEVICE_OFFLINE', `"${definition.name}": there is no connection to broker ${address}`, {
            retryAfterMs: 1_000,
          }),
        );
      return new Promise((resolve, reject) => {
        const leave = (): void => reject(signal.reason);
        if (signal.aborted) return leave();
        signal.addEventListener('abort', leave, { once: true });
        const gone = (): void =>
          reject(
            operationalError('E_DEVICE_OFFLINE', `The connection to broker ${address} is lost`, {
              retryAfterMs: 1_000,
            }),
          );
        closing.signal.addEventListener('abort', gone, { once: true });
        current.once('close', gone);
        current.publish(topic, payload, manner, (error) => {
          signal.removeEventListener('abort', leave);
          closing.signal.removeEventListener('abort', gone);
          current.removeListener('close', gone);
          if (error) reject(notTaken(error, topic) ?? connectionError(address, error));
          else resolve();
        });
      });
    },
    subscribe(topics) {
      const current = client;
      if (!current || !open || topics.length === 0) return;
      ask(current, topics)
        .then((refused) => {
          if (refused.length > 0) log.warn('mqtt.topics-refused', { topics: refused });
        })
        .catch((thrown: unknown) => log.debug('mqtt.not-subscribed', { reason: asAlarmflowError(thrown).message }));
    },
    isOpen: () => open,
    async close() {
      const current = client;
      const { will } = options;
      // A connection that ends in order leaves no will: the state is told before.
      if (current && open && will) {
        const told = new Promise<void>((resolve) => {
          current.publish(will.topic, will.offline, { qos: 1, retain: true }, () => resolve());
        });
        const limit = sleepOrStop(clock, 300, closing.signal);
        await Promise.race([told, limit]);
      }
      closing.abort(operationalError('E_CLOSED', `The connection to broker ${address} is being closed`));
      breaker.close();
      await running;
    },
  };
}

const isCut = (error: Error): boolean => 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');

/** The codes of a SUBACK that mqtt.js makes an error of. */
function subackCodes(thrown: unknown): number[] | null {
  const packet = thrown instanceof Error && 'packet' in thrown ? thrown.packet : null;
  if (typeof packet !== 'object' || packet === null || !('granted' in packet)) return null;
  return Array.isArray(packet.granted) ? packet.granted.filter((code) => typeof code === 'number') : null;
}
