/** Runs the fault table of docs/actions/notify.md against a real HTTP server. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionResult } from '../../engine/domain/actions';
import { type AlarmCentre, usualStatuses } from '../../engine/domain/alarm-centre';
import { asAlarmflowError } from '../../engine/domain/errors';
import { ActionBench, anAlarm, aRow } from '../actions/action-bench';
import { type AlarmCentreServer, startAlarmCentre, takes } from '../support/alarm-centre-server';
import { tablesIn } from '../support/doc-tables';
import { freePort } from '../support/free-port';
import { anAuthority, selfSigned } from '../support/smtp-certificate';

const table = tablesIn(readFileSync(join(__dirname, '../../docs/actions/notify.md'), 'utf8')).find(
  ({ section }) => section === 'Faults',
)!;

const SECRET = 'never told';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const certificate = selfSigned();
const authority = anAuthority();
const noTls: AlarmCentre['tls'] = { authority: '', fingerprint: '', certificate: '', key: '', passphrase: '' };
const pinOf = (pem: string): string => new X509Certificate(pem).fingerprint256;

const aCentre = (url: string, fields: Partial<AlarmCentre> = {}): AlarmCentre => ({
  id: 'centre',
  name: 'City',
  url,
  method: 'POST',
  login: { kind: 'none' },
  tls: noTls,
  accepted: usualStatuses,
  mustHold: '',
  mustNotHold: '',
  timeoutMs: 15_000,
  sign: 'json',
  ...fields,
});

async function centre(tls?: Parameters<typeof startAlarmCentre>[0]): Promise<AlarmCentreServer> {
  const server = await startAlarmCentre(tls);
  closers.push(() => server.close());
  return server;
}

const at = (server: { port: number }, fields: Partial<AlarmCentre> = {}): AlarmCentre =>
  aCentre(`http://127.0.0.1:${server.port}/alarms`, fields);
const secureAt = (server: { port: number }, fields: Partial<AlarmCentre> = {}): AlarmCentre =>
  aCentre(`https://127.0.0.1:${server.port}/alarms`, fields);

/** What a row of the table needs. */
interface Scene {
  /** The centre while the fault is there; undefined: it is gone. */
  broken: AlarmCentre | undefined;
  /** Takes the fault away; the centre as it is then. */
  mend(): AlarmCentre | undefined | Promise<AlarmCentre>;
  server: AlarmCentreServer | null;
  /** Another notice goes before the one that the row is about. */
  ahead?: true;
  /** The plan is closed. */
  closed?: true;
  /** Servers that must have heard nothing. */
  untold?: AlarmCentreServer;
  /** Milliseconds that the next try has to wait at least. */
  waits?: number;
}

type Answer = AlarmCentreServer['answer'];

/** A server that answers as told until it is mended. */
async function answering(
  answer: Answer,
  fields: Partial<AlarmCentre> = {},
  mended: Partial<AlarmCentre> = {},
): Promise<Scene> {
  const server = await centre();
  server.answer = answer;
  return {
    server,
    broken: at(server, fields),
    mend() {
      server.answer = (_notice, response) => {
        response.end('accepted');
        return true;
      };
      return at(server, { ...fields, ...mended });
    },
  };
}

const status = (code: number, headers: Record<string, string> = {}): Promise<Scene> =>
  answering((_notice, response) => {
    response.writeHead(code, headers).end('<p>no</p>');
    return false;
  });

/** Lets in who proves a password by the scheme. */
const guarded =
  (challenge: string, knows: (header: string) => boolean): Answer =>
  (notice, response) => {
    if (knows(notice.headers.authorization ?? '')) return takes(notice, response);
    response
      .writeHead(401, { 'www-authenticate': challenge })
      .end(`who is ${notice.headers.authorization ?? 'there'}?`);
    return false;
  };
const basic = `Basic ${Buffer.from(`guard:${SECRET}`).toString('base64')}`;
const login = (kind: 'basic' | 'digest', password: string): Partial<AlarmCentre> => ({
  login: { kind, user: 'guard', password },
});

/** Refuses a wrong password, then is given the right one. */
async function guardedScene(
  challenge: string,
  knows: (header: string) => boolean,
  kind: 'basic' | 'digest',
): Promise<Scene> {
  const server = await centre();
  server.answer = guarded(challenge, knows);
  return { server, broken: at(server, login(kind, 'wrong secret')), mend: () => at(server, login('basic', SECRET)) };
}

