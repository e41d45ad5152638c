import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../clock/clock';

/** Faults of a login that a simulated device can have among its own. */
export type LoginFault = 'comma-joined-challenges' | 'reject-reused-nonce-403' | 'stale-nonce';

/** How the device lets users in. `none`: it doesn't ask. */
export type LoginKind = 'md5' | 'sha-256' | 'both' | 'basic' | 'none';

export interface LoginOptions {
  kind: LoginKind;
  user: string;
  password: string;
  realm: string;
  /** Refused logins after which the account is locked. */
  lockAfter: number;
  lockMs: number;
  clock: Clock;
  faults: { has(name: LoginFault): boolean };
}

export type LoginVerdict =
  | { kind: 'welcome' }
  | { kind: 'refused'; challenges: string[]; counted: boolean }
  | { kind: 'forbidden' };

export interface LoginCounts {
  accepted: number;
  /** Answers to proved wrong passwords. */
  refused: number;
  lockedUntil: number | null;
}

/** The device's side of Digest and Basic (RFC 7616, RFC 7617), written apart from the client's on purpose. */
export interface Login {
  check(request: IncomingMessage): LoginVerdict;
  counts(): LoginCounts;
  remainingTries(): number;
  unlock(): void;
  /** A person gives the device another password while it runs. */
  setPassword(password: string): void;
}

interface NonceUse {
  counts: Set<string>;
  uses: number;
}

export function createLogin(options: LoginOptions): Login {
  const nonces = new Map<string, NonceUse>();
  let { password } = options;
  let failures = 0;
  let accepted = 0;
  let refused = 0;
  let lockedUntil: number | null = null;

  function challenges(stale: boolean): string[] {
    const nonce = randomBytes(16).toString('hex');
    nonces.set(nonce, { counts: new Set(), uses: 0 });
    if (nonces.size > 200) nonces.delete(nonces.keys().next().value ?? '');
    const { realm } = options;
    const common = `qop="auth", realm="${realm}", nonce="${nonce}"`;
    const flag = `stale="${stale ? 'TRUE' : 'FALSE'}"`;
    if (options.kind === 'basic') return [`Basic realm="${realm}"`];
    // Older firmware names no algorithm at all.
    const md5 = `Digest ${common}, ${flag}`;
    const sha = `Digest ${common}, algorithm=SHA-256, opaque="${nonce.slice(0, 8)}", ${flag}`;
    const list = options.kind === 'md5' ? [md5] : options.kind === 'sha-256' ? [sha] : [sha, md5];
    return options.faults.has('comma-joined-challenges') ? [[...list, `Basic realm="${realm}"`].join(', ')] : list;
  }

  const refuse = (counted: boolean, stale = false): LoginVerdict => {
    if (counted) {
      refused++;
      failures++;
      if (failures >= options.lockAfter) lockedUntil = options.clock.now() + options.lockMs;
    }
    return { kind: 'refused', challenges: challenges(stale), counted };
  };

  const isLocked = (): boolean => {
    if (lockedUntil !== null && options.clock.now() >= lockedUntil) {
      lockedUntil = null;
      failures = 0;
    }
    return lockedUntil !== null;
  };

  const welcome = (): LoginVerdict => {
    accepted++;
    failures = 0;
    return { kind: 'welcome' };
  };

  function checkBasic(header: string): LoginVerdict {
    const [user, ...rest] = Buffer.from(header.slice(6), 'base64').toString('utf8').split(':');
    const right = user === options.user && rest.join(':') === password;
    return right && options.kind === 'basic' ? welcome() : refuse(true);
  }

  function checkDigest(header: string, request: IncomingMessage): LoginVerdict {
    const field = digestFields(header);
    const use = nonces.get(field.nonce ?? '');
    if (!use) return refuse(false, true);
    if (use.uses > 0 && options.faults.has('reject-reused-nonce-403')) return { kind: 'forbidden' };
    if (use.uses > 0 && options.faults.has('stale-nonce')) return refuse(false, true);
    if (field.uri !== request.url || field.realm !== options.realm) return refuse(true);
    const sha = /^sha-?256$/i.test(field.algorithm ?? '');
    if (sha ? options.kind === 'md5' : options.kind === 'sha-256') return refuse(true);
    const hash = (text: string): string =>
      createHash(sha ? 'sha256' : 'md5')
        .update(text, 'utf8')
        .digest('hex');
    const ha1 = hash(`${options.user}:${options.realm}:${password}`);
    const ha2 = hash(`${request.method}:${request.url}`);
    const expected =
      field.qop === 'auth'
        ? hash(`${ha1}:${field.nonce}:${field.nc}:${field.cnonce}:auth:${ha2}`)
        : hash(`${ha1}:${field.nonce}:${ha2}`);
    if (field.username !== options.user || field.response !== expected) return refuse(true);
    if (field.qop === 'auth') {
      if (!/^[0-9a-f]{8}$/.test(field.nc ?? '')) return refuse(true);
      // The same count twice is a replay.
      if (use.counts.has(field.nc ?? '')) return refuse(false, true);
      use.counts.add(field.nc ?? '');
    }
    use.uses++;
    return welcome();
  }

  return {
    check(request) {
      if (options.kind === 'none') return { kind: 'welcome' };
      const header = request.headers.authorization;
      // A locked account refuses also the right password.
      if (isLocked()) return { kind: 'refused', challenges: challenges(false), counted: false };
      if (header === undefined) return refuse(false);
      if (/^basic /i.test(header)) return checkBasic(header);
      if (/^digest /i.test(header)) return checkDigest(header, request);
      return refuse(true);
    },
    counts: () => ({ accepted, refused, lockedUntil: isLocked() ? lockedUntil : null }),
    remainingTries: () => Math.max(0, options.lockAfter - failures),
    setPassword(changed) {
      password = changed;
      nonces.clear();
    },
    unlock() {
      lockedUntil = null;
      failures = 0;
    },
  };
}

function digestFields(header: string): Record<string, string> {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const match of header.slice(7).matchAll(/([a-z]{1,20})\s{0,4}=\s{0,4}(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi))
    fields[(match[1] ?? '').toLowerCase()] = match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '';
  return fields;
}
