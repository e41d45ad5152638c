/** Runs the fault table of docs/actions/email.md against real SMTP servers. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mailLimits } from '../../engine/actions/mail-session';
import { messageIdOf } from '../../engine/actions/mail-thread';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionRow } from '../../engine/domain/actions';
import type { MailOAuth } from '../../engine/domain/mail';
import { anAlarm, anEmail, aRow, aServer } from '../actions/action-bench';
import { tablesIn } from '../support/doc-tables';
import { jpeg, MailDesk, recordedCamera } from '../support/mail-desk';
import { type Authority, anAuthority, type Certificate, selfSigned } from '../support/smtp-certificate';
import { openPostOffice, openRudeServer, type PostOffice } from '../support/smtp-post-office';
import { openTokenServer } from '../support/token-server';

const [table] = tablesIn(readFileSync(join(__dirname, '../../docs/actions/email.md'), 'utf8'));

const login = { user: 'alarm', password: 'correct horse battery' };
const KEY = 'alarm-1:node-1:raise';
const usualLimits = { ...mailLimits };
/** Names with an empty part are refused without asking a name server, which may take its time. */
const NOWHERE = 'mail..invalid';

let authority: Authority | null;
let certificate: Certificate | null;
const trusted = getCACertificates('default');
beforeAll(() => {
  certificate = selfSigned();
  authority = anAuthority();
  if (authority) setDefaultCACertificates([...trusted, authority.cert]);
});
afterAll(() => setDefaultCACertificates(trusted));

