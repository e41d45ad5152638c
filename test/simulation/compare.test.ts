import { describe, expect, it } from 'vitest';
import {
  compare,
  comparisonLines,
  comparisonSentence,
  type SimulatedAlarm,
  type SimulationResult,
} from '../../engine/simulation';

const alarm = (raisedAt: number, endedAt: number | null, more: Partial<SimulatedAlarm> = {}): SimulatedAlarm => ({
  alarm: 1,
  triggerId: 't',
  trigger: 'Fence',
  key: 'device=yard',
  device: 'Yard',
  type: 'motion',
  place: '',
  level: 'alarm',
  count: 1,
  raisedAt,
  clearedAt: endedAt,
  endedAt,
  endReason: endedAt === null ? null : 'cleared',
  ...more,
});

const result = (
  alarms: SimulatedAlarm[],
  on: { from: number; to: number | null }[] = [],
  actions: SimulationResult['actions'] = [],
): SimulationResult => ({
  summary: {
    from: 0,
    to: 0,
    events: 0,
    orders: 0,
    raised: 0,
    escalated: 0,
    reminded: 0,
    cleared: 0,
    ended: 0,
    merged: 0,
    refused: {},
    unheard: 0,
    actions: {},
    heldBack: {},
    outputs: on.length
      ? [
          {
            id: 'yard/relay/2',
            name: 'Relay 2',
            device: 'Yard',
            spans: on,
            onMs: on.reduce((sum, { from, to }) => sum + (to ?? 0) - from, 0),
          },
        ]
      : [],
    leftOut: [],
  },
  alarms,
  actions,
  warnings: [],
});

const mail = { at: 0, action: 'email', nodeId: 'm', node: 'Mail', phase: 'raise', alarm: 1, detail: '' } as const;

describe('a comparison of two simulations', () => {
  it('says that there is no difference where there is none', () => {
    const same = result([alarm(0, 10)], [{ from: 0, to: 10 }], [mail]);
    expect(comparisonSentence(compare(same, same))).toBe('no difference');
    expect(compare(same, same).same).toBe(1);
  });

  it('counts and lists what is more and what is less', () => {
    const before = result([alarm(0, 10), alarm(100, 110), alarm(200, 210)], [{ from: 0, to: 60_000 }], [mail, mail]);
    const after = result([alarm(100, 110), alarm(300, 310)], [{ from: 0, to: 19_000 }], [mail]);
    const difference = compare(before, after);
    expect(difference.more.map(({ raisedAt }) => raisedAt)).toEqual([300]);
    expect(difference.less.map(({ raisedAt }) => raisedAt)).toEqual([0, 200]);
    expect(comparisonSentence(difference)).toBe(
      '1 alarm more, 2 less, Relay 2 (Yard) on 41 s less, 1 email by "Mail" less',
    );
    expect(comparisonLines(difference)).toHaveLength(6);
  });

  it('takes a later raise of one condition for the same alarm, and other conditions for others', () => {
    const before = result([alarm(0, 100), alarm(0, 100, { key: 'device=hall' })]);
    const after = result([alarm(30, 100)]);
    expect(compare(before, after)).toMatchObject({
      moved: [{ before: { raisedAt: 0 }, after: { raisedAt: 30 } }],
      less: [{ key: 'device=hall' }],
      more: [],
    });
  });

  it('tells one long alarm that became two apart', () => {
    const before = result([alarm(0, 100)]);
    const after = result([alarm(0, 40), alarm(50, 100)]);
    expect(comparisonSentence(compare(before, after))).toBe('1 alarm more, 1 at other times');
    expect(comparisonSentence(compare(after, before))).toBe('1 alarm less, 1 at other times');
  });

  it('treats pre-alarm and alarm as one condition, and an alarm that never ends as one that goes on', () => {
    const before = result([alarm(0, null, { type: 'temperature-prealarm', level: 'pre-alarm' })]);
    const after = result([alarm(50, null, { type: 'temperature-alarm' })]);
    expect(compare(before, after)).toMatchObject({ more: [], less: [], moved: [{}] });
  });
});