async function tlsScene(
  presented: { key: string; cert: string },
  broken: Partial<AlarmCentre>,
  mended: Partial<AlarmCentre>,
  more: Parameters<typeof startAlarmCentre>[0] = {},
): Promise<Scene> {
  const server = await centre({ ...presented, ...more });
  return { server, broken: secureAt(server, broken), mend: () => secureAt(server, mended) };
}

const scenes: Record<string, () => Promise<Scene>> = {
  async 'centre away'() {
    const server = await centre();
    return { server, broken: aCentre(`http://127.0.0.1:${await freePort()}/`), mend: () => at(server) };
  },
  async 'name unknown'() {
    const server = await centre();
    return { server, broken: aCentre('http://nowhere..invalid/'), mend: () => at(server) };
  },
  'answer that never comes': () => answering(() => false, { timeoutMs: 1_000 }, { timeoutMs: 15_000 }),
  'closes without an answer': () =>
    answering((_notice, response) => {
      response.socket?.destroy();
      return false;
    }),
  'took it, closed before its answer': () =>
    answering((_notice, response) => {
      response.socket?.destroy();
      return true;
    }),
  'closes in the middle of an answer that counts': () =>
    answering(
      (_notice, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('half', () => response.socket?.destroy());
        return false;
      },
      { mustHold: 'accepted' },
    ),
  'answer that drips': () =>
    answering(
      (_notice, response) => {
        response.writeHead(200).write('a');
        const drip = setInterval(() => response.write('a'), 100);
        response.on('close', () => clearInterval(drip));
        return false;
      },
      { mustHold: 'accepted', timeoutMs: 1_000 },
      { timeoutMs: 15_000 },
    ),
  'answer without end': () =>
    answering(
      (_notice, response) => {
        response.writeHead(200);
        const pour = (): void => {
          while (!response.destroyed && response.write('x'.repeat(16_384)));
        };
        response.on('drain', pour);
        pour();
        return false;
      },
      { mustHold: 'accepted' },
    ),
  async 'no HTTP at that port'() {
    const server = await centre();
    const other = createServer((socket) =>
      socket
        .resume()
        .on('error', () => undefined)
        .end('220 mail.example.org ESMTP\r\n'),
    );
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    closers.push(() => new Promise((done) => other.close(done)));
    return { server, broken: at(other.address() as { port: number }), mend: () => at(server) };
  },
  'overloaded (503)': () => status(503),
  'its disk is full (507)': () => status(507),
  'too many requests (429), 30 s asked for': async () => ({
    ...(await status(429, { 'retry-after': '30' })),
    waits: 30_000,
  }),
  'too early (425)': () => status(425),
  'request timed out there (408)': () => status(408),
  'body refused (400)': () => status(400),
  'no such path (404)': () => status(404),
  'error hidden in a 200': () =>
    answering(
      (_notice, response) => {
        response.end('{"status":"error"}');
        return false;
      },
      { mustNotHold: 'error' },
    ),
  async 'redirect to another host'() {
    const other = await centre();
    const scene = await answering(
      (_notice, response) => {
        response.writeHead(307, { location: `http://localhost:${other.port}/?token=${SECRET}` }).end();
        return false;
      },
      login('basic', SECRET),
    );
    return { ...scene, untold: other };
  },
  'login refused (Basic)': () => guardedScene('Basic realm="x"', (header) => header === basic, 'basic'),
  async 'login refused (Digest)'() {
    const scene = await guardedScene('Digest realm="x", nonce="n", qop="auth"', () => false, 'digest');
    return {
      ...scene,
      mend() {
        scene.server!.answer = guarded('Digest realm="x", nonce="n", qop="auth"', (header) =>
          /^Digest username="guard", realm="x", nonce="n", uri="\/alarms", qop=auth/.test(header),
        );
        return at(scene.server!, login('digest', SECRET));
      },
    };
  },
  'Basic asked for, Digest chosen': () => guardedScene('Basic realm="x"', (header) => header === basic, 'digest'),
  async 'login refused, second notice'() {
    const scene = await guardedScene('Basic realm="x"', (header) => header === basic, 'basic');
    return { ...scene, ahead: true };
  },
  'no right to do that (403)': () => status(403),
  'certificate of nobody': () =>
    tlsScene(certificate!, {}, { tls: { ...noTls, fingerprint: pinOf(certificate!.cert) } }),
  'certificate expired': () => {
    const old = authority!.issue('127.0.0.1', -1);
    const tls = { ...noTls, authority: authority!.cert };
    return tlsScene(old, { tls }, { tls: { ...noTls, fingerprint: pinOf(old.cert) } });
  },
  'certificate of another host': () => {
    const other = authority!.issue('centre.example.org', 1);
    const tls = { ...noTls, authority: authority!.cert };
    return tlsScene(other, { tls }, { tls: { ...noTls, fingerprint: pinOf(other.cert) } });
  },
  'another certificate than the pinned one': () =>
    tlsScene(
      certificate!,
      { tls: { ...noTls, fingerprint: Array(32).fill('AB').join(':') } },
      { tls: { ...noTls, authority: certificate!.cert } },
    ),
  'client certificate wanted, none given': () => {
    const own = authority!.issue('127.0.0.1', 1);
    const client = authority!.issue('depot.example.org', 1);
    const tls = { ...noTls, authority: authority!.cert };
    return tlsScene(
      own,
      { tls },
      { tls: { ...tls, certificate: client.cert, key: client.key } },
      { ca: authority!.cert, requestCert: true, rejectUnauthorized: true },
    );
  },
  async 'no TLS at that port'() {
    const server = await centre();
    return { server, broken: secureAt(server), mend: () => at(server) };
  },
  async 'TLS wanted, http chosen'() {
    const server = await centre(certificate!);
    const tls = { ...noTls, fingerprint: pinOf(certificate!.cert) };
    return { server, broken: at(server), mend: () => secureAt(server, { tls }) };
  },
  async 'outside of the report plan'() {
    const server = await centre();
    return { server, broken: at(server), mend: () => at(server), closed: true };
  },
  async 'centre deleted from the flow'() {
    const server = await centre();
    return { server, broken: undefined, mend: () => at(server) };
  },
};

