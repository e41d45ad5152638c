import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { silentLog } from '../../engine/domain/log';
import type { Peer } from '../../engine/host/addresses';
import { nodeRedAuth, roleIncludes } from '../../engine/host/auth';
import { writeCliToken } from '../../engine/host/cli-token';
import { checkPassword, hashPassword, verifyPassword } from '../../engine/host/password';
import { addEveryRole, CLI_TOKEN, memoryAuth, PASSWORD } from '../support/host-door';

const START = 1_790_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const local: Peer = { address: '127.0.0.1', local: true, secure: false, unknownProxy: false };
const remote: Peer = { address: '192.0.2.7', local: false, secure: false, unknownProxy: false };
const request = (headers: Record<string, string> = {}) => ({ headers }) as unknown as IncomingMessage;
const withCookie = (token: string) => request({ cookie: `other=1; alarmflow_session=${token}` });

async function withUsers(clock = new VirtualClock(START)) {
  const made = await memoryAuth({ clock });
  await addEveryRole(made.auth);
  return { ...made, clock };
}
const fail = async (login: Promise<unknown>): Promise<string> =>
  login.then(
    () => 'logged in',
    (error: { code: string }) => error.code,
  );

describe('passwords', () => {
  it.each([
    ['Ab3defgh', true],
    ['abcdefgh', false],
    ['abcdefghij', true],
    ['Ab3defg', false],
    ['aaaaaaaaaaaa', false],
    ['benjamin-k', false],
    ['BENJAMIN-K', false],
    ['a'.repeat(257), false],
  ])('%s is taken: %s', (password, taken) => {
    const check = () => checkPassword('benjamin-k', password);
    if (taken) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: 'E_WEAK_PASSWORD', family: 'user' }));
  });

  it('are hashed with salt and cost, and found again', async () => {
    const cost = { ln: 5, r: 8, p: 1 };
    const [one, two] = await Promise.all([hashPassword('pässword', cost), hashPassword('pässword', cost)]);
    expect(one).toMatch(/^\$scrypt\$ln=5,r=8,p=1\$/);
    expect(one).not.toBe(two);
    expect(await verifyPassword('pässword', one)).toBe(true);
    expect(await verifyPassword('pa\u0308ssword', one)).toBe(true);
    expect(await verifyPassword('password', one)).toBe(false);
  });

  it.each(['', 'plain', '$scrypt$ln=40,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAA', '$2b$10$abc'])(
    'never match the foreign hash %j',
    async (hash) => {
      expect(await verifyPassword('x', hash)).toBe(false);
    },
  );
});

describe('an open site', () => {
  it('makes this machine administrator and nobody else', async () => {
    const { auth } = await memoryAuth();
    expect(auth.isOpen()).toBe(true);
    expect(await auth.identify(request(), local)).toMatchObject({ name: 'local', role: 'administrator', via: 'open' });
    expect(await auth.identify(request(), remote)).toBeNull();
  });

  it('wants an administrator as its first user', async () => {
    const { auth } = await memoryAuth();
    await expect(auth.addUser({ name: 'vera', role: 'viewer', password: PASSWORD }, 'x')).rejects.toMatchObject({
      code: 'E_FIRST_USER',
    });
  });
});

describe('accounts', () => {
  it('close the site to whoever is not logged in', async () => {
    const { auth } = await withUsers();
    expect(auth.isOpen()).toBe(false);
    expect(await auth.identify(request(), local)).toBeNull();
  });

  it('are spelled one way and exist once', async () => {
    const { auth } = await withUsers();
    expect(await fail(auth.addUser({ name: ' ANNA ', role: 'viewer', password: PASSWORD }, 'x'))).toBe('E_USER_EXISTS');
    for (const name of ['', '../x', 'a b', 'local', '-x', 'x'.repeat(33)])
      expect(await fail(auth.addUser({ name, role: 'viewer', password: PASSWORD }, 'x'))).toBe('E_BAD_USER_NAME');
  });

  it('keep one administrator', async () => {
    const { auth } = await withUsers();
    expect(await fail(auth.removeUser('anna', 'anna'))).toBe('E_LAST_ADMINISTRATOR');
    expect(await fail(auth.changeUser('anna', { role: 'viewer' }, 'anna'))).toBe('E_LAST_ADMINISTRATOR');
    await auth.changeUser('otto', { role: 'administrator' }, 'anna');
    await auth.removeUser('anna', 'otto');
    expect((await auth.list()).map((user) => user.name)).toEqual(['otto', 'vera']);
  });

  it('leave their changes in the audit trail, without a password', async () => {
    const { auth, audit } = await withUsers();
    await auth.changeUser('vera', { password: 'Another horse 8' }, 'anna');
    await auth.removeUser('vera', 'anna');
    expect(audit.map(({ who, action, subject }) => `${who} ${action} ${subject}`)).toEqual([
      'test user.add anna',
      'test user.add otto',
      'test user.add vera',
      'anna user.change vera',
      'anna user.remove vera',
    ]);
    expect(JSON.stringify(audit)).not.toContain('horse');
  });

  it('rank their roles', () => {
    expect(roleIncludes('administrator', 'operator')).toBe(true);
    expect(roleIncludes('operator', 'administrator')).toBe(false);
    expect(roleIncludes('viewer', 'viewer')).toBe(true);
  });
});

