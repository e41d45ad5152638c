import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import * as snmp from 'net-snmp';
import type { Clock } from '../../../clock/clock';
import { systemClock } from '../../../clock/system-clock';
import { userError } from '../../../domain/errors';
import { createFaultSwitches, type FaultSwitches } from '../../simulated/faults';

/** Everything that the simulated sender can be made to do wrong (PROTOCOLS §5). */
export const snmpFaultNames = [
  'wrong-community',
  'garbage',
  'empty',
  'truncated',
  'extra-zero',
  'deaf-to-answers',
  'flood',
  'version-3-nobody',
  'lost-boots',
] as const;
export type SnmpFaultName = (typeof snmpFaultNames)[number];

type Values = { oid: string; type: snmp.ObjectType; value: string | number | Buffer }[];
const { OID, Integer, OctetString, Counter64 } = snmp.ObjectType;
const ups = '1.3.6.1.2.1.33';
const upsAlarm = (alarm: number): Values => [
  { oid: `${ups}.1.6.2.1.1.7`, type: Integer, value: 7 },
  { oid: `${ups}.1.6.2.1.2.7`, type: OID, value: `${ups}.1.6.3.${alarm}` },
];
const interfaceNumber = (number: number, status: number): Values => [
  { oid: `1.3.6.1.2.1.2.2.1.1.${number}`, type: Integer, value: number },
  { oid: `1.3.6.1.2.1.2.2.1.7.${number}`, type: Integer, value: 1 },
  { oid: `1.3.6.1.2.1.2.2.1.8.${number}`, type: Integer, value: status },
];

/** What the simulated sender tells: the notification and its values. */
export const snmpScenes: Readonly<Record<string, { oid: string; values: Values }>> = {
  'cold-start': { oid: '1.3.6.1.6.3.1.1.5.1', values: [] },
  'link-down': { oid: '1.3.6.1.6.3.1.1.5.3', values: interfaceNumber(3, 2) },
  'link-up': { oid: '1.3.6.1.6.3.1.1.5.4', values: interfaceNumber(3, 1) },
  'link-down-7': { oid: '1.3.6.1.6.3.1.1.5.3', values: interfaceNumber(7, 2) },
  // Some agents leave the interface away.
  'link-up-unnamed': { oid: '1.3.6.1.6.3.1.1.5.4', values: [] },
  'authentication-failure': { oid: '1.3.6.1.6.3.1.1.5.5', values: [] },
  'on-battery': { oid: `${ups}.2.1`, values: [{ oid: `${ups}.1.2.3.0`, type: Integer, value: 17 }] },
  'battery-alarm': { oid: `${ups}.2.3`, values: upsAlarm(2) },
  'battery-alarm-over': { oid: `${ups}.2.4`, values: upsAlarm(2) },
  'low-battery': { oid: `${ups}.2.3`, values: upsAlarm(3) },
  'poe-off': { oid: '1.3.6.1.2.1.105.0.1', values: [{ oid: '1.3.6.1.2.1.105.1.1.1.6.1.5', type: Integer, value: 2 }] },
  'poe-on': { oid: '1.3.6.1.2.1.105.0.1', values: [{ oid: '1.3.6.1.2.1.105.1.1.1.6.1.5', type: Integer, value: 3 }] },
  unknown: {
    oid: '1.3.6.1.4.1.32473.9.0.1',
    values: [
      { oid: '1.3.6.1.4.1.32473.9.1', type: OctetString, value: 'Tür offen' },
      { oid: '1.3.6.1.4.1.32473.9.2', type: OctetString, value: Buffer.from([0, 0x1b, 0xff, 0x10]) },
      { oid: '1.3.6.1.4.1.32473.9.3', type: Counter64, value: Buffer.from('ffffffffffffffff', 'hex') },
    ],
  },
};

/** How often the simulated sender has been restarted before. */
const BOOTS = 7;

export interface SnmpSimulatorOptions {
  /** Address of the receiver; default 127.0.0.1. */
  host?: string;
  /** Own address to send from; default the machine's choice. */
  from?: string;
  /** The device that a trap of version 1 says it is of; default 127.0.0.1. */
  agent?: string;
  /** Port of the receiver; default 1162. */
  port?: number;
  /** User of version 3; default admin. */
  user?: string;
  /** Community, or both passwords of version 3; default simulated1. */
  password?: string;
  /** `1`, `2c` (default) or `3`. */
  model?: string;
  /** One scene after the other, every so many milliseconds; default 5,000; 0: only when told. */
  everyMs?: number;
  faults?: readonly string[];
  clock?: Clock;
}

export interface SnmpSimulatorState {
  sent: number;
  /** Informs that were confirmed. */
  confirmed: number;
  faults: SnmpFaultName[];
}

/** A simulated UPS and switch that sends notifications. */
export interface SnmpSimulator {
  /** Where it sends to, `snmp://127.0.0.1:1162`. */
  url: string;
  port: number;
  state(): SnmpSimulatorState;
  /** Sends a notification; an inform resolves when it is confirmed, and rejects when it is not. Version 1 has none. */
  fire(scene: string, options?: { inform?: boolean }): Promise<void>;
  faults: FaultSwitches<SnmpFaultName>;
  close(): Promise<void>;
}

/** Answers reach nobody: each listener is taken away again as soon as it is there. */
function muteMessages(this: Socket, event: string, listener: (...args: unknown[]) => void): void {
  if (event === 'message') queueMicrotask(() => this.removeListener('message', listener));
}

