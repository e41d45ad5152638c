import { expect, it } from 'vitest';
import type { AlarmFlood } from '../../engine/domain/flood';
import { ActionsBench } from '../support/actions-bench';

const mark = (fields: Partial<AlarmFlood> = {}): AlarmFlood => ({
  area: 'Hall',
  raises: 12,
  firstOut: false,
  grouped: true,
  ...fields,
});

function flooded(bench: ActionsBench, flood: AlarmFlood, floodNotice?: number) {
  const request = bench.request('a', 'raise');
  const alarm = { ...request.alarm!, flood, ...(floodNotice === undefined ? {} : { floodNotice }) };
  return { ...request, alarm, messageId: floodNotice === undefined ? 'a:raise' : `a:flood:${floodNotice}` };
}

it('the notice of a grouped alarm is not sent, and is on record with its reason', async () => {
  const bench = new ActionsBench();
  expect(await bench.flow.requestAction(flooded(bench, mark()))).toEqual({ key: 'a:mail:raise', accepted: false });
  expect(bench.actions.get('a:mail:raise')).toMatchObject({
    status: 'skipped',
    summary: 'Not done: a flood of alarms in Hall: one notice stands for them',
  });
  expect(bench.submitted).toEqual([]);
});

it('the one that stands for them is sent, beside the row of the alarm itself', async () => {
  const bench = new ActionsBench();
  await bench.flow.requestAction(flooded(bench, mark()));
  const notice = flooded(bench, mark({ grouped: false, raises: 5 }), bench.clock.now());
  expect((await bench.flow.requestAction(notice)).accepted).toBe(true);
  expect((await bench.flow.requestAction(notice)).key).toBe(`a:mail:raise:a:flood:${bench.clock.now()}`);
  expect(new Set(bench.submitted.map(({ key }) => key)).size).toBe(1);
});

it('the alarm that begins a flood speaks for itself', async () => {
  const bench = new ActionsBench();
  expect((await bench.flow.requestAction(flooded(bench, mark({ grouped: false })))).accepted).toBe(true);
});