describe('logins', () => {
  it('give a session that a cookie carries', async () => {
    const { auth } = await withUsers();
    const { token } = await auth.login('Anna', PASSWORD, '192.0.2.7');
    expect(await auth.identify(withCookie(token), remote)).toMatchObject({ name: 'anna', via: 'cookie' });
    expect(await auth.identify(withCookie(`${token}x`), remote)).toBeNull();
  });

  it('are kept as hashes and outlive a restart', async () => {
    const { auth, settings, accounts, clock } = await withUsers();
    const { token } = await auth.login('anna', PASSWORD, null);
    expect([...settings.written.values()].join()).not.toContain(token);
    const again = await memoryAuth({ settings, accounts, clock });
    expect(await again.auth.identify(withCookie(token), remote)).toMatchObject({ name: 'anna' });
  });

  it.each([
    ['unused', 2 * HOUR, 0],
    ['used', 12 * HOUR, HOUR],
  ])('end by themselves when %s', async (_case, life, useEvery) => {
    const { auth, clock } = await withUsers();
    const { token } = await auth.login('anna', PASSWORD, null);
    for (let at = useEvery; useEvery > 0 && at < life; at += useEvery) {
      await clock.advance(useEvery);
      expect(await auth.identify(withCookie(token), remote)).not.toBeNull();
    }
    await clock.advanceTo(START + life);
    expect(await auth.identify(withCookie(token), remote)).toBeNull();
  });

  it('end with a logout, a new password and the removal of the user', async () => {
    const { auth } = await withUsers();
    const first = await auth.login('vera', PASSWORD, null);
    await auth.logout(first);
    expect(await auth.identify(withCookie(first.token), remote)).toBeNull();
    const second = await auth.login('vera', PASSWORD, null);
    await auth.changeUser('vera', { password: 'Another horse 8' }, 'anna');
    expect(await auth.identify(withCookie(second.token), remote)).toBeNull();
    const third = await auth.login('vera', 'Another horse 8', null);
    await auth.removeUser('vera', 'anna');
    expect(await auth.identify(withCookie(third.token), remote)).toBeNull();
  });

  it('do not tell a wrong password from an unknown name', async () => {
    const { auth } = await withUsers();
    const texts = await Promise.all(
      ['anna', 'nobody'].map((name) => auth.login(name, 'wrong', null).catch((error: Error) => error.message)),
    );
    expect(texts[0]).toBe(texts[1]);
  });

  it.each(['anna', 'nobody'])('lock %s for 15 minutes after 5 wrong passwords', async (name) => {
    const { auth, clock } = await withUsers();
    const codes = [];
    for (let i = 0; i < 6; i++) codes.push(await fail(auth.login(name, 'wrong', `192.0.2.${i}`)));
    expect(codes).toEqual([...Array(5).fill('E_LOGIN_REFUSED'), 'E_LOGIN_LOCKED']);
    expect(await fail(auth.login(name, PASSWORD, '192.0.2.99'))).toBe('E_LOGIN_LOCKED');
    await clock.advance(15 * MINUTE - 1);
    expect(await fail(auth.login(name, PASSWORD, '192.0.2.99'))).toBe('E_LOGIN_LOCKED');
    await clock.advance(1);
    expect(await fail(auth.login(name, PASSWORD, '192.0.2.99'))).toBe(
      name === 'anna' ? 'logged in' : 'E_LOGIN_REFUSED',
    );
  });

  it('lock an address that tries many names, and no other address', async () => {
    const { auth } = await withUsers();
    for (let i = 0; i < 5; i++) await fail(auth.login(`name${i}`, 'wrong', '192.0.2.7'));
    expect(await fail(auth.login('anna', PASSWORD, '192.0.2.7'))).toBe('E_LOGIN_LOCKED');
    expect(await fail(auth.login('anna', PASSWORD, '192.0.2.8'))).toBe('logged in');
  });

  it('count guesses that come all at once', async () => {
    const { auth } = await withUsers();
    const codes = await Promise.all(Array.from({ length: 40 }, () => fail(auth.login('anna', 'wrong', null))));
    expect(codes.filter((code) => code === 'E_LOGIN_REFUSED')).toHaveLength(5);
  });

  it('forget failures after a right password', async () => {
    const { auth } = await withUsers();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) await fail(auth.login('anna', 'wrong', '192.0.2.7'));
      expect(await fail(auth.login('anna', PASSWORD, '192.0.2.7'))).toBe('logged in');
    }
  });

  it('are in the audit trail, refused ones too', async () => {
    const { auth, audit } = await withUsers();
    audit.length = 0;
    await fail(auth.login('anna\n', 'wrong', '192.0.2.7'));
    await auth.login('anna', PASSWORD, '192.0.2.7');
    expect(audit.map(({ action, detail }) => `${action} ${detail}`)).toEqual([
      'login.refused from 192.0.2.7',
      'login from 192.0.2.7',
    ]);
  });
});

