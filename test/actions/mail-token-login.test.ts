import { createVerify, generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testMail } from '../../engine/actions';
import { createMailTokens, type TokenKeeping } from '../../engine/actions/mail-tokens';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { MailOAuth } from '../../engine/domain/mail';
import { selfSigned } from '../support/smtp-certificate';
import { openPostOffice, type PostOffice } from '../support/smtp-post-office';
import { openTokenServer, type TokenServer } from '../support/token-server';
import { ActionBench, anEmail, aRow, aServer } from './action-bench';

const MAILBOX = 'alarm@example.com';
const SECRET = 's3cret-of/the+app';
const given = (token: string, more: Record<string, unknown> = {}) => ({
  body: { access_token: token, token_type: 'Bearer', expires_in: 3_600, ...more },
});

const valid = new Set<string>();
let office: PostOffice;
let tokens: TokenServer;
let bench: ActionBench;
const certificate = selfSigned();

beforeEach(async () => {
  valid.clear();
  valid.add('token-1');
  office = await openPostOffice({
    tokens: { user: MAILBOX, valid },
    authMethods: ['PLAIN', 'XOAUTH2'],
    ...(certificate ? { security: 'starttls', certificate } : {}),
  });
  tokens = await openTokenServer(() => given('token-1'));
  bench = new ActionBench();
  bench.server = server();
});
afterEach(async () => {
  await Promise.all([office.close(), tokens.close()]);
});

const application = (): MailOAuth => ({
  user: MAILBOX,
  tokenUrl: tokens.url,
  clientId: 'app-1',
  scope: 'https://outlook.example/.default',
  grant: 'client-credentials',
  clientSecret: SECRET,
});
const server = (oauth: MailOAuth = application()) =>
  aServer(office.port, { security: certificate ? 'starttls' : 'none', allowSelfSigned: true, oauth });

const send = (key = 'alarm-1:node-1:raise') => bench.run({ ...aRow('email', anEmail()), key });
const failure = async (): Promise<{ code: string; family: string; message: string; retryAfterMs?: number }> =>
  (await send().catch((thrown: unknown) => thrown)) as never;

describe('a login by token', () => {
  it('sends the mail as the mailbox, with a token of the application', async () => {
    await send();
    expect(office.delivered[0]).toMatchObject({ user: MAILBOX });
    expect(office.logins.map(({ password }) => password)).toEqual(['token-1']);
    expect(Object.fromEntries(tokens.asked[0]!)).toEqual({
      client_id: 'app-1',
      client_secret: SECRET,
      grant_type: 'client_credentials',
      scope: 'https://outlook.example/.default',
    });
  });

  it('asks for one token, however many mails want one', async () => {
    await Promise.all(['a', 'b', 'c', 'd'].map((key) => send(key)));
    await send('e');
    expect([office.delivered.length, tokens.asked.length]).toEqual([5, 1]);
  });

  it('asks for another when the mail server refuses the kept one, and sends', async () => {
    await send('a');
    valid.clear();
    valid.add('token-2');
    tokens.answer = () => given('token-2');
    // Over a connection of its own: the one that rests is logged in already.
    const other = await openPostOffice({
      tokens: { user: MAILBOX, valid },
      authMethods: ['XOAUTH2'],
      ...(certificate ? { security: 'starttls', certificate } : {}),
    });
    bench.server = { ...server(), port: other.port };
    await send('b').finally(() => other.close());
    expect(other.logins.map(({ password }) => password)).toEqual(['token-1', 'token-2']);
    expect(other.delivered).toHaveLength(1);
  });

  it('that the mail server refuses is for people, who are told what to look at, and is not tried at once again', async () => {
    valid.clear();
    const error = await failure();
    expect(error).toMatchObject({ code: 'E_MAIL_LOGIN_REFUSED', family: 'user' });
    expect(error.message).toContain(`refused the token for ${MAILBOX}`);
    expect(error.message).toContain('authenticated SMTP');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/token-1|s3cret/);
    expect(await failure()).toMatchObject({ code: 'E_MAIL_LOGIN_PAUSED', family: 'operational' });
    expect(office.logins).toHaveLength(1);
  });

  it('works from the test button of the dialog', async () => {
    expect(await testMail(server(), 'me@example.com')).toMatchObject({ ok: true });
    tokens.answer = () => ({
      status: 401,
      body: { error: 'invalid_client', error_description: 'AADSTS7000222: expired' },
    });
    const { ok, detail } = await testMail(server(), 'me@example.com');
    expect(ok).toBe(false);
    expect(detail).toContain('AADSTS7000222');
  });
});

