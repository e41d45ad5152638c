/**
 * Who may do what. Without users the console is open to this machine only; with users everybody logs in.
 * Sessions live in cookies that scripts cannot read; guessing is slowed by a lock-out per user and per address.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import type { Clock } from '../clock/clock';
import { AlarmflowError, asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { SettingsRecord } from '../domain/record';
import type { Peer } from './addresses';
import type { Role } from './console-api';
import { createLockout, type LockoutRules } from './lockout';
import { checkPassword, hashPassword, type ScryptCost, standardCost, verifyPassword } from './password';
import { csrfOf, openSessions, type SessionLengths } from './sessions';

export const roles = ['viewer', 'operator', 'administrator'] as const satisfies readonly Role[];

/** Whether a role includes another: administrators may all, operators what viewers may. */
export const roleIncludes = (has: Role, needed: Role): boolean => roles.indexOf(has) >= roles.indexOf(needed);

/** One account; the store keeps the hash as it is. */
export interface UserAccount {
  /** Lower case. */
  name: string;
  role: Role;
  passwordHash: string;
}

/** What this part needs of the store's users. */
export interface UserAccounts {
  list(): Promise<UserAccount[]>;
  add(user: UserAccount): Promise<unknown>;
  update(name: string, changes: { role?: Role; passwordHash?: string }): Promise<unknown>;
  remove(name: string): Promise<unknown>;
  recordLogin?(name: string, at: number): Promise<unknown>;
}

/** One line for the audit trail; the host adds id and time. */
export interface AuditEntry {
  who: string;
  action: string;
  subject: string;
  detail: string;
}

/** Who makes a request. */
export interface Identity {
  /** User name, or `local` for this machine's own console and command line. */
  name: string;
  role: Role;
  /** `open`: no users are set up; `cookie` and `bearer`: a session; `cli`: the token file. */
  via: 'open' | 'cookie' | 'bearer' | 'cli';
  /** The session's token, where there is one. */
  token: string | null;
}

export interface AuthOptions {
  users: UserAccounts;
  settings: SettingsRecord;
  clock: Clock;
  log: Log;
  audit(entry: AuditEntry): Promise<void>;
  sessions: SessionLengths;
  /** The value of the token file (`writeCliToken`), or null for none. */
  cliToken: string | null;
  /** Cookies know no ports: two sites on one machine need two names. Default `alarmflow_session`. */
  cookieName?: string;
  lockout?: LockoutRules;
  /** Tests make it cheap. */
  passwordCost?: ScryptCost;
}

export interface Auth {
  readonly cookieName: string;
  /** No users are set up. Known since the last look at the accounts, which is at most 2 s ago at any request. */
  isOpen(): boolean;
  /** Reads the accounts again. */
  refresh(): Promise<void>;
  identify(request: IncomingMessage, peer: Peer): Promise<Identity | null>;
  /** The session behind a token, for the flow editor's socket. */
  identifyToken(token: string): Promise<Identity | null>;
  /** What the page of this identity must send back with every change. */
  csrf(identity: Identity | null): string;
  /** Throws `E_CSRF` (user) unless the request carries the value; callers that send no cookie need none. */
  checkCsrf(request: IncomingMessage, identity: Identity | null): void;
  /**
   * Resolves to a new session. `E_LOGIN_REFUSED` (user) for a wrong name or password, without telling which;
   * `E_LOGIN_LOCKED` (operational, with retryAfterMs) after too many of them, for known and unknown names alike.
   */
  login(name: string, password: string, address: string | null): Promise<Identity & { token: string }>;
  logout(identity: Identity): Promise<void>;
  /** Name and role of each account. */
  list(): Promise<{ name: string; role: Role }[]>;
  /** `E_BAD_USER_NAME`, `E_WEAK_PASSWORD`, `E_USER_EXISTS`, `E_FIRST_USER` (user). */
  addUser(user: { name: string; role: Role; password: string }, who: string): Promise<void>;
  /** `E_UNKNOWN_USER`, `E_WEAK_PASSWORD`, `E_LAST_ADMINISTRATOR` (user). Ends the sessions of the user. */
  changeUser(name: string, change: { role?: Role; password?: string }, who: string): Promise<void>;
  /** `E_UNKNOWN_USER`, `E_LAST_ADMINISTRATOR` (user). Ends the sessions of the user. */
  removeUser(name: string, who: string): Promise<void>;
}

const ACCOUNTS_FRESH_MS = 2_000;
const CSRF_HEADER = 'x-alarmflow-csrf';
const LOCAL: Identity = { name: 'local', role: 'administrator', via: 'open', token: null };

const sameText = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());

/** One household of IPv6 addresses counts as one guesser. */
const guesser = (address: string): string =>
  `address:${isIPv6(address) ? address.split(':').slice(0, 4).join(':') : address}`;

