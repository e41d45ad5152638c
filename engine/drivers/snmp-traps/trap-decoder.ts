import { EventEmitter } from 'node:events';
import * as snmp from 'net-snmp';
import type { Clock } from '../../clock/clock';
import { mendDes, ownEngineId } from '../../snmp';
import type { TrapAccess } from './settings';
import { createTimeWindows, type EngineTime, engineTimeIn, isOurTime, ownEngineTime } from './time-window';
import { type Trap, trapOf } from './trap';
import type { TrapUser } from './users';

/** What became of one datagram. */
export interface DecodedTrap {
  trap: Trap | null;
  /** To be sent back: at once, or for an inform when its event is kept. */
  replies: Buffer[];
  /** Why it is not taken, or null. */
  refusal: string | null;
}

/** Opens the datagrams of one device: checks community or user, decrypts, understands. Never throws. */
export interface TrapDecoder {
  decode(bytes: Buffer, from: { address: string; port: number }): DecodedTrap;
}

const auth = snmp.AuthProtocols;
const priv = snmp.PrivProtocols;

/** What net-snmp makes of a message of version 3, as far as it is used here; its own types say nothing of it. */
interface Version3Message {
  pdu: { type: number };
  user?: snmp.User;
  msgSecurityParameters?: { msgUserName: string };
  setReportable(on: boolean): void;
  setAuthentication(on: boolean): void;
  hasAuthentication(): unknown;
  createReportResponseMessage(engine: object, context: string, error: string): Version3Message;
  toBuffer(): Buffer;
}

interface ReceiverInside {
  engine: { engineBoots: number; engineTime: number };
  context: string;
  listener: { send(message: Version3Message, ...to: unknown[]): void };
}

/** usmStatsNotInTimeWindows and usmStatsUnknownEngineIDs (RFC 3414 §5). */
const NOT_IN_TIME_WINDOW = '2';
const UNKNOWN_ENGINE_ID = '4';

/**
 * @param access null: all that is readable without keys, for captures
 * @param clock absent: no times are compared
 */
