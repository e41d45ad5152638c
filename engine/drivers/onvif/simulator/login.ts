import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parseIsoTime } from '../../../clock/clock';
import { childText, findAll, type XmlElement } from '../../wire';

/** Which logins the device takes. */
export type OnvifLoginKind = 'digest' | 'token' | 'both' | 'none';

export interface OnvifLogin {
  /** WS-UsernameToken in a SOAP header. `null`: none there. */
  token(header: XmlElement | undefined): boolean | null;
  /** HTTP Digest. `null`: none there. */
  digest(request: IncomingMessage): boolean | null;
  challenge(): string;
  counts(): { accepted: number; refused: number };
}

export interface OnvifLoginOptions {
  user(): string;
  password(): string;
  deviceNow(): number;
}

/** A token older or newer than this is refused; devices allow from 5 s to minutes. */
const SKEW_MS = 5_000;
const REALM = 'ONVIF SIM';

/** The device's side of both logins, written apart from the client's on purpose. */
export function createOnvifLogin({ user, password, deviceNow }: OnvifLoginOptions): OnvifLogin {
  const nonces = new Map<string, number>();
  const used = new Set<string>();
  let accepted = 0;
  let refused = 0;

  const verdict = (right: boolean): boolean => {
    if (right) accepted++;
    else refused++;
    return right;
  };

  return {
    token(header) {
      const token = findAll(header, 'UsernameToken')[0];
      if (!token) return null;
      const nonce = childText(token, 'Nonce') ?? '';
      const created = childText(token, 'Created') ?? '';
      const at = parseIsoTime(created);
      const expected = createHash('sha1')
        .update(Buffer.concat([Buffer.from(nonce, 'base64'), Buffer.from(created), Buffer.from(password())]))
        .digest('base64');
      const fresh = at !== null && Math.abs(at - deviceNow()) <= SKEW_MS && !used.has(nonce);
      used.add(nonce);
      return verdict(fresh && childText(token, 'Username') === user() && childText(token, 'Password') === expected);
    },
    digest(request) {
      const header = request.headers.authorization;
      if (header === undefined) return null;
      const field = (name: string): string =>
        new RegExp(`(?:^|[\\s,])${name}=(?:"([^"]*)"|([^\\s,]+))`)
          .exec(header)
          ?.slice(1)
          .find((v) => v !== undefined) ?? '';
      const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
      const ha1 = md5(`${user()}:${REALM}:${password()}`);
      const ha2 = md5(`${request.method}:${request.url}`);
      const expected = md5([ha1, field('nonce'), field('nc'), field('cnonce'), 'auth', ha2].join(':'));
      const count = Number.parseInt(field('nc'), 16);
      const last = nonces.get(field('nonce'));
      // Requests on several connections may overtake one another: a count far behind is a replay.
      const known = last !== undefined && count > last - 16;
      if (last !== undefined) nonces.set(field('nonce'), Math.max(last, count));
      return verdict(known && field('username') === user() && field('response') === expected);
    },
    challenge() {
      const nonce = randomBytes(12).toString('hex');
      nonces.set(nonce, 0);
      if (nonces.size > 500) nonces.delete(nonces.keys().next().value ?? nonce);
      return `Digest realm="${REALM}", qop="auth", nonce="${nonce}", opaque=""`;
    },
    counts: () => ({ accepted, refused }),
  };
}
