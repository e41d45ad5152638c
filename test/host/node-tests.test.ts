import { beforeEach, describe, expect, it } from 'vitest';
import type { ActionHandler, ActionRow, ActionRun } from '../../engine/domain/actions';
import { operationalError, userError } from '../../engine/domain/errors';
import { type Log, silentLog } from '../../engine/domain/log';
import type { AuditRow } from '../../engine/domain/record';
import { createNodeTests, type NodeTests } from '../../engine/host/node-tests';
import { sampleAlarm } from '../../engine/host/sample-alarm';
import type { ActionTest, OutputTest, TestOutcome } from '../../engine/index';
import { BenchSite, START } from '../outputs/bench-site';

const ID = 'box/relay/1';
const mail: ActionTest = {
  nodeId: 'mail',
  nodeName: 'Mail',
  kind: 'email',
  deviceId: null,
  params: { to: ['a@example.org'], snapshotDeviceId: 'yard' },
  who: 'anna',
};
const siren: OutputTest = { nodeId: 'relay-node', nodeName: 'Siren', deviceId: 'box', output: '1', who: 'anna' };

let site: BenchSite;
let rows: ActionRow[];
let audit: AuditRow[];
let runs: ActionRun[];
let bugs: string[];
let dry: boolean;
let work: (run: ActionRun) => Promise<{ status: 'done' | 'skipped'; summary: string }>;
let tests: NodeTests;
beforeEach(async () => {
  rows = [];
  audit = [];
  runs = [];
  bugs = [];
  dry = false;
  work = async () => ({ status: 'done', summary: 'mail to 1 receiver accepted' });
  site = new BenchSite();
  await site.start();
  site.box.commands.length = 0;
  const handler: ActionHandler = {
    kind: 'email',
    heavy: false,
    defaultDeadlineMs: 3_600_000,
    attempts: 5,
    check(params) {
      if (!params.to) throw userError('E_ACTION_PARAMS', 'Email: "to" is missing');
    },
    async execute(run) {
      runs.push(run);
      return work(run);
    },
    rehearse: () => 'would send a mail to 1 receiver',
  };
  const log: Log = { ...silentLog, error: (event) => void bugs.push(event) };
  tests = createNodeTests({
    handlers: [handler],
    get outputs() {
      return site.outputs;
    },
    writer: {
      async commit(writes) {
        rows.push(...(writes.actions ?? []));
        audit.push(...(writes.audit ?? []));
      },
    },
    siteIsDry: () => dry,
    outputIsDry: (id) => site.dry === null || site.dry.has(id),
    deviceName: (id) => (id === 'box' ? 'Relay box' : id),
    sample: (about) =>
      sampleAlarm({ ...about, siteName: 'Depot', triggers: [], devices: [{ id: 'yard', name: 'Yard' }] }),
    problemOf: (test) => ('output' in test && test.output === '9' ? '"Relay box" has no alarm output 9' : null),
    recorded: () => undefined,
    clock: site.clock,
    log,
  });
});

/** The outcome, with the clock turned until there is one. */
async function outcomeOf(test: Promise<TestOutcome>, turns = 80): Promise<TestOutcome> {
  let over = false;
  const ended = test.finally(() => {
    over = true;
  });
  ended.catch(() => undefined);
  for (let turn = 0; turn < turns && !over; turn++) await site.advance(500);
  return ended;
}