export function createTrapDecoder(access: TrapAccess | null, id: string, clock: Clock | null = null): TrapDecoder {
  /** Stands where net-snmp would open a socket of its own: one port serves several devices, each with its keys. */
  class Line extends EventEmitter {
    replies: Buffer[] = [];
    bind(): void {}
    close(): void {}
    address(): object {
      return {};
    }
    send(bytes: Buffer): void {
      this.replies.push(Buffer.from(bytes));
    }
  }
  const line = new Line();
  let outcome: { error: Error | null; notification: unknown } | null = null;
  if (access?.kind === 'v3' && access.users.some(({ privacy }) => privacy === 'des')) mendDes();
  const ownEngine = ownEngineId(id);
  const receiver = snmp.createReceiver(
    {
      port: 1,
      includeAuthentication: true,
      disableAuthorization: access === null,
      engineID: ownEngine,
      dgramModule: { createSocket: () => line },
    },
    (error: Error | null, notification: unknown) => {
      outcome ??= { error, notification };
    },
  );
  if (access?.kind === 'community') receiver.getAuthorizer().addCommunity(access.community);
  if (access?.kind === 'v3') for (const user of access.users) receiver.getAuthorizer().addUser(userOf(user));

  const inside = receiver as unknown as ReceiverInside;
  const windows = clock && access?.kind === 'v3' && access.window ? createTimeWindows(clock) : null;
  const ownTime = clock && ownEngineTime(clock);
  let told: EngineTime | null = null;
  let reported = false;
  const send = inside.listener.send.bind(inside.listener);
  inside.listener.send = (message, ...to) => {
    // net-snmp confirms each inform before it says that there is one; for ours the time is checked first.
    const error = message.pdu.type === snmp.PduType.GetResponse ? informError(message) : null;
    if (error === null) return send(message, ...to);
    reported = true;
    send(reportOf(message, error), ...to);
  };

  /** What is wrong with the engine or the time of an inform (RFC 3414 §3.2, 3 and 7a), or null. */
  function informError(message: Version3Message): string | null {
    if (!windows || !ownTime || !told) return null;
    if (told.engineId !== ownEngine) return UNKNOWN_ENGINE_ID;
    return message.hasAuthentication() && !isOurTime(told, ownTime()) ? NOT_IN_TIME_WINDOW : null;
  }

  /** The sender learns our time only from a report that proves itself (RFC 3414 §3.2, 7a). */
  function reportOf(message: Version3Message, error: string): Version3Message {
    const report = message.createReportResponseMessage(inside.engine, inside.context, error);
    report.setReportable(false);
    const { user } = message;
    if (error === NOT_IN_TIME_WINDOW && user && report.msgSecurityParameters) {
      report.user = { ...user, level: snmp.SecurityLevel.authNoPriv } as snmp.User;
      report.msgSecurityParameters.msgUserName = user.name;
      report.setAuthentication(true);
    }
    return report;
  }

  /** Why a notification that is proved is none of now, or null. */
  function staleness(isTrap: boolean, user: string | undefined): string | null {
    if (!windows || !told || !isTrap || access?.kind !== 'v3') return null;
    const proved = access.users.find((one) => one.user === user)?.level !== 'noAuthNoPriv';
    if (!proved || windows.takes(told)) return null;
    return 'it is outside the time window of its sender (RFC 3414): it was recorded and sent again, or the sender has lost its count of restarts; for such a sender switch the time window off';
  }

  return {
    decode(bytes, from) {
      outcome = null;
      line.replies = [];
      reported = false;
      told = access?.kind === 'v3' ? engineTimeIn(bytes) : null;
      if (ownTime) {
        const { boots, time } = ownTime();
        inside.engine.engineBoots = boots;
        inside.engine.engineTime = time;
      }
      try {
        line.emit('message', bytes, { ...from, family: 'IPv4', size: bytes.length });
      } catch (thrown) {
        return { trap: null, replies: [], refusal: `it cannot be read: ${wordsOf(thrown)}` };
      }
      const { replies } = line;
      const found = outcome as { error: Error | null; notification: unknown } | null;
      if (!found) return { trap: null, replies, refusal: replies.length > 0 ? null : 'it is no notification' };
      if (found.error) return { trap: null, replies: [], refusal: wordsOf(found.error) };
      const { pdu } = found.notification as {
        pdu: Parameters<typeof trapOf>[0] & { community?: string; user?: string };
      };
      // net-snmp lets a version 3 message of the empty user pass unproved, whoever is configured.
      const refusal = access === null ? null : wrongSender(access, pdu);
      if (refusal) return { trap: null, replies: [], refusal };
      if (reported) return { trap: null, replies, refusal: null };
      const stale = staleness(pdu.type === snmp.PduType.TrapV2, pdu.user);
      if (stale) return { trap: null, replies: [], refusal: stale };
      const trap = trapOf(pdu, pdu.community === undefined && pdu.type !== snmp.PduType.Trap);
      return { trap, replies, refusal: trap ? null : 'it names no notification' };
    },
  };
}

function wrongSender(access: TrapAccess, { community, user }: { community?: string; user?: string }): string | null {
  if (access.kind === 'community') return community === access.community ? null : 'its community is another';
  return community === undefined && access.users.some((one) => one.user === user) ? null : 'its user is another';
}

/** Never the community itself: what was refused may be right for another device. */
const wordsOf = (thrown: unknown): string => {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (/community/i.test(text)) return 'its community is another';
  if (/user/i.test(text) && /not found/i.test(text)) return 'its user is another';
  return text.replace(/\s+/g, ' ').slice(0, 160);
};

const authProtocols = {
  md5: auth.md5,
  sha: auth.sha,
  sha224: auth.sha224,
  sha256: auth.sha256,
  sha384: auth.sha384,
  sha512: auth.sha512,
} as const;
const privProtocols = { des: priv.des, aes: priv.aes, aes256b: priv.aes256b, aes256r: priv.aes256r } as const;

function userOf({ user, level, authentication, authKey, privacy, privKey }: TrapUser): snmp.User {
  if (level === 'noAuthNoPriv') return { name: user, level: snmp.SecurityLevel.noAuthNoPriv };
  const proven = { name: user, authProtocol: authProtocols[authentication], authKey };
  if (level === 'authNoPriv') return { ...proven, level: snmp.SecurityLevel.authNoPriv };
  return { ...proven, level: snmp.SecurityLevel.authPriv, privProtocol: privProtocols[privacy], privKey };
}
