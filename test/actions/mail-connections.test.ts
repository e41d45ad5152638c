import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { selfSigned } from '../support/smtp-certificate';
import { openPostOffice, openRudeServer } from '../support/smtp-post-office';
import { ActionBench, anEmail, aRow, aServer, RAISED } from './action-bench';

const certificate = selfSigned();
const other = selfSigned();
const login = { user: 'alarm', password: 'correct horse battery' };
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
const send = (made: ActionBench, key = 'alarm-1:node-1:raise', params = {}) =>
  made.run({ ...aRow('email', anEmail(params)), key });
const keys = (count: number) => Array.from({ length: count }, (_, at) => `alarm-${at}:node-1:raise`);
const print = (pem: string): string => new X509Certificate(pem).fingerprint256;

describe('connections to a mail server', () => {
  it('are eight at most, and each mail goes once', async () => {
    const office = await opened(openPostOffice());
    const made = bench(office.port);
    await Promise.all(keys(24).map((key) => send(made, key)));
    expect(new Set(office.delivered.map(({ mail }) => mail.messageId)).size).toBe(24);
    expect(office.delivered).toHaveLength(24);
    expect(office.connections.most).toBeLessThanOrEqual(8);
    expect(office.connections.all).toBeLessThan(20);
  });

  it('are kept for the next mail, with one login', async () => {
    const office = await opened(openPostOffice({ login }));
    // Time stands still: however late the next mail is, no connection has rested for too long.
    const made = new ActionBench(new VirtualClock(RAISED));
    made.server = aServer(office.port, { credentials: login });
    for (const key of keys(5)) await send(made, key);
    expect([office.delivered.length, office.connections.all, office.logins.length]).toEqual([5, 1, 1]);
  });

  it('are logged in anew when the password was changed in the dialog', async () => {
    const office = await opened(openPostOffice({ login }));
    const made = bench(office.port, { credentials: login });
    await send(made, 'a:n:raise');
    made.server = aServer(office.port, { credentials: { ...login, password: 'wrong' } });
    await expect(send(made, 'b:n:raise')).rejects.toMatchObject({ code: 'E_MAIL_LOGIN_REFUSED' });
  });

  const goesAway = (socket: Socket): void => void socket.destroy();
  const isClosing = (socket: Socket): void => void socket.write('421 4.4.2 idle for too long\r\n');
  it.each<[string, (socket: Socket) => void, boolean]>([
    ['goes away in silence between two mails', goesAway, true],
    ['goes away in silence just when the next mail begins', goesAway, false],
    ['says that it is closing between two mails', isClosing, true],
    ['says that it is closing just when the next mail begins', isClosing, false],
  ])('that the server %s are opened anew, and the mail goes once', async (_name, end, noticed) => {
    let inText = false;
    let connections = 0;
    const taken: string[] = [];
    let ended = (): void => undefined;
    const firstEnd = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const rude = await opened(
      openRudeServer((line, socket) => {
        if (inText) {
          if (line.startsWith('Message-ID: ')) taken.push(line);
          if (line !== '.') return;
          inText = false;
          socket.write('250 taken\r\n');
          // Where the next mail begins, before it is asked for.
          setTimeout(() => {
            end(socket);
            ended();
          }, 30);
          return;
        }
        if (/^EHLO/i.test(line)) connections++;
        inText = /^DATA/i.test(line);
        socket.write(inText ? '354 go on\r\n' : '250 fine\r\n');
      }),
    );
    const made = bench(rude.port);
    await send(made, 'a:n:raise');
    await firstEnd;
    // What the server has sent is read in the next turn of the event loop; without it, it meets the beginning of the mail.
    if (noticed) await new Promise((resolve) => setTimeout(resolve, 30));
    await send(made, 'b:n:raise');
    expect([new Set(taken).size, taken.length, connections]).toEqual([2, 2, 2]);
  });

  it('become fewer where the server says that they are too many', async () => {
    const office = await opened(openPostOffice({ mostConnections: 3 }));
    const made = bench(office.port);
    const first = await Promise.allSettled(keys(20).map((key) => send(made, key)));
    const refused = first.flatMap((one) => (one.status === 'rejected' ? [one.reason as { family: string }] : []));
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ family }) => family === 'operational')).toBe(true);
    const before = office.delivered.length;
    const second = await Promise.allSettled(keys(20).map((key) => send(made, `again-${key}`)));
    expect(second.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(office.delivered).toHaveLength(before + 20);
  });
});

describe('a mail server that hangs', () => {
  it('holds eight mails, the others wait for their turn without a failure', async () => {
    const rude = await opened(openRudeServer(() => undefined, null));
    const made = bench(rude.port);
    const stop = new AbortController();
    const row = (key: string) => ({ ...aRow('email', anEmail()), key });
    const sent = keys(10).map((key) =>
      made.run(row(key), stop.signal).then(
        () => 'done',
        (thrown: { code?: string }) => thrown.code ?? 'stopped',
      ),
    );
    const two = await Promise.all(sent.slice(8));
    stop.abort(new Error('enough'));
    await Promise.all(sent);
    expect(two).toEqual(['E_WAITS', 'E_WAITS']);
  });
});

describe.skipIf(!certificate)('a certificate that nobody signed', () => {
  const pinned = async (fields: Parameters<typeof aServer>[1], security: 'tls' | 'starttls') => {
    const office = await opened(openPostOffice({ security, certificate, login }));
    return { office, sent: send(bench(office.port, { security, credentials: login, ...fields })) };
  };

  it.each(['tls', 'starttls'] as const)('%s: is trusted by its fingerprint', async (security) => {
    const { office, sent } = await pinned({ fingerprint: print(certificate!.cert) }, security);
    await sent;
    expect(office.delivered[0]).toMatchObject({ secure: true, user: 'alarm' });
  });

  it.each(['tls', 'starttls'] as const)(
    '%s: another than the pinned one gets neither login nor mail',
    async (security) => {
      const { office, sent } = await pinned({ fingerprint: print(other!.cert) }, security);
      await expect(sent).rejects.toMatchObject({
        code: 'E_MAIL_TLS',
        family: 'user',
        message: expect.stringContaining(print(certificate!.cert)),
      });
      expect([office.logins, office.delivered]).toEqual([[], []]);
    },
  );

  it('is refused by another fingerprint also where self-signed ones are allowed', async () => {
    const { sent } = await pinned({ fingerprint: print(other!.cert), allowSelfSigned: true }, 'tls');
    await expect(sent).rejects.toMatchObject({ code: 'E_MAIL_TLS' });
  });

  it('is trusted where it is the own authority, and no other is', async () => {
    const { office, sent } = await pinned({ authority: certificate!.cert }, 'starttls');
    await sent;
    expect(office.delivered).toHaveLength(1);
    const strange = await pinned({ authority: other!.cert }, 'starttls');
    await expect(strange.sent).rejects.toMatchObject({ code: 'E_MAIL_TLS' });
    expect(strange.office.logins).toEqual([]);
  });
});
