import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { operationalError, userError } from '../../engine/domain/errors';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { nodeFolders } from './editor-sandbox';
import { flowNode, hall, office, run, tab } from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(async () => {
  engine = new FakeFlowEngine();
  await run([tab, hall, office], engine, {});
});
afterEach(async () => {
  await helper.unload();
});

const ask = (type: string, what: string, body: object) =>
  helper.request().post(`/alarmflow/nodes/alarmflow-${type}/${what}`).send(body);
const receive = (id: string) => (helper.getNode(id) as { receive(message: object): void }).receive({ payload: true });
const errorOf = (body: Record<string, unknown>) => body.error as { code: string; message: string };
const relay = { id: 'new', name: 'Siren', device: 'hall', output: '2', version: 1 };
const shot = { id: 'new', name: 'Shot', device: 'hall', channel: 3, version: 1 };
const mail = { id: 'new', name: '', server: 'office', to: 'guard@example.org', version: 1 };

const actionNodes = nodeFolders.filter(({ folder }) => /nodes\/actions\//.test(folder));

describe.each(actionNodes)('$type', ({ type, html }) => {
  it('has the dialog part and both routes of the test button', async () => {
    expect(html).toContain('<div data-alarmflow-part="test"></div>');
    for (const what of ['test', 'check']) {
      const { status } = await helper.request().post(`/alarmflow/nodes/${type}/${what}`).send({ id: '../x' });
      expect(status).not.toBe(404);
    }
  });
});

describe('the test button of a node', () => {
  it('tries an action with what the form holds, before anything of it is deployed', async () => {
    const { status, body } = await ask('snapshot', 'test', shot);
    expect([status, body]).toEqual([200, engine.testOutcome]);
    expect(engine.callsOf('testAction')).toEqual([
      [{ nodeId: 'new', nodeName: 'Shot', kind: 'snapshot', deviceId: 'hall', params: expect.objectContaining({}) }],
    ]);
  });

  it('passes on that the form makes a dry run', async () => {
    await ask('snapshot', 'test', { ...shot, dryRun: true });
    await ask('relay-out', 'test', { ...relay, dryRun: true });
    expect([engine.callsOf('testAction')[0]![0], engine.callsOf('testOutput')[0]![0]]).toMatchObject([
      { dryRun: true },
      { dryRun: true },
    ]);
  });

  it('holds the output that the form names', async () => {
    await ask('relay-out', 'test', relay);
    expect(engine.callsOf('testOutput')).toEqual([
      [{ nodeId: 'new', nodeName: 'Siren', deviceId: 'hall', output: '2' }],
    ]);
  });

  it('says to deploy first what is not deployed yet', async () => {
    const { status, body } = await ask('email', 'test', { ...mail, server: 'fresh' });
    expect(status).toBe(400);
    expect(errorOf(body)).toMatchObject({ code: 'E_NOT_DEPLOYED', message: expect.stringContaining('deploy first') });
    expect(engine.callsOf('testAction')).toEqual([]);
  });

  it('names a new node by its kind, and says to choose what it lacks', async () => {
    const { body } = await ask('email', 'test', { ...mail, server: '' });
    expect(errorOf(body).message).toBe('Email: field "Mail server" is empty; choose one and try again');
  });

  it('names the field that is wrong', async () => {
    const { status, body } = await ask('relay-out', 'test', { ...relay, output: '' });
    expect([status, errorOf(body).message]).toEqual([400, expect.stringContaining('field "Output"')]);
  });

  it('answers with a refusal of the engine as an outcome, and with its failure as one', async () => {
    engine.failures.set('testAction', userError('E_TOO_MANY_TESTS', 'wait 2 s'));
    expect((await ask('snapshot', 'test', shot)).body).toEqual({ ok: false, detail: 'wait 2 s', tookMs: 0 });
    engine.failures.set('testAction', operationalError('E_RECORD_WRITE', 'disk full'));
    const { status, body } = await ask('snapshot', 'test', shot);
    expect([status, errorOf(body).code]).toEqual([500, 'E_RECORD_WRITE']);
  });

  it.each([
    ['one that was not made is none that failed', ['held', 'ok'], { ok: false, tried: false, detail: 'held\nok' }],
    ['one that failed counts most', ['held', 'failed'], { ok: false, detail: 'failed\nheld' }],
  ])('of several outputs: %s', async (_what, said, joined) => {
    const outcomes = said.map((detail) => ({
      ok: detail === 'ok',
      detail,
      tookMs: 0,
      ...(detail === 'held' ? { tried: false as const } : {}),
    }));
    engine.testOutput = async () => outcomes.shift()!;
    expect((await ask('record', 'test', { ...shot, channel: '1, 2', where: 'device' })).body).toEqual({
      ...joined,
      tookMs: 0,
    });
  });

  it('takes JSON alone, so that no foreign page can press it', async () => {
    const { status } = await helper
      .request()
      .post('/alarmflow/nodes/alarmflow-snapshot/test')
      .set('content-type', 'application/x-www-form-urlencoded')
      .send('id=new&device=hall');
    expect(status).toBe(400);
    expect(engine.callsOf('testAction')).toEqual([]);
  });
});

describe('the check of a node', () => {
  it('tells what is known against the device, once', async () => {
    engine.problem = '"Hall camera" has no channel 3';
    expect((await ask('snapshot', 'check', shot)).body).toEqual({ problems: [engine.problem] });
    engine.problem = null;
    expect((await ask('relay-out', 'check', relay)).body).toEqual({ problems: [] });
  });
});

describe('a node with the box "Dry run"', () => {
  it('says so with all that it asks of the engine', async () => {
    await helper.unload();
    await run(
      [
        tab,
        hall,
        flowNode('relay-out', { device: 'hall', output: '1', dryRun: true, wires: [] }),
        flowNode('snapshot', { id: 'shot', device: 'hall', dryRun: true, wires: [] }),
      ],
      engine,
      {},
    );
    receive('node');
    receive('shot');
    await expect.poll(() => engine.outputRequests.length + engine.actionRequests.length, { timeout: 15_000 }).toBe(2);
    expect(engine.outputs.get('node')).toMatchObject({ dryRun: true });
    expect([engine.outputRequests[0], engine.actionRequests[0]]).toMatchObject([{ dryRun: true }, { dryRun: true }]);
  });

  it('that is left out of a flow file acts', async () => {
    await helper.unload();
    await run([tab, hall, flowNode('snapshot', { id: 'shot', device: 'hall', wires: [] })], engine, {});
    receive('shot');
    await expect.poll(() => engine.actionRequests.length, { timeout: 15_000 }).toBe(1);
    expect(engine.actionRequests[0]).not.toHaveProperty('dryRun');
  });
});
