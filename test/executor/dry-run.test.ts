import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ActionParts, createActionHandlers } from '../../engine/actions';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionHandler } from '../../engine/domain/actions';
import { userError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import { DRY_PARAM, withDryRun } from '../../engine/executor';
import { withoutStoppedSteps } from '../../engine/host/escalation-steps';
import { actionRow } from '../support/action-rows';

/** What handlers asked of the world, but for what only looks something up. */
const touched: string[] = [];
const lookups =
  /^(mailServer|fileServer|snmpReceiver|alarmCentre|mqttBroker|devices\.device|schedule|.*\.(with|addSecret))$/;

/** Whatever is asked of it: noted, and refused. */
const world = (path: string): unknown =>
  new Proxy(() => undefined, {
    get: (_target, name) =>
      typeof name === 'symbol' || name === 'then' ? undefined : world(path ? `${path}.${name}` : name),
    apply() {
      if (!lookups.test(path)) touched.push(path);
      throw userError('E_TOUCHED', `${path} was asked`);
    },
  });

const given: Record<string, unknown> = { clock: systemClock, log: silentLog, siteName: 'Depot' };
const parts = new Proxy(given, {
  get: (target, name) => (typeof name === 'symbol' ? undefined : (target[name] ?? world(name))),
}) as unknown as ActionParts;
const handlers = createActionHandlers(parts);
const run = (handler: ActionHandler, params: Record<string, unknown>) =>
  handler.execute({
    row: actionRow('key', { kind: handler.kind, params, nodeName: 'Siren mail', deviceId: 'cam' }),
    attempt: 1,
    signal: new AbortController().signal,
  });

const neverStopped = { alarm: () => undefined, escalationStopped: () => null };

beforeEach(() => {
  touched.length = 0;
});

describe.each(handlers.map((handler) => [handler.kind, handler] as const))('the action %s', (kind, handler) => {
  it.each([
    ['of the site', true, {}],
    ['of its node', false, { [DRY_PARAM]: true }],
  ])('does nothing in a dry run %s, and says what it would have done', async (_whose, siteIsDry, params) => {
    const [dry] = withDryRun([handler], () => siteIsDry);
    const { status, summary } = await run(dry!, params);
    expect(touched).toEqual([]);
    expect(status).toBe('skipped');
    expect(summary).toMatch(/^Dry run(: would |, nothing done: )/);
  });

  it('keeps its limits and all that it tells of itself behind what is put before it', () => {
    const [dry] = withDryRun([handler], () => true);
    const { heavy, defaultDeadlineMs, attempts } = handler;
    expect(dry).toMatchObject({ kind, heavy, defaultDeadlineMs, attempts });
    const [step] = withoutStoppedSteps([handler], { alarms: neverStopped, recorded: async () => null });
    for (const wrapped of [dry!, step!]) expect(Object.keys(wrapped).sort()).toEqual(Object.keys(handler).sort());
  });
});

describe('a dry run', () => {
  let done: string[];
  const real: ActionHandler = {
    kind: 'log',
    heavy: false,
    defaultDeadlineMs: 1,
    attempts: 1,
    check: () => undefined,
    async execute({ row }) {
      done.push(row.key);
      return { status: 'done', summary: 'written' };
    },
  };
  beforeEach(() => {
    done = [];
  });

  it('is asked for before each attempt', async () => {
    let dry = true;
    const [handler] = withDryRun([real], () => dry);
    expect((await run(handler!, {})).status).toBe('skipped');
    dry = false;
    expect((await run(handler!, {})).status).toBe('done');
    expect(done).toEqual(['key']);
  });

  it('of an action that tells nothing of itself names kind and node', async () => {
    const [handler] = withDryRun([real], () => true);
    expect((await run(handler!, {})).summary).toBe('Dry run: would do the action "log" of node "Siren mail"');
  });

  it('tells what the action says that it would do', async () => {
    const [would, noun] = withDryRun(
      ['would send a mail to 2 receivers', 'mail to 2 receivers'].map((words) => ({ ...real, rehearse: () => words })),
      () => true,
    );
    expect((await run(would!, {})).summary).toBe('Dry run: would send a mail to 2 receivers');
    expect((await run(noun!, {})).summary).toBe('Dry run, nothing done: mail to 2 receivers');
  });

  it('tells why the action could not be done', async () => {
    const rehearse = (): string => {
      throw userError('E_NO_SERVER', 'Mail server "x" is gone: choose another');
    };
    const [handler] = withDryRun([{ ...real, rehearse }], () => true);
    expect((await run(handler!, {})).summary).toContain('Mail server "x" is gone');
  });

  it('cannot be left out: the site hands its handlers to nobody but through it', () => {
    const site = readFileSync(join(__dirname, '../../engine/host/site.ts'), 'utf8');
    const [, name] = /const (\w+) = withoutStoppedSteps\(\s*createActionHandlers\(/.exec(site) ?? [];
    expect(site.match(/createActionHandlers\(/g)).toHaveLength(1);
    expect(site.match(new RegExp(`\\b${name}\\b`, 'g'))).toHaveLength(2);
    expect(site).toContain(`withDryRun(${name}, `);
  });
});
