/** One notification over UDP to one receiver: SNMPv1, v2c or v3, as trap or inform. */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import * as snmp from 'net-snmp';
import type { Clock } from '../clock/clock';
import { AlarmflowError, asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { SnmpReceiver } from '../domain/snmp-receiver';
import { mendDes, ownEngineId } from '../snmp';
import type { SnmpNotification, SnmpValue } from './snmp-notification';
import { oneLine } from './template';
import { limited } from './time-limit';

/** Limits of one try, in milliseconds; an inform is sent twice within its own. */
export const snmpLimits = { answerMs: 4_000, wholeMs: 12_000 };

/** 2026-01-01T00:00:00Z. */
const ENGINE_EPOCH = 1_767_225_600_000;

export const receiverName = (receiver: SnmpReceiver): string =>
  `SNMP receiver "${receiver.name || receiver.host}" (${receiver.host}:${receiver.port})`;

/** The engine id under which a receiver knows our SNMPv3 traps, in hexadecimal digits. */
export const engineIdOf = (receiver: SnmpReceiver): string => receiver.engineId || ownEngineId(receiver.id);

/**
 * Sends a notification. A trap resolves when it has left, an inform when the receiver has confirmed it.
 * Throws E_SNMP_REFUSED (user: the receiver knows the user or its keys otherwise), E_SNMP_NO_ANSWER,
 * E_SNMP_UNREACHABLE, E_TOO_SLOW (operational); when the signal aborts, its reason.
 */
export async function sendNotification(
  receiver: SnmpReceiver,
  notification: SnmpNotification,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  try {
    const what = `${receiverName(receiver)} was not told`;
    await limited(clock, signal, snmpLimits.wholeMs, what, async (stop) => {
      const { address, family } = await lookup(receiver.host);
      stop.throwIfAborted();
      const agentAddress = receiver.access.version === '1' && family === 4 ? await ownAddress(address) : '0.0.0.0';
      stop.throwIfAborted();
      await overSession(receiver, { address, family }, agentAddress, notification, clock, stop);
    });
  } catch (thrown) {
    signal.throwIfAborted();
    throw snmpError(receiver, thrown);
  }
}

/** Our address as the receiver sees it, for the field of SNMPv1 that asks for it (RFC 1157 §4.1.6). */
function ownAddress(target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.connect(9, target, () => {
      const { address } = socket.address();
      socket.close();
      resolve(address);
    });
  });
}

async function overSession(
  receiver: SnmpReceiver,
  target: { address: string; family: number },
  agentAddress: string,
  notification: SnmpNotification,
  clock: Clock,
  stop: AbortSignal,
): Promise<void> {
  const sockets: Socket[] = [];
  const { session, fail } = openSession(receiver, target, clock, sockets);
  try {
    await new Promise<void>((resolve, reject) => {
      fail(reject);
      stop.addEventListener('abort', () => reject(stop.reason), { once: true });
      const done = (error: Error | null): void => (error ? reject(error) : resolve());
      const values = notification.values.map((value) => varbind(receiver, value));
      if (receiver.notification === 'inform') session.inform(notificationOid(receiver, notification), values, done);
      else session.trap(notificationOid(receiver, notification), values, { agentAddr: agentAddress }, done);
    });
  } finally {
    for (const socket of sockets) socket.close();
  }
}

/**
 * SNMPv1 names the enterprise and a number; receivers put the 0 between them that our notifications have
 * (RFC 3584 §3.1).
 */
const notificationOid = (receiver: SnmpReceiver, { number }: SnmpNotification): string =>
  receiver.access.version === '1' ? `${receiver.arc}.${number}` : `${receiver.arc}.0.${number}`;

const objectTypes = {
  text: snmp.ObjectType.OctetString,
  octets: snmp.ObjectType.OctetString,
  unsigned: snmp.ObjectType.Unsigned32,
} as const;

const varbind = (receiver: SnmpReceiver, { object, type, value }: SnmpValue): snmp.Varbind => ({
  oid: `${receiver.arc}.1.${object}.0`,
  type: objectTypes[type],
  value,
});