/** Makes a sender ready. Throws `E_BAD_PARAMETER` (user) for a version it doesn't know. */
export async function startSnmpSimulator(options: SnmpSimulatorOptions = {}): Promise<SnmpSimulator> {
  const version = options.model ?? '2c';
  if (version !== '1' && version !== '2c' && version !== '3')
    throw userError('E_BAD_PARAMETER', `There is no model "${version}"; the simulated sender can be: 1, 2c, 3`);
  const host = options.host ?? '127.0.0.1';
  const port = options.port || 1162;
  const clock = options.clock ?? systemClock;
  const password = options.password ?? 'simulated1';
  const faults = createFaultSwitches(snmpFaultNames, options.faults ?? []);
  const plain = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  // Nobody listens at the other end: what is sent next may be heard.
  plain.on('error', () => undefined);
  const startedAt = clock.monotonic();
  // An engine of its own each time: it keeps no count of restarts.
  const engineID = `80007ed905${randomBytes(8).toString('hex')}`;
  let sent = 0;
  let confirmed = 0;

  const raw = (bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) => plain.send(bytes, port, host, (error) => (error ? reject(error) : resolve())));

  /** @param onBytes given what would be sent, instead of the network */
  function session(onBytes: ((bytes: Buffer) => void) | null): snmp.Session {
    const common = {
      trapPort: port,
      port,
      timeout: 700,
      retries: 2,
      transport: host.includes(':') ? ('udp6' as const) : ('udp4' as const),
      ...(options.from === undefined ? {} : { sourceAddress: options.from }),
      dgramModule: {
        createSocket(type: 'udp4' | 'udp6'): Socket {
          const socket = createSocket(type);
          const send = socket.send.bind(socket) as (...args: unknown[]) => void;
          if (onBytes) Object.assign(socket, { send: (bytes: Buffer) => onBytes(Buffer.from(bytes)) });
          else
            Object.assign(socket, {
              send(...args: unknown[]) {
                sent++;
                send(...args);
              },
            });
          if (faults.has('deaf-to-answers')) socket.on('newListener', muteMessages);
          return socket;
        },
      },
    };
    if (version !== '3')
      return snmp.Session.create(host, faults.has('wrong-community') ? 'not-it' : password, {
        ...common,
        version: version === '1' ? snmp.Version1 : snmp.Version2c,
      });
    const key = faults.has('wrong-community') ? 'not-the-key' : password;
    const user: snmp.User = faults.has('version-3-nobody')
      ? { name: '', level: snmp.SecurityLevel.noAuthNoPriv }
      : {
          name: options.user ?? 'admin',
          level: snmp.SecurityLevel.authPriv,
          authProtocol: snmp.AuthProtocols.sha,
          authKey: key,
          privProtocol: snmp.PrivProtocols.aes,
          privKey: key,
        };
    const opened = snmp.Session.createV3(host, user, { ...common, engineID });
    const send = opened.send.bind(opened);
    opened.send = (request, withoutAnswer) => {
      const security = request.message.msgSecurityParameters;
      // For a trap the sender is the authority on time (RFC 3414 §1.5.1); net-snmp would always tell 0.
      if (withoutAnswer && security) {
        security.msgAuthoritativeEngineBoots = faults.has('lost-boots') ? 0 : BOOTS;
        security.msgAuthoritativeEngineTime = Math.floor((clock.monotonic() - startedAt) / 1_000);
      }
      send(request, withoutAnswer);
      return opened;
    };
    return opened;
  }

  async function send(oid: string, values: Values, inform: boolean, cut: boolean): Promise<void> {
    let bytes: Buffer | null = null;
    const open = session(
      cut
        ? (given) => {
            bytes = given;
          }
        : null,
    );
    // Answers that can't be read confirm nothing: the call itself ends by its time.
    open.on('error', () => undefined);
    try {
      const done = new Promise<void>((resolve, reject) => {
        const ended = (error: Error | null): void => (error ? reject(error) : resolve());
        if (inform && version !== '1') open.inform(oid, values, ended);
        else open.trap(oid, values, { agentAddr: options.agent ?? '127.0.0.1' }, ended);
        if (cut) resolve();
      });
      await done;
      if (inform && !cut) confirmed++;
    } finally {
      open.close();
    }
    if (bytes) await raw((bytes as Buffer).subarray(0, -5));
  }

  async function fire(scene: string, { inform = false } = {}): Promise<void> {
    const found = Object.hasOwn(snmpScenes, scene) ? snmpScenes[scene] : undefined;
    if (!found)
      throw userError(
        'E_BAD_PARAMETER',
        `There is no scene "${scene}"; there are: ${Object.keys(snmpScenes).join(', ')}`,
      );
    if (faults.has('garbage'))
      for (const junk of ['30', '3082ffff', '300a0201010400a7', 'ffffffffffff', '3003020103', '47455420'])
        await raw(Buffer.from(junk, 'hex'));
    if (faults.has('empty')) await raw(Buffer.alloc(0));
    const oid = faults.has('extra-zero') ? found.oid.replace(/(\.\d+)$/, '.0$1') : found.oid;
    const times = faults.has('flood') ? 500 : 1;
    for (let i = 0; i < times; i++) await send(oid, found.values, inform, faults.has('truncated'));
  }

  const scenes = Object.keys(snmpScenes);
  let turn = 0;
  const everyMs = options.everyMs ?? 5_000;
  const timer = everyMs
    ? clock.every(everyMs, () => {
        // A receiver that is not there yet is no reason to stop.
        fire(scenes[turn++ % scenes.length] ?? 'cold-start').catch(() => undefined);
      })
    : null;

  return {
    url: `snmp://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    state: () => ({ sent, confirmed, faults: faults.list() }),
    fire,
    faults,
    async close() {
      timer?.cancel();
      await new Promise<void>((resolve) => plain.close(() => resolve()));
    },
  };
}
