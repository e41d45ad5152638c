/** User and password as plain text; sent as UTF-8. */
export interface Credentials {
  user: string;
  password: string;
}

/** One challenge of a `WWW-Authenticate` header. */
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

/** Every challenge of one or several header values that can be answered, in their order. */
export function parseChallenges(_headers: string | readonly string[] | undefined): Challenge[] {
  throw new Error('not finished');
}

/** The strongest challenge, or null for none. */
export function chooseChallenge(_challenges: readonly Challenge[]): Challenge | null {
  throw new Error('not finished');
}

/** Value of the `Authorization` header. `uri` is the request target, byte by byte as on the wire. */
export function authorize(
  _method: string,
  _uri: string,
  _challenge: Challenge,
  _credentials: Credentials,
  _use: { nc?: number; cnonce?: string } = {},
): string {
  throw new Error('not finished');
}
