import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import type { Aedes, AuthenticateError } from 'aedes';
import type { Clock } from '../../../clock/clock';
import { systemClock } from '../../../clock/system-clock';
import { type Log, silentLog } from '../../../domain/log';
import { createFaultSwitches, type FaultSwitches } from '../../simulated/faults';
import { type MqttFaultName, mqttFaultNames } from './faults';
import { createPacketCutter } from './packets';
import { type Bus, createThings, type SimulatedThings, simulatedThings } from './things';

export type { MqttFaultName };
export { mqttFaultNames, simulatedThings };

export interface MqttSimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  /** Asked for where a password is given. */
  user?: string;
  password?: string;
  /** There is only one. */
  model?: string;
  /** PEM; with it the broker speaks TLS. */
  tls?: { key: string; cert: string };
  /** Delay of `slow-things`; default 500 ms. */
  slowMs?: number;
  faults?: readonly string[];
  clock?: Clock;
  log?: Log;
}

export interface MqttSimulatorState {
  outputs: Record<string, boolean>;
  inputs: Record<string, boolean>;
  /** Commands that things were given, `topic payload`. */
  commands: string[];
  connections: number;
  connectionsOpened: number;
  logins: { accepted: number; refused: number };
  faults: MqttFaultName[];
}

/**
 * A simulated broker with things behind it: a Tasmota (`yard/siren`), two Shellys, Zigbee2MQTT things, and a lamp that
 * announces itself to Home Assistant.
 */
export interface MqttSimulator {
  /** `mqtt://127.0.0.1:port` */
  url: string;
  port: number;
  state(): MqttSimulatorState;
  things: Pick<SimulatedThings, 'setInput' | 'setSilently' | 'press' | 'setAvailable' | 'tellPeriodically'>;
  publish(topic: string, payload: string | object, retain?: boolean): void;
  /** What has been published on a topic, last one last; needs no client. */
  heard(topic: string): string[];
  /** Ends every connection. */
  cut(): void;
  faults: FaultSwitches<MqttFaultName>;
  close(): Promise<void>;
}

/** Starts a simulated broker on a real socket. */
export async function startMqttSimulator(options: MqttSimulatorOptions = {}): Promise<MqttSimulator> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLog;
  const host = options.host ?? '127.0.0.1';
  const faults = createFaultSwitches(mqttFaultNames, options.faults ?? []);
  const logins = { accepted: 0, refused: 0 };
  const heard = new Map<string, string[]>();
  const sockets = new Set<Socket>();
  let opened = 0;

  // The package is large and only simulations need it.
  const { Aedes: Broker } = await import('aedes');
  const broker: Aedes = await Broker.createBroker({
    preConnect(_client, _packet, done) {
      done(null, true);
    },
    authenticate(_client, user, password, done) {
      if (faults.has('unavailable')) return done(withCode(3), false);
      const wanted =
        options.password === undefined ||
        (user === (options.user ?? 'admin') && password?.toString() === options.password);
      if (wanted) logins.accepted++;
      else logins.refused++;
      done(wanted ? null : withCode(4), wanted);
    },
    authorizeSubscribe(_client, subscription, done) {
      const refused = faults.has('topics-refused') && subscription.topic.startsWith('tele/');
      done(null, refused ? null : subscription);
    },
  });
  broker.on('publish', ({ topic, payload }) => {
    if (topic.startsWith('$SYS')) return;
    const list = heard.get(topic) ?? [];
    list.push(payload.toString());
    heard.set(topic, list.slice(-50));
    if (heard.size > 500) heard.clear();
  });

  const bus: Bus = {
    publish(topic, payload, retain = false) {
      const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
      const packet = {
        cmd: 'publish' as const,
        topic,
        payload: Buffer.from(text),
        qos: 1 as const,
        retain,
        dup: false,
      };
      broker.publish(packet, (error) => {
        if (error) log.warn('simulator.not-published', { topic, reason: error.message });
      });
    },
    subscribe(topic, listener) {
      broker.subscribe(
        topic,
        ({ payload }, done) => {
          listener(payload.toString());
          done();
        },
        () => undefined,
      );
    },
  };
  const things = createThings(bus, faults, clock, options.slowMs ?? 500);
  things.announce();

  /** Between the network and the broker, so that the line itself can misbehave. */
  function serve(socket: Socket): void {
    opened++;
    if (faults.has('close-at-once')) return void socket.destroy();
    sockets.add(socket);
    const [inner, outer]: Duplex[] = duplexPair();
    if (!inner || !outer) return;
    broker.handle(inner);
    const commands = createPacketCutter();
    const messages = createPacketCutter();
    const acknowledged = new Set<number>();
    socket.on('data', (bytes: Buffer) => {
      for (const packet of commands.push(bytes)) {
        const spare = faults.has('duplicates') && isRepeatedAck(packet, acknowledged);
        if (!faults.has('half-open') && !spare) outer.write(packet);
      }
    });
    outer.on('data', (bytes: Buffer) => {
      for (const packet of messages.push(bytes)) {
        if (faults.has('half-open')) continue;
        const twice = faults.has('duplicates') && isQos1(packet) ? [packet, again(packet)] : [packet];
        for (const piece of twice) {
          if (!faults.has('one-byte-chunks')) socket.write(piece);
          else for (const byte of piece) socket.write(Buffer.from([byte]));
        }
      }
    });
    socket.on('error', (error) => log.debug('simulator.socket-failed', { reason: error.message }));
    inner.on('error', (error) => log.debug('simulator.broker-failed', { reason: error.message }));
    socket.on('close', () => {
      sockets.delete(socket);
      outer.destroy();
      inner.destroy();
    });
    outer.on('close', () => socket.destroy());
    outer.on('end', () => socket.end());
  }

  const server = options.tls ? createTlsServer(options.tls, serve) : createServer({ noDelay: true }, serve);
  server.on('tlsClientError', (error: Error) => log.debug('simulator.tls-failed', { reason: error.message }));
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `${options.tls ? 'mqtts' : 'mqtt'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    state: () => ({
      outputs: { ...things.outputs },
      inputs: { ...things.inputs },
      commands: [...things.commands],
      connections: sockets.size,
      connectionsOpened: opened,
      logins: { ...logins },
      faults: faults.list(),
    }),
    things,
    publish: bus.publish,
    heard: (topic) => [...(heard.get(topic) ?? [])],
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    faults,
    async close() {
      things.close();
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      await closed;
    },
  };
}

const withCode = (returnCode: number): AuthenticateError => Object.assign(new Error('refused'), { returnCode });

/** A PUBLISH with QoS 1 that begins here (MQTT 3.1.1 §3.3.1). */
const isQos1 = (bytes: Buffer): boolean => ((bytes[0] ?? 0) & 0xf6) === 0x32;

/** A receipt (PUBACK, §3.4) of what was delivered twice: the broker knows of one delivery only. */
function isRepeatedAck(packet: Buffer, acknowledged: Set<number>): boolean {
  if (packet[0] !== 0x40 || packet.length !== 4) return false;
  const id = packet.readUInt16BE(2);
  if (acknowledged.delete(id)) return true;
  acknowledged.add(id);
  return false;
}

/** The same with the mark of a second delivery. */
function again(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[0] = (copy[0] ?? 0) | 0x08;
  return copy;
}