describe('the value against forged requests', () => {
  it('belongs to one session', async () => {
    const { auth } = await withUsers();
    const one = await auth.login('anna', PASSWORD, null);
    const two = await auth.login('vera', PASSWORD, null);
    expect(auth.csrf(one)).not.toBe(auth.csrf(two));
    const send = (value: string) => () => auth.checkCsrf(request({ 'x-alarmflow-csrf': value }), one);
    expect(send(auth.csrf(one))).not.toThrow();
    expect(send(auth.csrf(two))).toThrow(expect.objectContaining({ code: 'E_CSRF' }));
    expect(() => auth.checkCsrf(request(), one)).toThrow(expect.objectContaining({ code: 'E_CSRF' }));
  });
});

describe("the command line's token", () => {
  const bearer = request({ authorization: `Bearer ${CLI_TOKEN}` });

  it('makes this machine administrator, another one nothing', async () => {
    const { auth } = await withUsers();
    expect(await auth.identify(bearer, local)).toMatchObject({ via: 'cli', role: 'administrator' });
    expect(await auth.identify(bearer, remote)).toBeNull();
    expect(await auth.identify(request({ authorization: `Bearer ${CLI_TOKEN}x` }), local)).toBeNull();
  });

  it('lies in a file that only its owner can read, new at each start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'alarmflow-token-'));
    const path = join(folder, 'cli-token');
    writeFileSync(path, 'old', { mode: 0o644 });
    const first = await writeCliToken(folder);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8').trim()).toBe(first.value);
    const second = await writeCliToken(folder);
    expect(second.value).not.toBe(first.value);
    await first.remove();
    expect(readFileSync(path, 'utf8').trim()).toBe(second.value);
    await second.remove();
    expect(() => statSync(path)).toThrow();
    rmSync(folder, { recursive: true });
  });
});

describe("the editor's login", () => {
  it('is not there while the site is open', async () => {
    const { auth } = await memoryAuth();
    expect(nodeRedAuth(auth, silentLog)).toBeUndefined();
  });

  it.each([
    ['anna', '*'],
    ['otto', ['read', 'alarms.write', 'linkage.write']],
    ['vera', 'read'],
  ])('gives %s the permissions %j', async (name, permissions) => {
    const { auth } = await withUsers();
    const editor = nodeRedAuth(auth, silentLog)!;
    const user = await editor.authenticate(name, PASSWORD);
    expect(user).toMatchObject({ username: name, permissions });
    expect(await editor.tokens(user!.token)).toEqual({ username: name, permissions });
    expect(await editor.users(name)).toEqual({ username: name, permissions });
  });

  it('refuses wrong passwords and counts them', async () => {
    const { auth } = await withUsers();
    const editor = nodeRedAuth(auth, silentLog, () => '192.0.2.7')!;
    for (let i = 0; i < 5; i++) expect(await editor.authenticate('anna', 'wrong')).toBeNull();
    expect(await editor.authenticate('anna', PASSWORD)).toBeNull();
    expect(await fail(auth.login('vera', PASSWORD, '192.0.2.7'))).toBe('E_LOGIN_LOCKED');
  });

  it('knows no command line token', async () => {
    const { auth } = await withUsers();
    expect(await nodeRedAuth(auth, silentLog)!.tokens(CLI_TOKEN)).toBeNull();
  });
});
