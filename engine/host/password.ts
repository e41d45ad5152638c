import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { userError } from '../domain/errors';

/** Cost of a scrypt hash (RFC 7914): memory is 128 · 2^ln · r bytes, work grows with p. */
export interface ScryptCost {
  /** log2 of N. */
  ln: number;
  r: number;
  p: number;
}

/** 32 MiB and about 0.2 s on a small box: dear for a guesser, bearable at a login. */
export const standardCost: ScryptCost = { ln: 15, r: 8, p: 3 };

const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** Longer ones would only be a way to keep the processor busy. */
const LONGEST = 256;
const SHORTEST = 8;
const SHORTEST_OF_ANY_KIND = 10;

/**
 * Throws `E_WEAK_PASSWORD` (user) for a password that the rules refuse: at least 10 characters, or at least 8 with
 * three of lower case, upper case, digits, others; and not the user's name.
 */
export function checkPassword(userName: string, password: string): void {
  const refuse = (why: string): never => {
    throw userError(
      'E_WEAK_PASSWORD',
      `The password for user "${userName}" ${why}: take at least 10 characters, or at least 8 with three of lower case, upper case, digits and other signs`,
    );
  };
  const length = [...password].length;
  if (length > LONGEST) refuse(`is longer than ${LONGEST} characters`);
  const lower = password.toLowerCase();
  if (lower === userName.toLowerCase() || lower === [...userName.toLowerCase()].reverse().join(''))
    refuse('is the user name');
  const classes = [/\p{Ll}/u, /\p{Lu}/u, /\p{Nd}/u, /[^\p{L}\p{Nd}]/u].filter((kind) => kind.test(password)).length;
  if (length < SHORTEST || (length < SHORTEST_OF_ANY_KIND && classes < 3)) refuse('is too short');
  if (new Set(password).size < 3) refuse('repeats one or two characters');
}

/** A password as text that carries salt and cost, so that the cost may rise later: `$scrypt$ln=15,r=8,p=3$salt$key`. */
export async function hashPassword(password: string, cost: ScryptCost = standardCost): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, cost, KEY_BYTES);
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${plain(salt)}$${plain(key)}`;
}

/** Whether the password is the hashed one, compared in constant time. False for a hash that is none of ours. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const parts = parseHash(hash);
  if (!parts || [...password].length > LONGEST) return false;
  const key = await derive(password, parts.salt, parts.cost, parts.key.length);
  return timingSafeEqual(key, parts.key);
}

interface HashParts {
  cost: ScryptCost;
  salt: Buffer;
  key: Buffer;
}

function parseHash(hash: string): HashParts | null {
  const match = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/]{16,88})\$([\w+/]{22,88})$/.exec(hash);
  if (!match) return null;
  const [ln, r, p] = [Number(match[1]), Number(match[2]), Number(match[3])];
  // A hash from elsewhere must not make a login take gigabytes.
  if (ln < 4 || ln > 20 || r < 1 || r > 16 || p < 1 || p > 16) return null;
  return { cost: { ln, r, p }, salt: Buffer.from(match[4]!, 'base64'), key: Buffer.from(match[5]!, 'base64') };
}

const plain = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

/** One at a time: many logins at once must not take 32 MiB each, nor every thread of the pool. */
let turn: Promise<unknown> = Promise.resolve();

function derive(password: string, salt: Buffer, cost: ScryptCost, length: number): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** cost.ln, r: cost.r, p: cost.p, maxmem: 256 * 2 ** cost.ln * cost.r };
  const run = (): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      scrypt(password.normalize('NFKC'), salt, length, options, (error, key) => (error ? reject(error) : resolve(key)));
    });
  const result = turn.then(run, run);
  // The next in line waits for the end of this one, however it ends; the caller gets the error.
  turn = result.catch(() => undefined);
  return result;
}
