import type { AlarmflowError } from '../../domain/errors';
import { linesOf, optionError } from '../driver-options';

export const trapLevels = ['noAuthNoPriv', 'authNoPriv', 'authPriv'] as const;
export const trapAuthentications = ['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
export const trapPrivacies = ['des', 'aes', 'aes256b', 'aes256r'] as const;

/** How a user of version 3 proves itself. */
export interface TrapUserManner {
  user: string;
  level: (typeof trapLevels)[number];
  authentication: (typeof trapAuthentications)[number];
  privacy: (typeof trapPrivacies)[number];
}

/** A user of version 3 with its keys; those that its level has no use for are empty. */
export interface TrapUser extends TrapUserManner {
  authKey: string;
  privKey: string;
}

/** RFC 3414 §5: a name has at most 32 octets. */
const NAME_LIMIT = 32;
const MOST_USERS = 50;

/**
 * The lines of a field: `name [level] [authentication] [encryption]`; what a line leaves out is as with the first user.
 * Throws `E_DEVICE_OPTIONS` (user).
 */
export function readTrapUsers(
  title: string,
  label: string,
  text: string,
  usual: Omit<TrapUserManner, 'user'>,
): TrapUserManner[] {
  const lines = linesOf(text);
  const refuse = (number: number, reason: string): AlarmflowError =>
    optionError(title, label, `line ${number}: ${reason}`);
  if (lines.length > MOST_USERS) throw optionError(title, label, `give at most ${MOST_USERS} users`);
  const names = new Set<string>();
  return lines.map(({ line, number }) => {
    const [user = '', ...words] = line.split(/\s+/);
    if (Buffer.byteLength(user) > NAME_LIMIT) throw refuse(number, `a name has at most ${NAME_LIMIT} bytes`);
    if (names.has(user)) throw refuse(number, `"${user}" is there twice`);
    names.add(user);
    const read: TrapUserManner = { user, ...usual };
    for (const word of words) {
      const level = trapLevels.find((one) => one.toLowerCase() === word.toLowerCase());
      const authentication = trapAuthentications.find((one) => one === word.toLowerCase());
      const privacy = trapPrivacies.find((one) => one === word.toLowerCase());
      if (level) read.level = level;
      else if (authentication) read.authentication = authentication;
      else if (privacy) read.privacy = privacy;
      else
        throw refuse(
          number,
          `"${word.slice(0, 40)}" is none of ${[...trapLevels, ...trapAuthentications, ...trapPrivacies].join(', ')}`,
        );
    }
    return read;
  });
}

/** How many passwords a user takes of the login. */
const passwordsOf = (level: TrapUserManner['level'], two: boolean): number =>
  level === 'noAuthNoPriv' ? 0 : level === 'authPriv' && two ? 2 : 1;

/**
 * The users with their keys: the login's password holds those of all, in their order and apart by blanks; a single user
 * with one password may have blanks in it. null: there are not as many as are needed.
 */
export function withKeys(users: readonly TrapUserManner[], password: string, two: boolean): TrapUser[] | null {
  const needed = users.reduce((sum, { level }) => sum + passwordsOf(level, two), 0);
  const words =
    users.length > 1 ? password.split(/ +/).filter((word) => word !== '') : wordsOfOne(password, needed, two);
  if (needed > 0 && words.length !== needed) return null;
  let at = 0;
  return users.map((user) => {
    const count = passwordsOf(user.level, two);
    const [authKey = '', privKey = authKey] = words.slice(at, at + count);
    at += count;
    return { ...user, authKey, privKey: user.level === 'authPriv' ? privKey : '' };
  });
}

/** Both passwords may be there for a user that only proves itself. */
function wordsOfOne(password: string, needed: number, two: boolean): string[] {
  const cut = two ? password.indexOf(' ') : -1;
  if (cut <= 0) return [password];
  return [password.slice(0, cut), password.slice(cut + 1)].slice(0, needed);
}