const open: { close(): Promise<void> }[] = [];
/** Every mail that arrived anywhere. */
let offices: PostOffice[];
let desk: MailDesk;
beforeEach(() => {
  offices = [];
  desk = new MailDesk(aServer(25));
});
afterEach(async () => {
  Object.assign(mailLimits, usualLimits);
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function office(options: Parameters<typeof openPostOffice>[0] = {}): Promise<PostOffice> {
  const opened = await openPostOffice(options);
  open.push(opened);
  offices.push(opened);
  return opened;
}

async function rude(...talk: Parameters<typeof openRudeServer>): ReturnType<typeof openRudeServer> {
  const opened = await openRudeServer(...talk);
  open.push(opened);
  return opened;
}

const at = (port: number, fields: Parameters<typeof aServer>[1] = {}): void => {
  desk.server = aServer(port, fields);
};

/** Speaks SMTP as far as `line` says; null: the usual answer. */
const speaking =
  (answer: (line: string, inText: boolean) => string | null | 'close') =>
  async (ehlo = '250 rude'): Promise<number> => {
    let inText = false;
    const server = await rude((line, socket) => {
      const special = answer(line, inText);
      if (special === 'close') return void socket.destroy();
      if (special !== null) {
        if (special !== '') socket.write(`${special}\r\n`);
        return;
      }
      if (inText) {
        if (line === '.') {
          inText = false;
          socket.write('250 taken\r\n');
        }
        return;
      }
      const verb = line.slice(0, 4).toUpperCase();
      inText = verb === 'DATA';
      socket.write(`${verb === 'EHLO' ? ehlo : inText ? '354 go on' : '250 fine'}\r\n`);
    });
    return server.port;
  };

interface Fault {
  params?: Record<string, unknown>;
  /** Makes the fault; resolves to what mends it. */
  make(): Promise<() => Promise<void> | void>;
  needsOpenssl?: true;
  /** Of the first try alone: everything else has the time that it has on a site. */
  limits?: Partial<typeof mailLimits>;
  /** Receivers who must have the mail in the end. */
  receivers?: string[];
}

/** After the fault another server stands in for the one that was mended. */
const elsewhere = async (): Promise<void> => at((await office()).port);
const three = { to: ['a@example.com', 'b@example.com', 'c@example.com'] };
const withPicture = { picture: 'event-or-snapshot' };

const largePicture = (): void => {
  desk.snapshot = async () => ({ contentType: 'image/jpeg', bytes: Buffer.concat([jpeg, Buffer.alloc(2_000_000, 5)]) });
};

const secure =
  (given: Certificate, fields: Parameters<typeof aServer>[1] = {}) =>
  async () => {
    const { port } = await office({ security: 'tls', certificate: given });
    at(port, { security: 'tls', ...fields });
  };

const token = { body: { access_token: 'token-1', expires_in: 3_600 } };

/** A mail server that takes the token of one mailbox, and the server that gives tokens. */
async function byToken(
  answer: Parameters<typeof openTokenServer>[0],
  user = 'alarm@example.com',
): Promise<{ oauth: Extract<MailOAuth, { grant: 'client-credentials' }>; server: PostOffice }> {
  const tokens = await openTokenServer(answer);
  open.push(tokens);
  const server = await office({ tokens: { user, valid: new Set(['token-1']) }, authMethods: ['XOAUTH2'] });
  return {
    server,
    oauth: {
      user: 'alarm@example.com',
      tokenUrl: tokens.url,
      clientId: 'app',
      scope: '',
      grant: 'client-credentials',
      clientSecret: 'old',
    },
  };
}

const faults: Record<string, Fault> = {
  'server away': {
    async make() {
      const gone = await openPostOffice();
      await gone.close();
      at(gone.port);
      return async () => void (await office({ port: gone.port }));
    },
  },
  'name unknown': {
    async make() {
      at(25, { host: NOWHERE });
      return elsewhere;
    },
  },
  'greeting that never comes': {
    limits: { greetingMs: 1_500 },
    async make() {
      at((await rude(() => undefined, null)).port);
      return elsewhere;
    },
  },
  'answer to the message that never comes': {
    limits: { silenceMs: 2_000 },
    async make() {
      at(await speaking((line, inText) => (inText && line === '.' ? '' : null))());
      return elsewhere;
    },
  },
  'closes in the middle of DATA': {
    async make() {
      at(await speaking((line, inText) => (inText && line.startsWith('Subject:') ? 'close' : null))());
      return elsewhere;
    },
  },
  'took the message, closed before its answer': {
    async make() {
      // That server keeps what it took: two arrive under one id.
      const taken: string[] = [];
      const port = await speaking((line, inText) => {
        if (inText && line.startsWith('Message-ID: ')) taken.push(line.slice(12));
        return inText && line === '.' ? 'close' : null;
      })();
      at(port);
      return async () => {
        await elsewhere();
        expect(taken).toEqual([messageIdOf(KEY, 'example.com')]);
      };
    },
  },
  'no STARTTLS offered': {
    async make() {
      at((await office({ login })).port, { security: 'starttls', credentials: login });
      return () => {
        // Nothing was said in clear.
        expect(offices[0]!.logins).toEqual([]);
        at(offices[0]!.port, { credentials: login });
      };
    },
  },
  'STARTTLS removed on the way': {
    async make() {
      const said: string[] = [];
      // What an attacker between leaves of the server's offer, as some firewalls do.
      const port = await speaking((line) => {
        said.push(line);
        return line.startsWith('STARTTLS') ? '502 command not implemented' : null;
      })('250-rude\r\n250-XXXXXXXA\r\n250 AUTH PLAIN LOGIN');
      at(port, { security: 'starttls', credentials: login });
      return () => {
        expect(said.filter((line) => /^(AUTH|MAIL|DATA)/i.test(line))).toEqual([]);
        return elsewhere();
      };
    },
  },
  'STARTTLS refused': {
    async make() {
      const said: string[] = [];
      const port = await speaking((line) => {
        said.push(line);
        return line.startsWith('STARTTLS') ? '454 TLS not available' : null;
      })('250-rude\r\n250 STARTTLS');
      at(port, { security: 'starttls', credentials: login });
      return () => {
        expect(said.filter((line) => /^(AUTH|MAIL|DATA)/i.test(line))).toEqual([]);
        return elsewhere();
      };
    },
  },
  'no TLS at that port': {
    async make() {
      at((await office()).port, { security: 'tls' });
      return () => at(offices[0]!.port);
    },
  },
  'certificate of nobody': {
    needsOpenssl: true,
    async make() {
      await secure(certificate!)();
      return () => at(offices[0]!.port, { security: 'tls', allowSelfSigned: true });
    },
  },
  'certificate expired': {
    needsOpenssl: true,
    async make() {
      await secure(authority!.issue('127.0.0.1', -1))();
      return secure(authority!.issue('127.0.0.1', 2));
    },
  },
  'certificate of another host': {
    needsOpenssl: true,
    async make() {
      await secure(authority!.issue('mail.elsewhere.example', 2))();
      return secure(authority!.issue('127.0.0.1', 2));
    },
  },
  'login refused': {
    async make() {
      at((await office({ login })).port, { credentials: { user: 'alarm', password: 'wrong' } });
      return () => at(offices[0]!.port, { credentials: login });
    },
  },
  'token refused by its server': {
    async make() {
      const { oauth, server } = await byToken((form) =>
        form.get('client_secret') === 'new' ? token : { status: 401, body: { error: 'invalid_client' } },
      );
      at(server.port, { oauth });
      return () => at(server.port, { oauth: { ...oauth, clientSecret: 'new' } });
    },
  },
  'token server away': {
    async make() {
      let isAway = true;
      const { oauth, server } = await byToken(() => (isAway ? { status: 503 } : token));
      at(server.port, { oauth });
      return () => {
        isAway = false;
      };
    },
  },
  'token refused by the mail server': {
    async make() {
      const { oauth, server } = await byToken(() => token, 'somebody@example.com');
      at(server.port, { oauth });
      return () => at(server.port, { oauth: { ...oauth, user: 'somebody@example.com' } });
    },
  },
  'certificate other than the pinned one': {
    needsOpenssl: true,
    async make() {
      const [old, renewed] = [authority!.issue('127.0.0.1', 2), authority!.issue('127.0.0.1', 2)];
      const pin = (given: Certificate) => ({ fingerprint: new X509Certificate(given.cert).fingerprint256 });
      await secure(renewed, pin(old))();
      return () => at(offices[0]!.port, { security: 'tls', ...pin(renewed) });
    },
  },
  'too many connections': {
    async make() {
      const moods: Parameters<typeof openPostOffice>[0] = { mostConnections: 0 };
      at((await office(moods)).port);
      return () => void delete moods.mostConnections;
    },
  },
  'login refused, second mail': {
    async make() {
      const { port, logins } = await office({ login });
      at(port, { credentials: { user: 'alarm', password: 'wrong' } });
      await desk.send(aRaise({}, { key: 'alarm-0:node-1:raise', alarmId: 'alarm-0' }));
      return () => {
        expect(logins).toHaveLength(1);
        at(port, { credentials: login });
      };
    },
  },
  'login refused for the moment': {
    async make() {
      const moods: Parameters<typeof openPostOffice>[0] = { login, refuseLogin: [454, '4.7.0 Temporary failure'] };
      at((await office(moods)).port, { credentials: login });
      return () => void delete moods.refuseLogin;
    },
  },
  'login wanted, none given': {
    async make() {
      at((await office({ login })).port);
      return () => at(offices[0]!.port, { credentials: login });
    },
  },
  greylisting: {
    async make() {
      const moods: Parameters<typeof openPostOffice>[0] = {
        refuse: { 'guard@example.com': [450, '4.2.0 Greylisted'] },
      };
      at((await office(moods)).port);
      return () => void delete moods.refuse;
    },
  },
  'greylisting of one receiver of three': {
    params: three,
    receivers: three.to,
    async make() {
      const moods: Parameters<typeof openPostOffice>[0] = { refuse: { 'b@example.com': [451, '4.7.1 Greylisted'] } };
      at((await office(moods)).port);
      return () => void delete moods.refuse;
    },
  },
  'no such receiver': {
    async make() {
      const moods: Parameters<typeof openPostOffice>[0] = {
        refuse: { 'guard@example.com': [550, '5.1.1 No such user'] },
      };
      at((await office(moods)).port);
      return () => void delete moods.refuse;
    },
  },
  'no such receiver, one of three': {
    params: three,
    receivers: ['a@example.com', 'c@example.com'],
    async make() {
      at((await office({ refuse: { 'b@example.com': [550, '5.1.1 No such user'] } })).port);
      return () => undefined;
    },
  },
  'sender refused': {
    async make() {
      at(await speaking((line) => (line.startsWith('MAIL FROM') ? '553 5.7.1 not yours' : null))());
      return elsewhere;
    },
  },
  'message refused': {
    async make() {
      const moods: Parameters<typeof openPostOffice>[0] = { refuseMessage: [554, '5.7.1 Looks like spam'] };
      at((await office(moods)).port);
      return () => void delete moods.refuseMessage;
    },
  },
  'picture larger than the server takes': {
    params: withPicture,
    async make() {
      largePicture();
      at((await office({ size: 1_000_000 })).port);
      return () => undefined;
    },
  },
  'message refused as too large': {
    params: withPicture,
    async make() {
      largePicture();
      let refusals = 1;
      const { port } = await office({
        get refuseMessage(): [number, string] | undefined {
          return refusals-- > 0 ? [552, '5.3.4 Message too big'] : undefined;
        },
      });
      at(port);
      return () => undefined;
    },
  },
  'disk full for the clip': {
    params: { clip: 5 },
    async make() {
      recordedCamera(desk, { fails: 'the disk is full' });
      at((await office()).port);
      return () => undefined;
    },
  },
  'camera silent': {
    params: withPicture,
    async make() {
      desk.snapshot = () => new Promise(() => undefined);
      at((await office()).port);
      return () => {
        desk.snapshot = async () => ({ contentType: 'image/jpeg', bytes: jpeg });
      };
    },
  },
  'mail server deleted from the flow': {
    async make() {
      at(25, { id: 'gone' });
      return elsewhere;
    },
  },
};

function aRaise(params: Record<string, unknown> = {}, fields: Partial<ActionRow> = {}): ActionRow {
  const now = systemClock.now();
  const event = { ...anAlarm().event, receivedAt: now - 60_000 };
  return aRow('email', anEmail(params), {
    alarm: { ...anAlarm({ raisedAt: now - 30_000, event }), phase: 'raise' },
    requestedAt: now,
    deadlineAt: now + 3_600_000,
    ...fields,
  });
}

describe('the faults of a mail', () => {
  it('are all in the table, and all of the table are tried', () => {
    expect(table!.rows.map(([fault]) => fault).sort()).toEqual(Object.keys(faults).sort());
  });

  it.each(table!.rows)('%s', async (name, code, again, journal, then, mails) => {
    const fault = faults[name!]!;
    if (fault.needsOpenssl && !authority) return console.warn(`Skipped: ${name}, because openssl is not installed.`);
    const mend = await fault.make();
    Object.assign(mailLimits, fault.limits);
    const first = await desk.send(aRaise(fault.params));
    Object.assign(mailLimits, usualLimits);

    expect(first.errorCode).toBe(code === '–' ? null : code);
    expect(first.summary).toContain(journal);
    expect(JSON.stringify([...desk.rows.values()])).not.toContain(login.password);
    const waiting = [...desk.rows.values()].some(({ status }) => status === 'retrying' || status === 'queued');
    expect(waiting ? 'yes' : 'no').toBe(again);

    await mend();
    for (const key of [...desk.rows.keys()]) {
      if (key.startsWith('alarm-0')) continue;
      desk.retryByHand(key);
      await desk.attempt(key);
    }
    expect(desk.rows.get(KEY)!.status).toBe(then);
    const arrived = offices.flatMap(({ delivered }) => delivered);
    const ids = new Set(arrived.map(({ mail }) => mail.messageId));
    expect(ids.size).toBe(Number(mails));
    for (const receiver of fault.receivers ?? ['guard@example.com'])
      for (const id of ids)
        expect(arrived.filter(({ mail, to }) => mail.messageId === id && to.includes(receiver))).toHaveLength(1);
  });
});
