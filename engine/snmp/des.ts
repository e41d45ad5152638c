/**
 * DES for SNMPv3 (RFC 3414 §8). net-snmp asks OpenSSL for single DES, which OpenSSL 3 no longer offers; triple DES with
 * one key three times over is the same cipher and still there.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Authentication, type AuthProtocols, Encryption, PrivProtocols } from 'net-snmp';

const BLOCK = 8;

function keyAndIv(
  authentication: AuthProtocols,
  password: string,
  engine: unknown,
  salt: Buffer,
): { key: Buffer; iv: Buffer } {
  // The package's types name the wrong thing here; what comes is the engine (net-snmp 3, index.js, encryptPduDes).
  const { engineID } = engine as { engineID: Buffer };
  const localized = Authentication.passwordToKey(
    authentication as Exclude<AuthProtocols, AuthProtocols.none>,
    password,
    engineID,
  );
  const single = localized.subarray(0, BLOCK);
  const iv = Buffer.from(localized.subarray(BLOCK, 2 * BLOCK).map((byte, at) => byte ^ (salt[at] ?? 0)));
  return { key: Buffer.concat([single, single, single]), iv };
}

/** Gives net-snmp's DES a cipher that exists; harmless when it is called again. */
export function mendDes(): void {
  const des = Encryption.algorithms[PrivProtocols.des];
  des.encryptPdu = (scopedPdu, _protocol, password, authentication, engine) => {
    // The RFC wants a salt that does not come twice; boots and a counter are its proposal, chance serves as well.
    const salt = randomBytes(BLOCK);
    const { key, iv } = keyAndIv(authentication, password, engine, salt);
    const cipher = createCipheriv('des-ede3-cbc', key, iv).setAutoPadding(false);
    const padded = Buffer.concat([scopedPdu, Buffer.alloc((BLOCK - (scopedPdu.length % BLOCK)) % BLOCK)]);
    return { encryptedPdu: Buffer.concat([cipher.update(padded), cipher.final()]), msgPrivacyParameters: salt };
  };
  des.decryptPdu = (encryptedPdu, _protocol, salt, password, authentication, engine) => {
    const { key, iv } = keyAndIv(authentication, password, engine, salt);
    const decipher = createDecipheriv('des-ede3-cbc', key, iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(encryptedPdu), decipher.final()]);
  };
}
