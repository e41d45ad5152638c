import { afterEach, describe, expect, it } from 'vitest';
import { testMail } from '../../engine/actions';
import { mailError } from '../../engine/actions/mail-errors';
import { systemClock } from '../../engine/clock/system-clock';
import { selfSigned } from '../support/smtp-certificate';
import { openPostOffice, openRudeServer } from '../support/smtp-post-office';
import { ActionBench, anEmail, aRow, aServer } from './action-bench';

const certificate = selfSigned();
if (!certificate) console.warn('Skipped: mail over TLS, because openssl is not installed to make a certificate.');

const PASSWORD = 'correct horse battery';
const login = { user: 'alarm', password: PASSWORD };

const open: { close(): Promise<void> }[] = [];
async function opened<T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> {
  const server = await opening;
  open.push(server);
  return server;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function bench(...server: Parameters<typeof aServer>): ActionBench {
  const made = new ActionBench();
  made.server = aServer(...server);
  return made;
}

const send = (made: ActionBench, params = {}) => made.run(aRow('email', anEmail(params)));

describe('a mail in clear', () => {
  it('is sent without login to a server that wants none', async () => {
    const office = await opened(openPostOffice());
    const result = await send(bench(office.port));
    expect(result).toEqual({
      status: 'done',
      summary: `Mail to 1 receiver accepted by 127.0.0.1:${office.port}`,
    });
    expect(office.delivered[0]).toMatchObject({ from: 'alarm@example.com', to: ['guard@example.com'], secure: false });
    expect(office.delivered[0]!.mail.from).toMatchObject({ name: 'Alarm system', address: 'alarm@example.com' });
  });

  it('does not use STARTTLS although the server offers it', async () => {
    const office = await opened(openPostOffice({ security: 'starttls', certificate }));
    await send(bench(office.port));
    expect(office.delivered[0]!.secure).toBe(false);
  });

  it('logs in where a login is given', async () => {
    const office = await opened(openPostOffice({ login }));
    await send(bench(office.port, { credentials: login }));
    expect(office.delivered[0]!.user).toBe('alarm');
  });

  it('goes to several receivers at once', async () => {
    const office = await opened(openPostOffice());
    const result = await send(bench(office.port), {
      to: ['a@example.com', 'b@example.com', 'c@localhost', 'a@example.com'],
    });
    expect(office.delivered.map((mail) => mail.to)).toEqual([['a@example.com', 'b@example.com', 'c@localhost']]);
    expect(result.summary).toContain('3 receivers');
  });
});

describe.skipIf(!certificate)('a mail over TLS', () => {
  it.each(['starttls', 'tls'] as const)('%s: is encrypted before the login', async (security) => {
    const office = await opened(openPostOffice({ security, certificate, login }));
    await send(bench(office.port, { security, allowSelfSigned: true, credentials: login }));
    expect(office.delivered[0]).toMatchObject({ secure: true, user: 'alarm' });
    expect(office.logins).toEqual([{ user: 'alarm', password: PASSWORD, secure: true }]);
  });

  it.each(['starttls', 'tls'] as const)('%s: a certificate that nobody signed is refused', async (security) => {
    const office = await opened(openPostOffice({ security, certificate, login }));
    const sent = send(bench(office.port, { security, credentials: login }));
    await expect(sent).rejects.toMatchObject({
      code: 'E_MAIL_TLS',
      family: 'user',
      message: expect.stringContaining('self-signed'),
    });
    expect(office.logins).toEqual([]);
    expect(office.delivered).toEqual([]);
  });

  it('TLS from the first byte against a server in clear says so', async () => {
    const office = await opened(openPostOffice());
    const sent = send(bench(office.port, { security: 'tls', allowSelfSigned: true }));
    await expect(sent).rejects.toMatchObject({
      code: 'E_MAIL_TLS',
      family: 'user',
      message: expect.stringContaining('port 465'),
    });
  });
});

describe('a certificate', () => {
  it.each([
    ['ERR_TLS_CERT_ALTNAME_INVALID', "Hostname/IP does not match certificate's altnames"],
    ['CERT_HAS_EXPIRED', 'certificate has expired'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate'],
  ])('that is wrong by %s is for people, also where only its text is left', (originalCode, text) => {
    const whole = Object.assign(new Error(text), { code: 'ESOCKET', originalCode });
    const bare = Object.assign(new Error(`Error initiating TLS - ${text}`), { code: 'ETLS', command: 'STARTTLS' });
    for (const error of [whole, bare])
      expect(mailError(aServer(465), error)).toMatchObject({ code: 'E_MAIL_TLS', family: 'user' });
  });
});

describe.skipIf(!certificate)('a login over STARTTLS', () => {
  it.each(['PLAIN', 'LOGIN', 'CRAM-MD5'])('is sent by %s where the server offers nothing else', async (method) => {
    const office = await opened(openPostOffice({ security: 'starttls', certificate, login, authMethods: [method] }));
    await send(bench(office.port, { security: 'starttls', allowSelfSigned: true, credentials: login }));
    expect(office.delivered[0]).toMatchObject({ secure: true, user: 'alarm' });
  });

  it('by CRAM-MD5 with a wrong password is refused, and the password is not sent', async () => {
    const office = await opened(
      openPostOffice({ security: 'starttls', certificate, login, authMethods: ['CRAM-MD5'] }),
    );
    const credentials = { user: 'alarm', password: 'wrong' };
    const sent = send(bench(office.port, { security: 'starttls', allowSelfSigned: true, credentials }));
    await expect(sent).rejects.toMatchObject({ code: 'E_MAIL_LOGIN_REFUSED' });
    expect(office.logins).toEqual([{ user: 'alarm', password: '', secure: true }]);
  });
});

describe('a server that does not offer STARTTLS', () => {
  it('gets neither mail nor password in clear', async () => {
    const office = await opened(openPostOffice({ login }));
    const sent = send(bench(office.port, { security: 'starttls', credentials: login }));
    await expect(sent).rejects.toMatchObject({ code: 'E_MAIL_NO_STARTTLS', family: 'user' });
    expect(office.logins).toEqual([]);
    expect(office.delivered).toEqual([]);
  });
});

describe('a login', () => {
  it('that is refused is for people, and the password is in no error', async () => {
    const office = await opened(openPostOffice({ login }));
    const credentials = { user: 'alarm', password: 'wrong-secret' };
    const sent = send(bench(office.port, { credentials }));
    await expect(sent).rejects.toMatchObject({ code: 'E_MAIL_LOGIN_REFUSED', family: 'user' });
    const error = await sent.catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('wrong-secret');
  });

  it('that the server repeats in its answer is masked', async () => {
    const refuseLogin: [number, string] = [535, `no such login: alarm/${PASSWORD}`];
    const office = await opened(openPostOffice({ login, refuseLogin }));
    const error = await send(bench(office.port, { credentials: login })).catch((thrown: Error) => thrown);
    expect((error as Error).message).toContain('alarm/•••');
  });

  it('that is missing where the server wants one is for people', async () => {
    const office = await opened(openPostOffice({ login }));
    await expect(send(bench(office.port))).rejects.toMatchObject({ code: 'E_MAIL_LOGIN_REFUSED', family: 'user' });
  });

  it('that fails for the moment is tried again', async () => {
    const office = await opened(openPostOffice({ login, refuseLogin: [454, 'Temporary authentication failure'] }));
    const sent = send(bench(office.port, { credentials: login }));
    await expect(sent).rejects.toMatchObject({ code: 'E_MAIL_UNREACHABLE', family: 'operational' });
  });
});

describe('a refusal', () => {
  it('of the only receiver is for people', async () => {
    const office = await opened(openPostOffice({ refuse: { 'guard@example.com': [550, 'No such user'] } }));
    await expect(send(bench(office.port))).rejects.toMatchObject({
      code: 'E_MAIL_REFUSED',
      family: 'user',
      message: expect.stringContaining('guard@example.com'),
    });
  });

  it('of the receiver for now (greylisting) is tried again', async () => {
    const office = await opened(openPostOffice({ refuse: { 'guard@example.com': [450, 'Greylisted'] } }));
    await expect(send(bench(office.port))).rejects.toMatchObject({ code: 'E_MAIL_UNREACHABLE', family: 'operational' });
  });

  it('of one receiver among others is told in the summary', async () => {
    const office = await opened(openPostOffice({ refuse: { 'b@example.com': [550, 'No such user'] } }));
    const result = await send(bench(office.port), { to: ['a@example.com', 'b@example.com'] });
    expect(result.status).toBe('done');
    expect(result.summary).toContain('Mail to 1 receiver accepted');
    expect(result.summary).toMatch(/refused for b@example\.com: 550 .*No such user/);
    expect(office.delivered[0]!.to).toEqual(['a@example.com']);
  });

  it.each([
    [554, 'E_MAIL_REFUSED', 'user'],
    [452, 'E_MAIL_UNREACHABLE', 'operational'],
  ] as const)('of the message with %i is %s', async (status, code, family) => {
    const office = await opened(openPostOffice({ refuseMessage: [status, 'Not this one'] }));
    await expect(send(bench(office.port))).rejects.toMatchObject({ code, family });
  });
});

describe('a server that is away or breaks off', () => {
  it('refuses the connection: tried again', async () => {
    const office = await openPostOffice();
    await office.close();
    await expect(send(bench(office.port))).rejects.toMatchObject({
      code: 'E_MAIL_UNREACHABLE',
      family: 'operational',
      message: expect.stringContaining('"Office"'),
    });
  });

  it('has no address: tried again', async () => {
    const sent = send(bench(25, { host: 'mail..invalid' }));
    await expect(sent).rejects.toMatchObject({ code: 'E_MAIL_UNREACHABLE', family: 'operational' });
  });

  it.each(['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'text'])('closes at %s: tried again', async (when) => {
    let inText = false;
    const server = await opened(
      openRudeServer(
        (line, socket) => {
          const verb = line.slice(0, 4).toUpperCase();
          if (verb === when || (inText && when === 'text')) socket.end();
          else if (verb === 'DATA') {
            inText = true;
            socket.write('354 go on\r\n');
          } else if (!inText) socket.write('250 fine\r\n');
        },
        when === 'greeting' ? '421 too busy' : '220 rude ESMTP',
      ),
    );
    await expect(send(bench(server.port))).rejects.toMatchObject({ code: 'E_MAIL_UNREACHABLE', family: 'operational' });
  });

  it('speaks no SMTP: no mail, no crash', async () => {
    const server = await opened(openRudeServer((_line, socket) => socket.end(), 'HTTP/1.1 400 Bad Request\r\n'));
    await expect(send(bench(server.port))).rejects.toMatchObject({ code: 'E_MAIL_UNREACHABLE' });
  });

  it('says nothing: the attempt ends when its signal aborts', { timeout: 10_000 }, async () => {
    const server = await opened(openRudeServer(() => undefined, null));
    const abort = new AbortController();
    const sent = bench(server.port).run(aRow('email', anEmail()), abort.signal);
    systemClock.after(50, () => abort.abort(new Error('stop now')));
    await expect(sent).rejects.toThrow('stop now');
  });

  it('is not asked at all when the signal has aborted before', async () => {
    const office = await opened(openPostOffice());
    const sent = bench(office.port).run(aRow('email', anEmail()), AbortSignal.abort(new Error('too late')));
    await expect(sent).rejects.toThrow('too late');
    expect(office.delivered).toEqual([]);
  });
});

describe('a definition that cannot work', () => {
  it('without its mail server is for people', async () => {
    const made = new ActionBench();
    await expect(send(made)).rejects.toMatchObject({ code: 'E_UNKNOWN_MAIL_SERVER', family: 'user' });
  });

  it.each(['', 'nobody', 'a@b\r\nBcc: x@example.com', 'Name <a@b> <c@d'])(
    'with the sender %j is for people',
    async (from) => {
      await expect(send(bench(25, { from }))).rejects.toMatchObject({ code: 'E_MAIL_SENDER', family: 'user' });
    },
  );
});

describe('the test button', () => {
  it('sends a mail and says who took it', async () => {
    const office = await opened(openPostOffice());
    const result = await testMail(aServer(office.port), 'me@example.com');
    expect(result).toEqual({ ok: true, detail: `127.0.0.1:${office.port} accepted the mail to me@example.com` });
    expect(office.delivered[0]!.mail.subject).toBe('Test mail of alarmflow');
  });

  it('says what is wrong in words', async () => {
    const office = await opened(openPostOffice({ login }));
    const wrong = aServer(office.port, { credentials: { user: 'alarm', password: 'no' } });
    expect(await testMail(wrong, 'me@example.com')).toEqual({
      ok: false,
      detail: expect.stringContaining('refused the login'),
    });
    expect(await testMail(wrong, 'me')).toEqual({ ok: false, detail: expect.stringContaining('no mail address') });
  });
});
