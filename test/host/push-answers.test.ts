import { beforeEach, describe, expect, it } from 'vitest';
import { pushPayload } from '../../engine/actions/push-payload';
import { readWebPushParams } from '../../engine/actions/web-push';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import type { Alarm } from '../../engine/domain/alarms';
import { operationalError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import { createPushAnswers, type PushAnswers, standingOf } from '../../engine/host/push-answers';
import { anAlarm, aRow, RAISED } from '../actions/action-bench';

const params = {
  phases: ['raise'],
  to: 'all',
  title: 'My title {{phaseText}}',
  text: '',
  picture: true,
  stays: true,
  silent: false,
  ttl: 3_600,
  urgency: 'high',
  links: true,
  heldBack: { count: 3, firstAt: 0, lastAt: 0, groups: [], others: 3 },
};
const ACKNOWLEDGED: Partial<Alarm> = { acknowledgedAt: RAISED + 5_000, acknowledgedBy: 'anna' };

let clock: VirtualClock;
let rows: Map<string, ActionRow>;
let submitted: string[];
let full: boolean;
let answers: PushAnswers;

function start(): void {
  answers = createPushAnswers({
    record: {
      action: async (key) => rows.get(key) ?? null,
      actions: async ({ alarmId }) => [...rows.values()].filter((row) => row.alarmId === alarmId),
      async commit({ actions = [] }) {
        if (full) throw operationalError('E_RECORD_WRITE', 'disk full');
        for (const row of actions) rows.set(row.key, row);
      },
    },
    submit: async (made) => void submitted.push(...made.map(({ key }) => key)),
    clock,
    log: silentLog,
  });
}
beforeEach(() => {
  clock = new VirtualClock(RAISED);
  rows = new Map();
  submitted = [];
  full = false;
  start();
});

function had(nodeId: string, fields: Partial<ActionRow> = {}): ActionRow {
  const { phase = 'raise' } = fields;
  const key = `alarm-1:${nodeId}:${phase}`;
  const row = aRow('web-push', params, { key, nodeId, status: 'done', requestedAt: RAISED, ...fields });
  rows.set(row.key, row);
  return row;
}
async function turn(change: Partial<Alarm> = ACKNOWLEDGED): Promise<void> {
  answers.alarmChanged(anAlarm(change));
  await clock.advance(0);
}

describe('an acknowledgement', () => {
  it('has each node that notified of the alarm close it once, with quiet last words under the same tag', async () => {
    const raise = had('phones');
    had('office');
    await turn({});
    expect(submitted).toEqual([]);
    await turn();
    await turn({ ...ACKNOWLEDGED, count: 2 });
    expect(submitted).toEqual(['phones', 'office'].map((id) => `alarm-1:${id}:acknowledged:${RAISED + 5_000}`));
    const made = rows.get(submitted[0]!)!;
    expect(made).toMatchObject({ status: 'queued', attempts: 0, nodeId: 'phones' });
    const close = pushPayload(readWebPushParams(made.params), made, 'Plant', false);
    const shown = pushPayload(readWebPushParams(raise.params), raise, 'Plant', false);
    expect(close).toMatchObject({
      kind: 'close',
      tag: shown.tag,
      title: 'Acknowledged by anna: Temperature alarm',
      silent: true,
    });
    expect(close.id).not.toBe(shown.id);
    expect(close.body).not.toContain('held back');
    expect(close).not.toHaveProperty('stays');
  });

  it('of a life before is seen to when the process starts, and not told again', async () => {
    had('phones');
    await answers.start([anAlarm(ACKNOWLEDGED), anAlarm({ id: 'other' })]);
    expect(submitted).toHaveLength(1);
    start();
    await answers.start([anAlarm(ACKNOWLEDGED)]);
    expect(submitted).toHaveLength(1);
  });

  it('that cannot be written down is seen to at the next change of its alarm', async () => {
    had('phones');
    full = true;
    await turn();
    expect(submitted).toEqual([]);
    full = false;
    await turn();
    expect(submitted).toHaveLength(1);
  });

  it('that ends the alarm closes what a node that tells of no end has shown', async () => {
    had('phones');
    await turn({ ...ACKNOWLEDGED, endedAt: RAISED + 5_000 });
    expect(submitted).toHaveLength(1);
  });
});

describe('what stands for an alarm', () => {
  it('is the newest notification of a node, also one that not everybody has got yet', () => {
    const first = had('phones', { status: 'failed' });
    const step = had('phones', { key: 'step', phase: 'escalate', requestedAt: RAISED + 1, status: 'retrying' });
    expect(standingOf([step, first])).toEqual([step]);
  });

  it.each([
    ['a clear has closed', [{}, { phase: 'clear', requestedAt: RAISED + 1 }]],
    ['was skipped in a dry run', [{ status: 'skipped' }]],
    ['came by mail', [{ kind: 'email' }]],
  ] as [string, Partial<ActionRow>[]][])('is not what %s', (_what, given) => {
    expect(standingOf(given.map((fields, at) => had('phones', { key: `k${at}`, ...fields })))).toEqual([]);
  });
});
