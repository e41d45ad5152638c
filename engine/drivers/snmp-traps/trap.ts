import { ObjectType, PduType } from 'net-snmp';

/** One value of a notification, as text: OIDs and numbers as such, octets as UTF-8 where printable, else as hex. */
export interface TrapValue {
  oid: string;
  text: string;
}

/** A notification of any version in one form. */
export interface Trap {
  version: '1' | '2c' | '3';
  inform: boolean;
  /** snmpTrapOID, for version 1 by RFC 3584 §3.1. */
  oid: string;
  requestId: number | null;
  /** The device that a proxy speaks for, or null. */
  agent: string | null;
  values: TrapValue[];
}

const TRAP_OID = '1.3.6.1.6.3.1.1.4.1.0';
const UPTIME = '1.3.6.1.2.1.1.3.0';
const TRAP_ADDRESS = '1.3.6.1.6.3.18.1.3.0';
const TRAP_ENTERPRISE = '1.3.6.1.6.3.1.1.4.3.0';
/** RFC 3416 §2.1: at most 128 numbers; those of version 1 get two more. */
const OID = /^\d{1,10}(?:\.\d{1,10}){1,130}$/;
const MOST_VALUES = 200;
const TEXT_LIMIT = 2_000;

/** What the library hands over, as far as it is used; its own types say nothing of it. */
interface Pdu {
  type: number;
  id?: number;
  enterprise?: string;
  agentAddr?: string;
  generic?: number;
  specific?: number;
  varbinds?: { oid: string; type: number; value: unknown }[];
}

/** A notification in one form; null for a PDU that is none or names none. */
export function trapOf(pdu: Pdu, isVersion3: boolean): Trap | null {
  const varbinds = (pdu.varbinds ?? []).slice(0, MOST_VALUES);
  const all = varbinds.map(({ oid, type, value }) => ({ oid, text: valueText(type, value) }));
  const told = (oid: string): string | undefined => all.find((v) => v.oid === oid)?.text;
  const values = all.filter((v) => v.oid !== TRAP_OID && v.oid !== UPTIME);
  if (pdu.type === PduType.Trap) {
    const oid = identityOf(pdu.enterprise ?? '', pdu.generic ?? 6, pdu.specific ?? 0);
    if (!OID.test(oid)) return null;
    const agent = pdu.agentAddr && pdu.agentAddr !== '0.0.0.0' ? pdu.agentAddr : (told(TRAP_ADDRESS) ?? null);
    return { version: '1', inform: false, oid, requestId: null, agent, values };
  }
  if (pdu.type !== PduType.TrapV2 && pdu.type !== PduType.InformRequest) return null;
  const oid = told(TRAP_OID);
  if (oid === undefined || !OID.test(oid)) return null;
  return {
    version: isVersion3 ? '3' : '2c',
    inform: pdu.type === PduType.InformRequest,
    oid,
    requestId: pdu.id ?? null,
    agent: told(TRAP_ADDRESS) ?? null,
    values: values.filter((v) => v.oid !== TRAP_ADDRESS && v.oid !== TRAP_ENTERPRISE),
  };
}

/** RFC 3584 §3.1: generic 0–5 have names of their own, 6 is the enterprise's. */
export const identityOf = (enterprise: string, generic: number, specific: number): string =>
  generic >= 0 && generic <= 5 ? `1.3.6.1.6.3.1.1.5.${generic + 1}` : `${enterprise}.0.${specific}`;

function valueText(type: number, value: unknown): string {
  if (Buffer.isBuffer(value)) {
    if (type === ObjectType.Counter64) return counterText(value);
    return octetsText(value);
  }
  return value === null || value === undefined ? '' : String(value).slice(0, TEXT_LIMIT);
}

/** Up to 9 bytes: a Counter64 with its highest bit set has a zero in front. */
const counterText = (bytes: Buffer): string =>
  bytes.length === 0 ? '0' : BigInt(`0x${bytes.toString('hex')}`).toString();

/** Text where it is valid UTF-8 and printable, a closing NUL aside; else hex. */
export function octetsText(bytes: Buffer): string {
  const end = bytes.at(-1) === 0 ? bytes.length - 1 : bytes.length;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end));
    if (!/[\p{Cc}\p{Cn}]/u.test(text.replace(/[\t\r\n]/g, ''))) return text.slice(0, TEXT_LIMIT);
  } catch {
    // No UTF-8: addresses, dates and bit strings come as octets as well.
  }
  return bytes.toString('hex').slice(0, TEXT_LIMIT);
}