describe('the test of an action', () => {
  it('runs it once as a test, on a sample alarm that says in its texts that it is none', async () => {
    expect(await tests.testAction(mail)).toEqual({ ok: true, detail: 'mail to 1 receiver accepted', tookMs: 0 });
    expect(runs).toHaveLength(1);
    const { row, attempt, test } = runs[0]!;
    expect([attempt, test, row.alarmId, row.phase]).toEqual([1, true, null, 'raise']);
    expect(row.alarm).toMatchObject({ deviceId: 'yard', deviceName: 'Yard', phase: 'raise' });
    expect(row.alarm?.triggerName).toMatch(/^TEST /);
    expect(row.alarm?.event.description).toBe('TEST: anna pressed the test button of "Mail". There is no alarm.');
  });

  it('is on record under a key of its own, over as soon as it is written, with who pressed the button', async () => {
    await tests.testAction(mail);
    await tests.testAction(mail);
    expect(new Set(rows.map(({ key }) => key)).size).toBe(2);
    expect(rows[0]).toMatchObject({
      key: expect.stringMatching(/^test:mail:/),
      status: 'done',
      attempts: 1,
      summary: 'Test by anna: mail to 1 receiver accepted',
      finishedAt: START,
      durationMs: 0,
    });
    expect(audit[0]).toMatchObject({
      who: 'anna',
      action: 'action.test',
      subject: 'mail',
      detail: 'Test of "Mail" (email) worked in 0.0 s: mail to 1 receiver accepted',
    });
  });

  it('refuses what the form lacks without running it', async () => {
    const outcome = await tests.testAction({ ...mail, params: {} });
    expect(outcome).toMatchObject({ ok: false, detail: 'Email: "to" is missing' });
    expect([runs.length, rows[0]?.errorCode]).toEqual([0, 'E_ACTION_PARAMS']);
  });

  it.each([
    ['Centre is away. Check address and network; it is tried again', 'Centre is away. Check address and network'],
    ['It is full; it is tried again (507)', 'It is full (507)'],
    ['It cut the line; it is tried again under the same identity', 'It cut the line'],
    ['Login refused; it is tried again in 12 s. Check it', 'Login refused; it is tried again in 12 s. Check it'],
  ])('announces no next try, which it has not: %s', async (message, said) => {
    work = async () => {
      throw operationalError('E_MAIL_AWAY', message);
    };
    expect((await tests.testAction(mail)).detail).toBe(said);
  });

  it('is not tried again when it fails, and says why', async () => {
    work = async () => {
      throw operationalError('E_MAIL_AWAY', 'The mail server does not answer: is it switched on?');
    };
    expect(await tests.testAction(mail)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('does not answer'),
    });
    await site.advance(600_000);
    expect(runs).toHaveLength(1);
    expect(rows).toMatchObject([{ status: 'failed', errorCode: 'E_MAIL_AWAY' }]);
    expect(audit[0]?.detail).toContain('failed in');
  });

  it('reports a bug once, and to the person in words', async () => {
    work = async () => {
      throw new TypeError('x is undefined');
    };
    expect((await tests.testAction(mail)).ok).toBe(false);
    expect(bugs).toEqual(['action.test-bug']);
  });

  it.each([
    ['obeys its signal', true],
    ['does not', false],
  ])('ends at its time when what it runs %s', async (_how, obeys) => {
    work = ({ signal }) =>
      new Promise((_resolve, reject) => {
        if (obeys) signal.addEventListener('abort', () => reject(new Error('stopped')));
      });
    const outcome = await outcomeOf(tests.testAction(mail));
    expect(outcome).toMatchObject({ ok: false, detail: expect.stringContaining('not done within 30 s') });
    expect(outcome.tookMs).toBe(obeys ? 30_000 : 31_000);
    expect(rows[0]?.errorCode).toBe('E_TEST_TIMEOUT');
  });

  it.each([
    ['on a site that makes one', true, {}],
    ['with the box of its form checked', false, { dryRun: true }],
  ])('only says what it would do in a dry run %s', async (_where, siteIsDry, over) => {
    dry = siteIsDry;
    expect(await tests.testAction({ ...mail, ...over })).toMatchObject({
      ok: true,
      detail: 'Dry run: would send a mail to 1 receiver',
    });
    expect([runs.length, rows[0]?.status]).toEqual([0, 'skipped']);
  });

  it('is refused when it is asked for again and again, and taken again after a while', async () => {
    for (let i = 0; i < 20; i++) await tests.testAction(mail);
    await expect(tests.testAction(mail)).rejects.toMatchObject({ code: 'E_TOO_MANY_TESTS', family: 'user' });
    await site.advance(2_000);
    expect((await tests.testAction(mail)).ok).toBe(true);
  });

  it('of an action that this version does not have is refused', async () => {
    await expect(tests.testAction({ ...mail, kind: 'notify' })).rejects.toMatchObject({ code: 'E_UNKNOWN_ACTION' });
  });
});

