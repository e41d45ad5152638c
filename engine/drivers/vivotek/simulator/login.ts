import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export type Verdict = { kind: 'welcome' } | { kind: 'refused'; challenge: string } | { kind: 'forbidden' };

export interface CameraLoginOptions {
  user: string;
  password: string;
  has(fault: 'basic' | 'stale-nonce' | 'reject-reused-nonce-403' | 'account-locked'): boolean;
}

/** The camera's side of Basic and Digest (realm `streaming_server`, MD5, qop auth), written apart from the client's. */
export interface CameraLogin {
  check(request: IncomingMessage): Verdict;
  challenge(): string;
  /** Passwords that were proved wrong. */
  refused(): number;
  /** A person gives the camera another password while it runs. */
  setPassword(password: string): void;
}

const REALM = 'streaming_server';
const md5 = (text: string): string => createHash('md5').update(text, 'utf8').digest('hex');

export function createCameraLogin(options: CameraLoginOptions): CameraLogin {
  const nonces = new Map<string, { counts: Set<string> }>();
  let { password } = options;
  let wrong = 0;

  function challenge(stale = false): string {
    if (options.has('basic')) return `Basic realm="${REALM}"`;
    const nonce = randomBytes(12).toString('hex');
    nonces.set(nonce, { counts: new Set() });
    if (nonces.size > 200) nonces.delete(nonces.keys().next().value ?? '');
    return `Digest qop="auth", realm="${REALM}", nonce="${nonce}"${stale ? ', stale=TRUE' : ''}`;
  }

  const refuse = (counted: boolean, stale = false): Verdict => {
    if (counted) wrong++;
    return { kind: 'refused', challenge: challenge(stale) };
  };

  return {
    challenge,
    refused: () => wrong,
    setPassword(changed) {
      password = changed;
      nonces.clear();
    },
    check(request) {
      const header = request.headers.authorization;
      if (header === undefined) return refuse(false);
      // The same refusal as for a wrong password, whatever was given.
      if (options.has('account-locked')) return refuse(true);
      if (/^basic /i.test(header)) {
        const given = Buffer.from(header.slice(6), 'base64').toString('utf8');
        return options.has('basic') && given === `${options.user}:${password}` ? { kind: 'welcome' } : refuse(true);
      }
      const field: Record<string, string> = Object.create(null) as Record<string, string>;
      for (const match of header.matchAll(/([a-z]{1,20})=(?:"([^"]*)"|([^\s,"]+))/gi))
        field[match[1] ?? ''] = match[2] ?? match[3] ?? '';
      const use = nonces.get(field.nonce ?? '');
      if (!use) return refuse(false, true);
      if (use.counts.size > 0 && options.has('reject-reused-nonce-403')) return { kind: 'forbidden' };
      if (use.counts.size > 0 && options.has('stale-nonce')) return refuse(false, true);
      const ha1 = md5(`${options.user}:${REALM}:${password}`);
      const expected = md5(
        `${ha1}:${field.nonce}:${field.nc}:${field.cnonce}:auth:${md5(`${request.method}:${request.url}`)}`,
      );
      if (field.uri !== request.url || field.username !== options.user || field.response !== expected)
        return refuse(true);
      if (use.counts.has(field.nc ?? '')) return refuse(false, true);
      use.counts.add(field.nc ?? '');
      return { kind: 'welcome' };
    },
  };
}