describe('a token server', () => {
  it.each<[string, Parameters<typeof openTokenServer>[0], string]>([
    ['that knows no such application', () => ({ status: 401, body: { error: 'invalid_client' } }), 'client secret'],
    ['whose grant has ended', () => ({ status: 400, body: { error: 'invalid_grant' } }), 'sign in again'],
    ['that has no such scope', () => ({ status: 400, body: { error: 'invalid_scope' } }), 'Check the scope'],
    ['where there is none', () => ({ status: 404, body: '<html>no</html>' }), 'Check token URL'],
    ['that sends elsewhere', () => ({ status: 302, headers: { location: 'http://127.0.0.1:1/' } }), 'Check token URL'],
    ['that says no with status 200', () => ({ body: { error: 'bad_verification_code' } }), 'Check token URL'],
  ])('%s is for people', async (_name, answer, remedy) => {
    tokens.answer = answer;
    const error = await failure();
    expect(error).toMatchObject({ code: 'E_MAIL_TOKEN_REFUSED', family: 'user' });
    expect(error.message).toContain(remedy);
    expect(error.message).toMatch(/Token server 127\.0\.0\.1:\d+ gave no token/);
    expect(office.connections.all).toBe(0);
  });

  it.each<[string, Parameters<typeof openTokenServer>[0]]>([
    ['is overloaded', () => ({ status: 503, headers: { 'retry-after': '7' }, body: 'later' })],
    [
      'has had too many questions',
      () => ({ status: 429, headers: { 'retry-after': '7' }, body: { error: 'slow_down' } }),
    ],
    [
      'cannot for the moment',
      () => ({ status: 400, headers: { 'retry-after': '7' }, body: { error: 'temporarily_unavailable' } }),
    ],
  ])('that %s is asked again, as late as it says', async (_name, answer) => {
    tokens.answer = answer;
    expect(await failure()).toMatchObject({
      code: 'E_MAIL_TOKEN_UNREACHABLE',
      family: 'operational',
      retryAfterMs: 7_000,
    });
    tokens.answer = () => given('token-1');
    await send();
    expect(office.delivered).toHaveLength(1);
  });

  it.each<[string, Parameters<typeof openTokenServer>[0]]>([
    ['answers a page', () => ({ body: '<html>log in to the network</html>' })],
    ['answers no token', () => ({ body: { token_type: 'Bearer' } })],
    ['answers a token with a line break', () => given('a\r\nAUTH PLAIN')],
    ['answers no object', () => ({ body: 'null' })],
    ['answers without end', () => ({ body: `{"access_token":"${'x'.repeat(200_000)}"}` })],
  ])('that %s is asked again', async (_name, answer) => {
    tokens.answer = answer;
    expect(await failure()).toMatchObject({ code: 'E_MAIL_TOKEN_UNREACHABLE', family: 'operational' });
  });

  it('that is away is the world, not a mistake', async () => {
    await tokens.close();
    const error = await failure();
    expect(error).toMatchObject({ code: 'E_MAIL_TOKEN_UNREACHABLE', family: 'operational' });
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('that repeats the secret does not put it into the journal', async () => {
    tokens.answer = (form) => ({
      status: 400,
      body: { error: 'invalid_request', error_description: `bad: ${form.get('client_secret')} ${form.toString()}` },
    });
    const error = await failure();
    expect(error.message).toContain('•••');
    expect(error.message).not.toContain('s3cret');
  });
});

describe('a service account', () => {
  it('signs who it is and for which mailbox it asks', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { grant: _, clientSecret: __, ...common } = application() as MailOAuth & { clientSecret: string };
    bench.server = server({ ...common, grant: 'service-account', privateKey: pem });
    await send();
    const form = tokens.asked[0]!;
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [head, claims, signature] = form.get('assertion')!.split('.') as [string, string, string];
    const read = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, number>;
    expect(read).toMatchObject({ iss: 'app-1', sub: MAILBOX, aud: tokens.url, scope: common.scope });
    expect(read.exp! - read.iat!).toBe(300);
    const verified = createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url');
    expect(verified).toBe(true);
    expect(office.delivered).toHaveLength(1);
  });

  it('whose key is none is for people, and nothing of the key is told', async () => {
    const { grant: _, clientSecret: __, ...common } = application() as MailOAuth & { clientSecret: string };
    bench.server = server({ ...common, grant: 'service-account', privateKey: '-----BEGIN PRIVATE KEY-----\nabcdef\n' });
    const error = await failure();
    expect(error).toMatchObject({ code: 'E_MAIL_TOKEN_REFUSED', family: 'user' });
    expect(error.message).not.toContain('abcdef');
  });
});

describe('a refresh token', () => {
  const kept = new Map<string, string>();
  const keeping: TokenKeeping = {
    read: async (id) => kept.get(id) ?? null,
    write: async (id, token) => void kept.set(id, token),
  };
  const person = (): MailOAuth => ({
    user: MAILBOX,
    tokenUrl: tokens.url,
    clientId: 'app-1',
    scope: '',
    grant: 'refresh-token',
    clientSecret: '',
    refreshToken: 'refresh-0',
  });
  const signal = new AbortController().signal;
  const clock = new VirtualClock(0);
  const used = () => tokens.asked.map((form) => form.get('refresh_token'));
  beforeEach(() => kept.clear());

  it('gives way to the one that the server gives instead, also after a restart', async () => {
    tokens.answer = () => given('token-1', { refresh_token: `refresh-${tokens.asked.length}` });
    await createMailTokens(clock, keeping).token(person(), null, signal);
    await createMailTokens(clock, keeping).token(person(), null, signal);
    expect(used()).toEqual(['refresh-0', 'refresh-1']);
    expect(tokens.asked[0]!.has('client_secret')).toBe(false);
  });

  it('of the dialog is used again when the kept one has ended', async () => {
    tokens.answer = () => given('token-1', { refresh_token: 'refresh-1' });
    await createMailTokens(clock, keeping).token(person(), null, signal);
    tokens.answer = (form) =>
      form.get('refresh_token') === 'refresh-0' ? given('token-2') : { status: 400, body: { error: 'invalid_grant' } };
    const { token } = await createMailTokens(clock, keeping).token(person(), null, signal);
    expect([token, used()]).toEqual(['token-2', ['refresh-0', 'refresh-1', 'refresh-0']]);
  });

  it('that is entered anew takes the place of a kept one', async () => {
    tokens.answer = () => given('token-1', { refresh_token: 'refresh-1' });
    await createMailTokens(clock, keeping).token(person(), null, signal);
    await createMailTokens(clock, keeping).token({ ...person(), refreshToken: 'new' } as MailOAuth, null, signal);
    expect(used()).toEqual(['refresh-0', 'new']);
  });

  it('is used a minute before the access token ends, not before', async () => {
    const made = createMailTokens(clock);
    await made.token(person(), null, signal);
    await clock.advance(3_539_000);
    await made.token(person(), null, signal);
    expect(tokens.asked).toHaveLength(1);
    await clock.advance(2_000);
    await made.token(person(), null, signal);
    expect(tokens.asked).toHaveLength(2);
  });
});