function openSession(
  receiver: SnmpReceiver,
  target: { address: string; family: number },
  clock: Clock,
  sockets: Socket[],
): { session: snmp.Session; fail: (listener: (error: Error) => void) => void } {
  let report: (error: Error) => void = () => undefined;
  const common = {
    transport: target.family === 6 ? ('udp6' as const) : ('udp4' as const),
    trapPort: receiver.port,
    port: receiver.port,
    timeout: snmpLimits.answerMs,
    retries: 1,
    dgramModule: {
      createSocket(type: 'udp4' | 'udp6'): Socket {
        const socket = createSocket(type);
        sockets.push(socket);
        return socket;
      },
    },
  };
  const { access } = receiver;
  if (access.version === '3' && access.security.level === 'authPriv' && access.security.privacy === 'des') mendDes();
  const session =
    access.version === '3'
      ? snmp.Session.createV3(target.address, userOf(access), { ...common, engineID: engineIdOf(receiver) })
      : snmp.Session.create(target.address, access.community, {
          ...common,
          version: access.version === '1' ? snmp.Version1 : snmp.Version2c,
        });
  for (const socket of sockets) {
    socket.on('error', (error) => report(error));
    guardMessages(socket);
  }
  // What cannot be read is no answer: anybody may send noise, and the wait for the receiver's own goes on.
  session.on('error', () => undefined);
  if (access.version === '3') tellEngineTime(session, clock);
  return {
    session,
    fail(listener) {
      report = listener;
    },
  };
}

/** What arrives may be anything: noise that breaks the decoder must not end the process. */
function guardMessages(socket: Socket): void {
  const decoders = socket.listeners('message');
  socket.removeAllListeners('message');
  socket.on('message', (bytes, from) => {
    try {
      for (const decode of decoders) Reflect.apply(decode, socket, [bytes, from]);
    } catch {
      // No answer of the receiver then: the limit of the try tells that nothing was confirmed.
    }
  });
}

/**
 * For a trap the sender is the authority on time (RFC 3414 §1.5.1), but net-snmp always tells boots 0 and time 0, which
 * receivers refuse as replayed once 150 s have passed since the first. Seconds since a fixed day go on through
 * restarts, so that nothing has to be kept.
 */
function tellEngineTime(session: snmp.Session, clock: Clock): void {
  const send = session.send.bind(session);
  session.send = (request, withoutAnswer) => {
    const security = request.message.msgSecurityParameters;
    if (withoutAnswer && security) {
      security.msgAuthoritativeEngineBoots = 1;
      security.msgAuthoritativeEngineTime = Math.max(0, Math.floor((clock.now() - ENGINE_EPOCH) / 1_000)) % 2 ** 31;
    }
    send(request, withoutAnswer);
    return session;
  };
}

function userOf({ user, security }: Extract<SnmpReceiver['access'], { version: '3' }>): snmp.User {
  if (security.level === 'noAuthNoPriv') return { name: user, level: snmp.SecurityLevel.noAuthNoPriv };
  const proven = {
    name: user,
    authProtocol: snmp.AuthProtocols[security.authentication],
    authKey: security.authKey,
  };
  if (security.level === 'authNoPriv') return { ...proven, level: snmp.SecurityLevel.authNoPriv };
  return {
    ...proven,
    level: snmp.SecurityLevel.authPriv,
    privProtocol: snmp.PrivProtocols[security.privacy],
    privKey: security.privacyKey,
  };
}

/** Reports of RFC 3414 §3.2 that only a person can mend. */
const refusedReports = /Unsupported Security Level|Unknown User Name|Wrong Digest|Decryption Error|decrypt|digest/i;

function snmpError(receiver: SnmpReceiver, thrown: unknown): AlarmflowError {
  const name = receiverName(receiver);
  if (thrown instanceof AlarmflowError) return thrown;
  if (!(thrown instanceof Error)) return asAlarmflowError(thrown);
  const said = oneLine(thrown.message).slice(0, 200);
  if (thrown.name === 'RequestTimedOutError')
    return operationalError(
      'E_SNMP_NO_ANSWER',
      `${name} did not confirm the inform: check that it runs and knows the community or user; it is tried again`,
    );
  if (thrown.name === 'RequestFailedError' || (thrown.name === 'ResponseInvalidError' && refusedReports.test(said)))
    return userError(
      'E_SNMP_REFUSED',
      `${name} refused the inform: ${said}. Check community, user, level, protocols and keys on both sides`,
    );
  if (thrown.name === 'ResponseInvalidError')
    return operationalError('E_SNMP_NO_ANSWER', `${name} answered in a way that confirms nothing: ${said}`);
  if ('syscall' in thrown)
    return operationalError(
      'E_SNMP_UNREACHABLE',
      `${name} cannot be reached: ${said}. Check host and network; it is tried again`,
    );
  return asAlarmflowError(thrown);
}
