import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { errorsOf, type FlowNode, flowNode, live, nights, office, run, sink, tab, warningsOf } from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(() => {
  engine = new FakeFlowEngine();
});
afterEach(async () => {
  await helper.unload();
});

const email = (config: Record<string, unknown> = {}) =>
  flowNode('email', { name: 'Guard', server: 'office', to: 'guard@example.org', version: 2, ...config });
const asked = async (config: Record<string, unknown>, nodes: FlowNode[] = []) => {
  await run([tab, office, ...nodes, email(config), sink], engine);
  live('node').receive({ _msgid: 'm1', payload: true });
  await expect.poll(() => engine.actionRequests.length, { timeout: 15_000 }).toBe(1);
  return engine.actionRequests[0]!.params;
};

describe('the email node', () => {
  it('mails further receivers of each kind, always or by a schedule', async () => {
    const more = [
      { kind: 'cc', addresses: 'boss@example.org; deputy@example.org', schedule: '' },
      { kind: 'bcc', addresses: 'night@example.org', schedule: 'nights' },
    ];
    expect(await asked({ to: '', more, schedules: ['nights'] }, [nights])).toMatchObject({
      to: [],
      more: [
        { kind: 'cc', addresses: ['boss@example.org', 'deputy@example.org'], scheduleId: null },
        { kind: 'bcc', addresses: ['night@example.org'], scheduleId: 'nights' },
      ],
    });
  });

  it('mails nobody by a schedule that is gone, says so, and still mails the others', async () => {
    const more = [{ kind: 'to', addresses: 'night@example.org', schedule: 'gone' }];
    expect(await asked({ more })).toMatchObject({ more: [{ scheduleId: 'gone' }] });
    expect(warningsOf('node')).toEqual([expect.stringContaining('schedule that is gone or disabled (gone)')]);
  });

  it('asks for three pictures and a clip', async () => {
    expect(await asked({ picture: 'three', clip: '5' })).toMatchObject({ picture: 'three', clip: 5 });
  });

  it('asks for links where they are ticked', async () => {
    expect(await asked({ links: true })).toMatchObject({ links: true });
  });

  it('of version 1 asks for what it always did', async () => {
    expect(await asked({ version: 1, picture: 'none' })).toMatchObject({
      to: ['guard@example.org'],
      more: [],
      picture: 'none',
      clip: 0,
    });
  });

  it.each([
    [{ more: 'a@example.org' }, 'field "Further receivers" is "a@example.org"'],
    [{ more: [{ kind: 'from', addresses: 'a@example.org' }] }, 'one of to, cc, bcc'],
    [{ more: [{ kind: 'to', addresses: 'x' }] }, 'mail addresses'],
    [{ more: [{ kind: 'to', addresses: ' , ' }] }, '1 to 50'],
    [{ more: [{ kind: 'to', addresses: 'a@example.org', schedule: 7 }] }, 'a schedule, or none'],
    [{ more: ['x'] }, 'a row'],
    [{ clip: '4' }, 'field "Clip" is "4"'],
    [{ picture: 'two' }, 'field "Attach" is "two"'],
  ])('refuses %j', async (config, words) => {
    await run([tab, office, email(config), sink], engine);
    expect(errorsOf('node')[0]).toContain(words);
  });
});

describe('the mail server node', () => {
  it('defines a health mail and the largest mail', async () => {
    const config = {
      ...office,
      version: 2,
      largest: '25',
      healthEvery: '60',
      healthTo: 'a@example.org, b@example.org',
    };
    await run([tab, config], engine);
    expect(engine.mailServers.get('office')).toMatchObject({
      mostBytes: 25 * 1024 * 1024,
      health: { everyMs: 3_600_000, to: ['a@example.org', 'b@example.org'] },
    });
  });

  it.each([
    [{ healthEvery: 29 }, 'from 30 to 1440 minutes'],
    [{ healthEvery: 1441 }, 'field "Health mail" is 1441'],
    [{ healthEvery: 60, healthTo: '' }, 'field "Health mail to" is ""'],
    [{ largest: 0 }, 'field "Largest mail" is 0'],
  ])('refuses %j', async (config, words) => {
    await run([tab, { ...office, version: 2, ...config }], engine);
    expect(errorsOf('office')[0]).toContain(words);
  });
});

