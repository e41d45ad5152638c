/** RFC 3414, RFC 7860. */
export const snmpAuthentications = ['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
export type SnmpAuthentication = (typeof snmpAuthentications)[number];

/**
 * DES and AES-128 (RFC 3414, RFC 3826). No RFC has AES-256: there are two ways to make its key, the draft of Blumenthal
 * (`aes256b`; AES-256 of net-snmp) and that of Reeder (`aes256r`; Cisco, AES-256-C of net-snmp). AES-192 is not had.
 */
export const snmpPrivacies = ['des', 'aes', 'aes256b', 'aes256r'] as const;
export type SnmpPrivacy = (typeof snmpPrivacies)[number];

/** What SNMPv3 proves and hides (RFC 3414). */
export type SnmpSecurity =
  | { level: 'noAuthNoPriv' }
  | { level: 'authNoPriv'; authentication: SnmpAuthentication; authKey: string }
  | {
      level: 'authPriv';
      authentication: SnmpAuthentication;
      authKey: string;
      privacy: SnmpPrivacy;
      privacyKey: string;
    };

/** A receiver of SNMP notifications as its config node defines it. */
export interface SnmpReceiver {
  id: string;
  name: string;
  host: string;
  port: number;
  /** A trap is sent and forgotten; an inform is confirmed by the receiver (not in version 1). */
  notification: 'trap' | 'inform';
  access: { version: '1' | '2c'; community: string } | { version: '3'; user: string; security: SnmpSecurity };
  /** OID of ALARMFLOW-MIB's root, without a leading dot; the operator's own arc where he has one. */
  arc: string;
  /** SNMPv3 engine id of the sender in hexadecimal digits; empty: derived from `id` and stable. */
  engineId: string;
}

/** The example arc of RFC 5612; ALARMFLOW-MIB as shipped lies under it. */
export const DEFAULT_SNMP_ARC = '1.3.6.1.4.1.32473.1';