export async function createAuth(options: AuthOptions): Promise<Auth> {
  const { users, clock, log } = options;
  const cookieName = options.cookieName ?? 'alarmflow_session';
  const cost = options.passwordCost ?? standardCost;
  const sessions = await openSessions(options.settings, clock, log, options.sessions);
  const lockout = createLockout(clock, options.lockout);
  const anonymousCsrf = randomBytes(32).toString('base64url');
  /** An unknown name costs the same time as a wrong password. */
  const decoy = await hashPassword(randomBytes(16).toString('hex'), cost);

  let accounts = new Map<string, UserAccount>();
  let readAt = Number.NEGATIVE_INFINITY;

  async function refresh(): Promise<void> {
    accounts = new Map((await users.list()).map((user) => [user.name, user]));
    readAt = clock.monotonic();
  }

  async function current(): Promise<Map<string, UserAccount>> {
    if (clock.monotonic() - readAt > ACCOUNTS_FRESH_MS) await refresh();
    return accounts;
  }

  async function audit(entry: AuditEntry): Promise<void> {
    try {
      await options.audit(entry);
    } catch (error) {
      // A full disk must not keep the operator from logging in to mend it.
      log.error('audit.not-written', { ...entry, error: asAlarmflowError(error).message });
    }
  }

  async function ofSession(token: string, via: 'cookie' | 'bearer'): Promise<Identity | null> {
    const name = sessions.user(token);
    const account = name === null ? undefined : (await current()).get(name);
    return account ? { name: account.name, role: account.role, via, token } : null;
  }

  function known(name: string): UserAccount {
    const account = accounts.get(name.toLowerCase());
    if (!account) throw userError('E_UNKNOWN_USER', `There is no user "${name}"`);
    return account;
  }

  function keepOneAdministrator(name: string): void {
    const left = [...accounts.values()].filter((user) => user.role === 'administrator' && user.name !== name);
    if (left.length === 0)
      throw userError(
        'E_LAST_ADMINISTRATOR',
        `"${name}" is the last administrator: make somebody else administrator first`,
      );
  }

  await refresh();

  return {
    cookieName,
    isOpen: () => accounts.size === 0,
    refresh,

    async identify(request, peer) {
      const bearer = /^Bearer ([\w-]{20,200})$/i.exec(request.headers.authorization ?? '')?.[1];
      if (bearer !== undefined) {
        if (options.cliToken !== null && peer.local && sameText(bearer, options.cliToken))
          return { ...LOCAL, via: 'cli' };
        const identity = await ofSession(bearer, 'bearer');
        if (identity) return identity;
      }
      if ((await current()).size === 0) return peer.local ? LOCAL : null;
      const cookie = readCookie(request.headers.cookie, cookieName);
      return cookie === null ? null : ofSession(cookie, 'cookie');
    },

    identifyToken: (token) => ofSession(token, 'bearer'),

    csrf: (identity) => (identity?.token ? csrfOf(identity.token) : anonymousCsrf),

    checkCsrf(request, identity) {
      if (identity?.via === 'cli' || identity?.via === 'bearer') return;
      const given = request.headers[CSRF_HEADER];
      const expected = identity?.token ? csrfOf(identity.token) : anonymousCsrf;
      if (typeof given !== 'string' || !sameText(given, expected))
        throw userError(
          'E_CSRF',
          `The request lacks the right "${CSRF_HEADER}" header: read it as "csrf" from GET /api/v1/session, and load the page again if it was open over a restart`,
        );
    },

    async login(name, password, address) {
      const wanted = name.trim().toLowerCase().slice(0, 64);
      const userKey = `user:${wanted}`;
      const keys = address === null ? [userKey] : [userKey, guesser(address)];
      const subject = printable(wanted);
      const where = address ?? 'the flow editor';
      const lockedMs = lockout.attempt(keys);
      if (lockedMs > 0) {
        // The trail has the refusals that led here; a guesser must not fill it further.
        log.debug('login.locked', { user: subject, address });
        throw operationalError(
          'E_LOGIN_LOCKED',
          `Too many failed logins: try again in ${Math.ceil(lockedMs / 60_000)} min`,
          { retryAfterMs: lockedMs },
        );
      }
      const account = (await current()).get(wanted);
      const right = await verifyPassword(password, account?.passwordHash ?? decoy);
      if (!account || !right) {
        log.warn('login.refused', { user: subject, address });
        const nowLocked = lockout.locked(keys) > 0 ? '; further logins are refused for a while' : '';
        await audit({ who: subject, action: 'login.refused', subject, detail: `from ${where}${nowLocked}` });
        throw userError('E_LOGIN_REFUSED', 'User name or password is wrong');
      }
      lockout.succeeded(keys);
      const token = await sessions.begin(account.name);
      await audit({ who: account.name, action: 'login', subject: account.name, detail: `from ${where}` });
      try {
        await users.recordLogin?.(account.name, clock.now());
      } catch (error) {
        log.warn('login.not-recorded', { user: account.name, error: asAlarmflowError(error).message });
      }
      return { name: account.name, role: account.role, via: 'cookie', token };
    },

    async logout(identity) {
      if (!identity.token) return;
      await sessions.end(identity.token);
      await audit({ who: identity.name, action: 'logout', subject: identity.name, detail: '' });
    },

    async list() {
      await refresh();
      return [...accounts.values()]
        .map(({ name, role }) => ({ name, role }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },

    async addUser(user, who) {
      const name = checkUserName(user.name);
      checkPassword(name, user.password);
      const passwordHash = await hashPassword(user.password, cost);
      await refresh();
      if (accounts.has(name)) throw userError('E_USER_EXISTS', `There is a user "${name}" already`);
      if (accounts.size === 0 && user.role !== 'administrator')
        throw userError(
          'E_FIRST_USER',
          `The first user must be an administrator: with "${name}" as ${user.role} nobody could administer the site`,
        );
      await users.add({ name, role: user.role, passwordHash });
      await refresh();
      await audit({ who, action: 'user.add', subject: name, detail: `as ${user.role}` });
    },

    async changeUser(name, change, who) {
      await refresh();
      const account = known(name);
      if (change.role && change.role !== 'administrator' && account.role === 'administrator')
        keepOneAdministrator(account.name);
      if (change.password !== undefined) checkPassword(account.name, change.password);
      await users.update(account.name, {
        ...(change.role ? { role: change.role } : {}),
        ...(change.password === undefined ? {} : { passwordHash: await hashPassword(change.password, cost) }),
      });
      await refresh();
      await sessions.endAll(account.name);
      const what = [change.role ? `role ${change.role}` : null, change.password === undefined ? null : 'new password'];
      await audit({ who, action: 'user.change', subject: account.name, detail: what.filter(Boolean).join(', ') });
    },

    async removeUser(name, who) {
      await refresh();
      const account = known(name);
      if (account.role === 'administrator') keepOneAdministrator(account.name);
      await users.remove(account.name);
      await refresh();
      await sessions.endAll(account.name);
      await audit({ who, action: 'user.remove', subject: account.name, detail: `was ${account.role}` });
    },
  };
}

/** The user name in its one spelling, or `E_BAD_USER_NAME` (user). */
export function checkUserName(name: string): string {
  const plain = name.trim().toLowerCase();
  if (!/^[a-z0-9][a-z0-9._-]{0,31}$/.test(plain) || plain === 'local')
    throw userError(
      'E_BAD_USER_NAME',
      `"${printable(name)}" cannot be a user name: take 1 to 32 letters a-z, digits, dots, dashes or underscores, beginning with a letter or digit; "local" is taken`,
    );
  return plain;
}

/** What somebody typed, fit for a log line. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);

function readCookie(header: string | undefined, name: string): string | null {
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim() || null;
  }
  return null;
}

/** The Set-Cookie value of a session, or of its end. */
export function sessionCookie(name: string, token: string | null, secure: boolean, maxAgeMs: number): string {
  const life = token === null ? 0 : Math.floor(maxAgeMs / 1000);
  return `${name}=${token ?? ''}; Path=/; Max-Age=${life}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}

/** `adminAuth` of Node-RED (credentials type), with accounts, lock-out and sessions of ours. */
export interface NodeRedAuth {
  type: 'credentials';
  users(name: string): Promise<{ username: string; permissions: string | string[] } | null>;
  authenticate(
    name: string,
    password: string,
  ): Promise<{ username: string; permissions: string | string[]; token: string } | null>;
  tokens(token: string): Promise<{ username: string; permissions: string | string[] } | null>;
  tokenHeader: string;
}

/** The header in which the HTTP server hands the editor a session that it has verified. */
export const EDITOR_SESSION_HEADER = 'x-alarmflow-session';

const editorPermissions: Record<Role, string | string[]> = {
  administrator: '*',
  // Sees the flows and acts on alarms; deploys nothing.
  operator: ['read', 'alarms.write', 'linkage.write'],
  viewer: 'read',
};

/**
 * The editor's login. Undefined while no users are set up: then the HTTP server's own guard stands before it.
 * The tokens are our sessions, so an ended session, a removed user or a changed role holds for the editor at once.
 * @param address whose request is being served, for the lock-out
 */
export function nodeRedAuth(auth: Auth, log: Log, address: () => string | null = () => null): NodeRedAuth | undefined {
  if (auth.isOpen()) return undefined;
  const asEditorUser = (identity: { name: string; role: Role }) => ({
    username: identity.name,
    permissions: editorPermissions[identity.role],
  });
  return {
    type: 'credentials',
    async users(name) {
      const account = (await auth.list()).find((user) => user.name === name.toLowerCase());
      return account ? asEditorUser(account) : null;
    },
    async authenticate(name, password) {
      if (typeof name !== 'string' || typeof password !== 'string') return null;
      try {
        const identity = await auth.login(name, password, address());
        return { ...asEditorUser(identity), token: identity.token };
      } catch (error) {
        if (!(error instanceof AlarmflowError) || error.family === 'bug')
          log.error('editor.login-failed', { error: asAlarmflowError(error).message });
        return null;
      }
    },
    async tokens(token) {
      const identity = await auth.identifyToken(token);
      return identity ? asEditorUser(identity) : null;
    },
    tokenHeader: EDITOR_SESSION_HEADER,
  };
}
