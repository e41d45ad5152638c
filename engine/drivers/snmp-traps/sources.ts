import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import type { Clock, Timer } from '../../clock/clock';
import type { Log } from '../../domain/log';

/** Names are looked up again, because their addresses change. */
const LOOKUP_MS = 5 * 60_000;

/** `192.0.2.1` for `::ffff:192.0.2.1`. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** Who may send for one device. */
export interface Sources {
  /** Any sender that nobody else claims. */
  readonly any: boolean;
  has(address: string): boolean;
  /**
   * What tells a sender from the others of the list: the listed name that leads to its address, else the address; null
   * where all that is taken is of one sender.
   */
  nameOf(address: string): string | null;
  start(): void;
  close(): void;
}

/**
 * @param listed addresses, networks and names that have been checked
 * @param one all of them are addresses of one device
 */
export function createSources(listed: readonly string[], one: boolean, clock: Clock, log: Log): Sources {
  const fixed = new BlockList();
  const names: string[] = [];
  let looked = new BlockList();
  /** Which name leads to an address. */
  let nameAt = new Map<string, string>();
  const alone = one || (listed.length === 1 && !listed[0]!.includes('/'));
  let timer: Timer | null = null;
  let closed = false;
  for (const source of listed) {
    const [address = '', bits] = plainAddress(source).split('/');
    const family = isIP(address);
    if (family === 0) names.push(source);
    else if (bits === undefined) fixed.addAddress(address, family === 4 ? 'ipv4' : 'ipv6');
    else fixed.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  }

  async function lookUp(): Promise<void> {
    const next = new BlockList();
    const nextNames = new Map<string, string>();
    for (const name of names) {
      try {
        for (const { address, family } of await lookup(name, { all: true })) {
          next.addAddress(address, family === 4 ? 'ipv4' : 'ipv6');
          nextNames.set(address, name);
        }
      } catch (thrown) {
        log.warn('snmp-traps.name-unknown', {
          name,
          reason: thrown instanceof Error ? thrown.message : String(thrown),
        });
      }
    }
    if (closed) return;
    looked = next;
    nameAt = nextNames;
    timer = clock.after(LOOKUP_MS, () => void lookUp(), { background: true });
  }

  return {
    any: listed.length === 0,
    has(address) {
      const family = isIP(address);
      if (family === 0) return false;
      const kind = family === 4 ? 'ipv4' : 'ipv6';
      return fixed.check(address, kind) || looked.check(address, kind);
    },
    nameOf: (address) => (alone ? null : (nameAt.get(address) ?? address)),
    start() {
      if (names.length > 0) void lookUp();
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