const aNotice = (key: string) =>
  aRow(
    'notify',
    {
      centreId: 'centre',
      phases: ['raise'],
      format: 'json',
      body: '',
      path: '',
      contentType: '',
      scheduleId: 'plan',
      senderAddress: '',
      senderMac: '',
    },
    { key, alarm: { ...anAlarm(), phase: 'raise' }, deadlineAt: systemClock.now() + 86_400_000 },
  );

describe('docs/actions/notify.md', () => {
  it('has a scene for each fault, and no other', () => {
    expect(table.rows.map(([fault]) => fault)).toEqual(Object.keys(scenes));
  });

  for (const [fault, code, again, journal, then, taken] of table.rows) {
    const needs = /[Cc]ertificate|TLS wanted/.test(fault!) && certificate === null;
    it.skipIf(needs)(`${fault}: ${code}`, { timeout: 60_000 }, async () => {
      const scene = await scenes[fault!]!();
      const bench = new ActionBench();
      bench.schedule = () => ({ armed: scene.closed !== true, detail: 'schedule "Day" is not armed until 08:00' });
      bench.alarmCentre = scene.broken;
      const tried = async (
        key: string,
      ): Promise<{ result?: ActionResult; error?: ReturnType<typeof asAlarmflowError> }> => {
        try {
          return { result: await bench.run(aNotice(key)) };
        } catch (thrown) {
          return { error: asAlarmflowError(thrown) };
        }
      };
      if (scene.ahead) await tried('ahead');
      const first = await tried('alarm-1:node-1:raise');
      expect(first.error?.code ?? '–').toBe(code);
      expect(first.error?.family === 'operational' ? 'yes' : 'no').toBe(again);
      const words = first.error?.message ?? first.result?.summary ?? '';
      expect(words).toContain(journal);
      expect(words).not.toContain(SECRET);
      expect(words).not.toContain('wrong secret');
      if (scene.waits) expect(first.error?.retryAfterMs).toBe(scene.waits);
      expect(scene.untold?.asked ?? []).toEqual([]);

      bench.alarmCentre = await scene.mend();
      const second = await tried('alarm-1:node-1:raise');
      expect(second.error?.message ?? second.result?.status).toBe(then);
      expect(scene.server?.taken.size).toBe(Number(taken));
    });
  }
});
