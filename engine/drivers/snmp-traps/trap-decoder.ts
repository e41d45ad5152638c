import { EventEmitter } from 'node:events';
import * as snmp from 'net-snmp';
import { mendDes, ownEngineId } from '../../snmp';
import type { TrapAccess } from './settings';
import { type Trap, trapOf } from './trap';

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

/** @param access null: all that is readable without keys, for captures */
export function createTrapDecoder(access: TrapAccess | null, id: string): TrapDecoder {
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
  if (access?.kind === 'v3' && access.privacy === 'des') mendDes();
  const receiver = snmp.createReceiver(
    {
      port: 1,
      includeAuthentication: true,
      disableAuthorization: access === null,
      engineID: ownEngineId(id),
      dgramModule: { createSocket: () => line },
    },
    (error: Error | null, notification: unknown) => {
      outcome ??= { error, notification };
    },
  );
  if (access?.kind === 'community') receiver.getAuthorizer().addCommunity(access.community);
  if (access?.kind === 'v3') receiver.getAuthorizer().addUser(userOf(access));

  return {
    decode(bytes, from) {
      outcome = null;
      line.replies = [];
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
      const trap = trapOf(pdu, pdu.community === undefined && pdu.type !== snmp.PduType.Trap);
      return { trap, replies, refusal: trap ? null : 'it names no notification' };
    },
  };
}

function wrongSender(access: TrapAccess, { community, user }: { community?: string; user?: string }): string | null {
  if (access.kind === 'community') return community === access.community ? null : 'its community is another';
  return user === access.user && community === undefined ? null : 'its user is another';
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

function userOf(access: Extract<TrapAccess, { kind: 'v3' }>): snmp.User {
  const { user, level } = access;
  if (level === 'noAuthNoPriv') return { name: user, level: snmp.SecurityLevel.noAuthNoPriv };
  const proven = { name: user, authProtocol: authProtocols[access.authentication], authKey: access.authKey };
  if (level === 'authNoPriv') return { ...proven, level: snmp.SecurityLevel.authNoPriv };
  return {
    ...proven,
    level: snmp.SecurityLevel.authPriv,
    privProtocol: privProtocols[access.privacy],
    privKey: access.privKey,
  };
}
