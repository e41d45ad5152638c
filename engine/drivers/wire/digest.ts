import { createHash, randomBytes } from 'node:crypto';

/** User and password as plain text; sent as UTF-8. */
export interface Credentials {
  user: string;
  password: string;
}

/**
 * One challenge of a `WWW-Authenticate` header. Its texts are byte strings (one character a byte), as node:http hands
 * headers out, so that they are hashed and echoed exactly as the device sent them.
 */
export interface Challenge {
  scheme: 'basic' | 'digest';
  realm: string;
  nonce: string;
  /** Echoed as given; null when not given. */
  opaque: string | null;
  /** Spelling of the device, echoed as given; null when not given (MD5 then). */
  algorithm: string | null;
  hash: 'md5' | 'sha256';
  /** `-sess` variant. */
  session: boolean;
  /** `auth` when offered (also beside auth-int); null for the form of RFC 2069. */
  qop: 'auth' | null;
  stale: boolean;
  userhash: boolean;
}

const MAX_HEADER = 8 * 1024;

/** Sloppy spellings of devices beside those of RFC 7616 (PROTOCOLS §0.2). */
const ALGORITHM = /^(md5|sha-?256|sha)(-sess)?$/i;

interface RawChallenge {
  scheme: string;
  params: Map<string, string>;
}

const isGap = (c: string | undefined): boolean => c === ' ' || c === '\t' || c === ',' || c === '\r' || c === '\n';

/** Text of a quoted string that begins behind `from`, unescaped, and the index behind it. A missing end is put up with. */
function readQuoted(header: string, from: number): { text: string; next: number } {
  let text = '';
  let i = from;
  for (; i < header.length && header[i] !== '"'; i++) {
    if (header[i] === '\\' && i + 1 < header.length) i++;
    text += header[i];
  }
  return { text, next: i + 1 };
}

/** Cuts a comma-joined header into challenges: a word without `=` behind it begins the next (RFC 9110 §11.6.1). */
function splitChallenges(header: string): RawChallenge[] {
  const challenges: RawChallenge[] = [];
  let at = 0;
  const readWord = (stops: string): string => {
    const from = at;
    while (at < header.length && !isGap(header[at]) && !stops.includes(header[at]!)) at++;
    return header.slice(from, at);
  };
  const skipGaps = (): void => {
    while (isGap(header[at])) at++;
  };
  while (at < header.length) {
    skipGaps();
    const word = readWord('="').toLowerCase();
    const behindWord = at;
    while (header[at] === ' ' || header[at] === '\t') at++;
    if (header[at] !== '=') {
      at = behindWord;
      if (word !== '') challenges.push({ scheme: word, params: new Map() });
      // A quote without a name before it.
      else at++;
      continue;
    }
    at++;
    while (header[at] === ' ' || header[at] === '\t') at++;
    let value: string;
    if (header[at] === '"') {
      const quotedText = readQuoted(header, at + 1);
      value = quotedText.text;
      at = quotedText.next;
    } else value = readWord('"');
    const params = challenges.at(-1)?.params;
    if (word !== '' && params && !params.has(word)) params.set(word, value);
  }
  return challenges;
}

