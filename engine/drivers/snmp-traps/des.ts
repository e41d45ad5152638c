/**
 * DES for SNMPv3 (RFC 3414 §8): OpenSSL 3 no longer offers single DES, which net-snmp asks for; triple DES with one key
 * three times over is the same cipher.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Authentication, type AuthProtocols, Encryption, PrivProtocols } from 'net-snmp';

const BLOCK = 8;

function material(
  protocol: AuthProtocols,
  password: string,
  engine: unknown,
  salt: Buffer,
): { key: Buffer; iv: Buffer } {
  // What comes is the engine, whatever the package's types call it.
  const { engineID } = engine as { engineID: Buffer };
  const known = protocol as Exclude<AuthProtocols, AuthProtocols.none>;
  const localized = Authentication.passwordToKey(known, password, engineID);
  const key = localized.subarray(0, BLOCK);
  const iv = Buffer.from(localized.subarray(BLOCK, 2 * BLOCK).map((byte, at) => byte ^ (salt[at] ?? 0)));
  return { key: Buffer.concat([key, key, key]), iv };
}

/** Gives net-snmp's DES a cipher that exists; harmless when it is called again. */
export function mendDes(): void {
  const des = Encryption.algorithms[PrivProtocols.des];
  des.encryptPdu = (scopedPdu, _protocol, password, authentication, engine) => {
    const salt = randomBytes(BLOCK);
    const { key, iv } = material(authentication, password, engine, salt);
    const cipher = createCipheriv('des-ede3-cbc', key, iv).setAutoPadding(false);
    const padding = Buffer.alloc((BLOCK - (scopedPdu.length % BLOCK)) % BLOCK);
    const whole = Buffer.concat([scopedPdu, padding]);
    return { encryptedPdu: Buffer.concat([cipher.update(whole), cipher.final()]), msgPrivacyParameters: salt };
  };
  des.decryptPdu = (encryptedPdu, _protocol, salt, password, authentication, engine) => {
    const { key, iv } = material(authentication, password, engine, salt);
    const decipher = createDecipheriv('des-ede3-cbc', key, iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(encryptedPdu), decipher.final()]);
  };
}