describe('the test of an output', () => {
  const commands = () => site.box.commands.map(({ on, at }) => `${on ? 'on' : 'off'} ${at - START}`);

  it('holds it for three seconds and says that the device confirmed on and off', async () => {
    const outcome = await outcomeOf(tests.testOutput(siren));
    expect(outcome).toMatchObject({
      ok: true,
      detail: expect.stringContaining('Output 1 of "Relay box" confirmed on'),
    });
    expect(outcome.detail).toContain('and off after its 3 s');
    expect(commands()).toEqual(['on 0', 'off 3000']);
    expect(site.outputs.list()[0]?.leases).toEqual([]);
    expect(audit[0]).toMatchObject({ who: 'anna', action: 'output.test' });
  });

  it('needs no deployed node, and what it has held is gone with the next deploy', async () => {
    const outcome = await outcomeOf(tests.testOutput({ ...siren, nodeId: 'new', output: '2' }));
    expect(outcome.ok).toBe(true);
    await site.deploy([{ nodeId: 'relay-node', output: '1' }]);
    expect(site.outputs.list().map(({ id }) => id)).toEqual([ID]);
  });

  it('goes off also over a crash', async () => {
    const asked = tests.testOutput(siren);
    asked.catch(() => undefined);
    await site.advance(1_000);
    expect(site.on).toBe(true);
    await site.restart();
    await site.advance(5_000);
    expect(site.on).toBe(false);
  });

  it('says what the device answered when it does not confirm, and keeps setting it off', async () => {
    site.box.away = true;
    const outcome = await outcomeOf(tests.testOutput(siren));
    expect(outcome).toMatchObject({ ok: false, detail: expect.stringContaining('did not confirm on: box is offline') });
    site.box.away = false;
    await site.advance(2_000);
    expect(site.on).toBe(false);
  });

  it('says that the device reports another state than it was set to', async () => {
    site.box.stuck = true;
    expect((await outcomeOf(tests.testOutput(siren))).detail).toContain('the device reports it off');
  });

  it('calls the buzzer of the console by its name', async () => {
    await site.raise('a', { afterClearMs: null });
    const { detail } = await outcomeOf(
      tests.testOutput({ ...siren, deviceId: 'local-console', kind: 'siren', output: 'buzzer' }),
    );
    expect(detail).toMatch(/^The buzzer of "/);
  });

  it('leaves an output alone that is held for an alarm, or set by hand', async () => {
    await site.raise('a', { afterClearMs: null });
    site.box.commands.length = 0;
    expect(await tests.testOutput(siren)).toMatchObject({
      ok: false,
      tried: false,
      detail: expect.stringContaining('is on already, for 1 alarm: nothing'),
    });
    expect(audit[0]?.detail).toMatch(/was not made: .* is on already/);
    await site.outputs.setMode(ID, 'off', 'otto');
    await site.settle();
    expect((await tests.testOutput(siren)).detail).toContain('set off by hand');
    expect(commands()).toEqual(['off 0']);
  });

  it('does not end an alarm that came meanwhile', async () => {
    const asked = outcomeOf(tests.testOutput(siren));
    await site.advance(1_000);
    await site.raise('a', { afterClearMs: null });
    expect((await asked).detail).toContain('stays on for an alarm that came meanwhile');
    expect(site.on).toBe(true);
  });

  it('only says what it would do in a dry run', async () => {
    const would = { ok: true, detail: 'Dry run: would hold Output 1 of "Relay box" for 3 s' };
    expect(await tests.testOutput({ ...siren, dryRun: true })).toMatchObject(would);
    dry = true;
    expect(await tests.testOutput(siren)).toMatchObject(would);
    expect(commands()).toEqual([]);
  });

  it('does not claim that an output was on which the deployed flow only pretends to drive', async () => {
    site.dry = new Set([ID]);
    expect(await tests.testOutput(siren)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('deploy it without'),
    });
  });

  it('adds what is known against the device', async () => {
    site.box.away = true;
    const outcome = await outcomeOf(tests.testOutput({ ...siren, output: '9' }));
    expect(outcome.detail).toContain('"Relay box" has no alarm output 9');
  });
});