function understand({ scheme, params }: RawChallenge): Challenge | null {
  const realm = params.get('realm') ?? '';
  if (scheme === 'basic') {
    const none = { nonce: '', opaque: null, algorithm: null, hash: 'md5', session: false, qop: null } as const;
    return { scheme, realm, ...none, stale: false, userhash: false };
  }
  const nonce = params.get('nonce');
  if (scheme !== 'digest' || nonce === undefined) return null;
  const algorithm = params.get('algorithm') || null;
  const match = ALGORITHM.exec(algorithm ?? 'MD5');
  if (!match) return null;
  const offered = (params.get('qop') ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  // Only auth-int: it would need a digest of the body, which no device is known to ask for.
  if (offered.length > 0 && !offered.includes('auth')) return null;
  return {
    scheme,
    realm,
    nonce,
    opaque: params.get('opaque') ?? null,
    algorithm,
    hash: match[1]!.toLowerCase() === 'md5' ? 'md5' : 'sha256',
    session: match[2] !== undefined,
    qop: offered.length > 0 ? 'auth' : null,
    stale: params.get('stale')?.trim().toLowerCase() === 'true',
    userhash: params.get('userhash')?.trim().toLowerCase() === 'true',
  };
}

/** Every challenge of one or several header values that can be answered, in their order. */
export function parseChallenges(headers: string | readonly string[] | undefined): Challenge[] {
  const list = headers === undefined ? [] : typeof headers === 'string' ? [headers] : headers;
  return list
    .flatMap((header) => splitChallenges(header.slice(0, MAX_HEADER)))
    .map(understand)
    .filter((challenge) => challenge !== null);
}

const strength = (c: Challenge): number => (c.scheme === 'basic' ? 0 : (c.hash === 'sha256' ? 4 : 1) + (c.qop ? 1 : 0));

/** The strongest challenge (SHA-256, MD5, Basic), the first of equals, or null for none. */
export const chooseChallenge = (challenges: readonly Challenge[]): Challenge | null =>
  challenges.reduce<Challenge | null>((best, c) => (best === null || strength(c) > strength(best) ? c : best), null);

/** UTF-8 bytes as a byte string: what node:http writes unchanged. */
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
export const createCnonce = (): string => randomBytes(8).toString('hex');

/**
 * Value of the `Authorization` header (RFC 7616 §3.4, RFC 7617 §2), a byte string. `uri` is the request target, byte by
 * byte as on the wire. `nc` counts the uses of the nonce from 1; `cnonce` stays the same as long as a nonce is used.
 */
export function authorize(
  method: string,
  uri: string,
  challenge: Challenge,
  credentials: Credentials,
  use: { nc?: number; cnonce?: string } = {},
): string {
  const user = utf8(credentials.user);
  const password = utf8(credentials.password);
  if (challenge.scheme === 'basic') return `Basic ${Buffer.from(`${user}:${password}`, 'latin1').toString('base64')}`;

  const hash = (...parts: string[]): string =>
    createHash(challenge.hash).update(parts.join(':'), 'latin1').digest('hex');
  const { realm, nonce, qop } = challenge;
  const cnonce = use.cnonce ?? createCnonce();
  const nc = (use.nc ?? 1).toString(16).padStart(8, '0');
  const login = hash(user, realm, password);
  const a1 = challenge.session ? hash(login, nonce, cnonce) : login;
  const a2 = hash(method, uri);
  const response = qop ? hash(a1, nonce, nc, cnonce, qop, a2) : hash(a1, nonce, a2);

  const fields = [
    `username=${quoted(challenge.userhash ? hash(user, realm) : user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri="${uri}"`,
    ...(challenge.algorithm === null ? [] : [`algorithm=${challenge.algorithm}`]),
    ...(qop ? [`qop=${qop}`, `nc=${nc}`] : []),
    ...(qop || challenge.session ? [`cnonce="${cnonce}"`] : []),
    `response="${response}"`,
    ...(challenge.opaque === null ? [] : [`opaque=${quoted(challenge.opaque)}`]),
    ...(challenge.userhash ? ['userhash=true'] : []),
  ];
  return `Digest ${fields.join(', ')}`;
}

/**
 * Header for one request that was refused with these challenges; null: none of them is a Digest that can be answered.
 * Never Basic: whoever asks for Digest does not want the password on the wire.
 */
export function answerDigest(
  method: string,
  uri: string,
  challenges: string | string[] | undefined,
  credentials: Credentials,
): string | null {
  const chosen = chooseChallenge(parseChallenges(challenges).filter(({ scheme }) => scheme === 'digest'));
  return chosen && authorize(method, uri, chosen, credentials);
}

/** The proved login of one device: which nonce is in use and how often it was. */
export interface DigestSession {
  /** Header for the next request with the nonce in use, or null when there is none. */
  reuse(method: string, uri: string): { header: string; challenge: Challenge } | null;
  /** First header for a challenge just received. */
  answer(method: string, uri: string, challenge: Challenge): { header: string; cnonce: string };
  /** The device took that answer: its nonce may be used again. */
  accepted(challenge: Challenge, cnonce: string): void;
  /** The device did not take a nonce again; other requests may have a newer one already. */
  forget(challenge: Challenge): void;
  /** Every login is over, e.g. because the device has moved to another origin. */
  clear(): void;
}

/** Uses a nonce again with a rising count, so that devices that record each challenge as a login are spared. */
export function createDigestSession(credentials: Credentials): DigestSession {
  let inUse: { challenge: Challenge; cnonce: string; count: number } | null = null;
  return {
    reuse(method, uri) {
      if (!inUse) return null;
      const { challenge, cnonce } = inUse;
      inUse.count++;
      return { header: authorize(method, uri, challenge, credentials, { nc: inUse.count, cnonce }), challenge };
    },
    answer(method, uri, challenge) {
      const cnonce = createCnonce();
      return { header: authorize(method, uri, challenge, credentials, { nc: 1, cnonce }), cnonce };
    },
    accepted(challenge, cnonce) {
      inUse = { challenge, cnonce, count: 1 };
    },
    forget(challenge) {
      if (inUse?.challenge === challenge) inUse = null;
    },
    clear() {
      inUse = null;
    },
  };
}