describe('a mail server that logs in by token', () => {
  const byToken = {
    ...office,
    version: 3,
    login: 'token',
    tokenUrl: 'https://login.example.org/t/token',
    clientId: 'app-1',
    scope: 'mail.send',
  };
  const secrets = { user: 'alarm@example.org', password: 'of before', clientSecret: 'app secret'.replace(' ', '-') };
  const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';

  it.each([
    ['client-credentials', {}, { clientSecret: 'app-secret' }],
    ['refresh-token', { refreshToken: 'r-1' }, { clientSecret: 'app-secret', refreshToken: 'r-1' }],
    ['refresh-token', { refreshToken: 'r-1', clientSecret: '' }, { clientSecret: '', refreshToken: 'r-1' }],
    ['service-account', { privateKey: key }, { privateKey: key }],
  ])('by %s is defined, without the password of before', async (grant, more, own) => {
    await run([tab, { ...byToken, grant }], engine, { office: { ...secrets, ...more } });
    expect(engine.mailServers.get('office')).toMatchObject({
      credentials: null,
      oauth: {
        ...{ grant, user: 'alarm@example.org', tokenUrl: byToken.tokenUrl, clientId: 'app-1', scope: 'mail.send' },
        ...own,
      },
    });
  });

  it.each([
    [{ security: 'none' }, {}, 'in clear the token'],
    [{ tokenUrl: 'http://login.example.org/token' }, {}, 'by https'],
    [{ tokenUrl: 'https://user:pass@login.example.org/' }, {}, 'field "Token URL" is "•••"'],
    [{ tokenUrl: '' }, {}, 'field "Token URL" is ""'],
    [{ clientId: '' }, {}, 'field "Client id" is ""'],
    [{}, { clientSecret: '' }, 'field "Client secret"'],
    [{}, { user: '' }, 'field "User"'],
    [{ grant: 'refresh-token' }, {}, 'field "Refresh token"'],
    [{ grant: 'service-account' }, {}, 'field "Private key"'],
    [{ grant: 'service-account' }, { privateKey: 'what' }, 'a private key in PEM'],
    [{ login: 'none' }, {}, 'field "Login" is "none"'],
    [{ fingerprint: 'aa:bb' }, {}, 'field "Fingerprint"'],
    [{ authority: 'what' }, {}, 'field "Own authority"'],
  ])('with %j and %j is refused in words', async (config, secret, words) => {
    await run([tab, { ...byToken, ...config }], engine, { office: { ...secrets, ...secret } });
    expect(errorsOf('office')[0]).toContain(words);
    expect(errorsOf('office')[0]).not.toMatch(/app-secret|pass@/);
  });

  it('that was set up before there were tokens goes on by password', async () => {
    await run([tab, { ...office, version: 2 }], engine, { office: { user: 'alarm', password: 'p' } });
    const server = engine.mailServers.get('office')!;
    expect([server.credentials, server.oauth]).toEqual([{ user: 'alarm', password: 'p' }, undefined]);
  });
});

describe('the preview', () => {
  const preview = (body: object) => helper.request().post('/alarmflow/nodes/alarmflow-email/preview').send(body);

  it('asks for the mail of the open dialog, whose server and receivers need not be there', async () => {
    await run([tab], engine);
    const sent = { id: 'node', name: 'Guard', subject: 'Look', clip: '3', phase: 'clear', triggers: ['t1', 't2'] };
    const { status, body } = await preview(sent);
    expect([status, body.subject]).toEqual([200, 'Subject']);
    expect(engine.callsOf('previewMail')).toEqual([
      [
        expect.objectContaining({
          nodeId: 'node',
          nodeName: 'Guard',
          phase: 'clear',
          triggerIds: ['t1', 't2'],
          params: expect.objectContaining({ subject: 'Look', clip: 3 }),
        }),
      ],
    ]);
  });

  it.each([
    [{ phase: 'dawn' }, 'field "Preview" is "dawn"'],
    [{ phase: 'raise', subject: 'x'.repeat(501) }, 'at most 500'],
    [{ phase: 'raise', triggers: [{}] }, 'a list of texts'],
  ])('refuses %j in words', async (sent, words) => {
    await run([tab], engine);
    const { status, body } = await preview(sent);
    expect(status).toBe(400);
    expect((body.error as { message: string }).message).toContain(words);
  });
});
