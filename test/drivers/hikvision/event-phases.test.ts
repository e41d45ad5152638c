import { describe, expect, it } from 'vitest';
import { type ConditionReport, createEventPhases } from '../../../engine/drivers/hikvision/event-phases';

type Step = [Partial<ConditionReport>, string];

const on = (at: number, change: Partial<ConditionReport> = {}): Partial<ConditionReport> => ({ at, ...change });
const off = (at: number, change: Partial<ConditionReport> = {}): Partial<ConditionReport> => ({
  at,
  state: 'inactive',
  ...change,
});

const report = (change: Partial<ConditionReport>): ConditionReport => ({
  type: 'intrusion',
  life: 'lasting',
  state: 'active',
  continuing: false,
  channel: 1,
  ruleKey: true,
  quietMs: 10_000,
  at: 0,
  ...change,
});

describe('phases', () => {
  const stories: [string, Step[]][] = [
    [
      'a repeat is a refresh',
      [
        [on(0), 'start'],
        [on(1_000), 'refresh'],
        [on(2_000), 'refresh'],
      ],
    ],
    [
      'an end is a stop, and what follows a start',
      [
        [on(0), 'start'],
        [off(1_000), 'stop'],
        [on(2_000), 'start'],
      ],
    ],
    [
      'silence longer than the quiet time was an end',
      [
        [on(0), 'start'],
        [on(10_001), 'start'],
      ],
    ],
    [
      'each repeat begins the quiet time anew',
      [
        [on(0), 'start'],
        [on(9_000), 'refresh'],
        [on(18_000), 'refresh'],
      ],
    ],
    [
      'without a quiet time only an end ends',
      [
        [on(0, { quietMs: undefined }), 'start'],
        [on(9e9, { quietMs: undefined }), 'refresh'],
      ],
    ],
    [
      'channels are apart',
      [
        [on(0), 'start'],
        [on(1, { channel: 2 }), 'start'],
        [off(2, { channel: 2 }), 'stop'],
        [on(3), 'refresh'],
      ],
    ],
    [
      'inputs are apart',
      [
        [on(0, { input: '1' }), 'start'],
        [on(1, { input: '2' }), 'start'],
        [on(2, { input: '1' }), 'refresh'],
      ],
    ],
    [
      'rules are apart where they are rules',
      [
        [on(0, { rule: '1' }), 'start'],
        [on(1, { rule: '2' }), 'start'],
        [off(2, { rule: '1' }), 'stop'],
        [on(3, { rule: '2' }), 'refresh'],
      ],
    ],
    [
      'regions are none where they only say where',
      [
        [on(0, { rule: '1', ruleKey: false }), 'start'],
        [on(1, { rule: '2', ruleKey: false }), 'refresh'],
      ],
    ],
    [
      'an end without a rule ends every rule of that type on that channel',
      [
        [on(0, { rule: '1' }), 'start'],
        [on(1, { rule: '2' }), 'start'],
        [on(2, { rule: '1', channel: 2 }), 'start'],
        [off(3), 'stop'],
        [on(4, { rule: '1' }), 'start'],
        [on(5, { rule: '2' }), 'start'],
        [on(6, { rule: '1', channel: 2 }), 'refresh'],
      ],
    ],
    ['an end of what is not open is told', [[off(0), 'stop']]],
    [
      'a pulse has no life',
      [
        [on(0, { life: 'pulse' }), 'pulse'],
        [on(1, { life: 'pulse' }), 'pulse'],
        [off(2, { life: 'pulse' }), 'stop'],
      ],
    ],
    [
      'a duration goes on with what is open',
      [
        [on(0), 'start'],
        [on(1, { continuing: true }), 'refresh'],
        [on(9_000, { continuing: true }), 'refresh'],
        [on(12_000), 'refresh'],
      ],
    ],
    [
      'a duration alone opens nothing',
      [
        [on(0, { continuing: true }), 'refresh'],
        [on(1), 'start'],
      ],
    ],
    ['a state that is missing is an active one', [[on(0, { state: null }), 'start']]],
  ];
  it.each(stories)('%s', (_name, steps) => {
    const phases = createEventPhases();
    expect(steps.map(([change]) => phases.decide(report(change)))).toEqual(steps.map(([, phase]) => phase));
  });

  it('lets a replay neither open nor end anything', () => {
    const phases = createEventPhases();
    expect(phases.decideLate(report(on(0)))).toBe('start');
    expect(phases.decide(report(on(1)))).toBe('start');
    expect(phases.decideLate(report(off(2)))).toBe('stop');
    expect(phases.decide(report(on(3)))).toBe('refresh');
  });

  it('leaves what is open unknown when the connection is lost, and open again when it is told', () => {
    const phases = createEventPhases();
    phases.decide(report(on(0, { quietMs: undefined })));
    phases.connectionLost();
    expect(phases.open()).toMatchObject([{ type: 'intrusion', knowledge: 'unknown' }]);
    expect(phases.decide(report(on(60_000, { quietMs: undefined })))).toBe('refresh');
    expect(phases.open()).toMatchObject([{ knowledge: 'open' }]);
  });

  it('gives what is unknown and has no quiet time one, until the device tells of it again', () => {
    const phases = createEventPhases();
    const thermal = (at: number) =>
      report(on(at, { type: 'temperature-alarm', vendorType: 'TMA', quietMs: undefined }));
    phases.decide(thermal(0));
    phases.decide(report(on(0)));
    expect(phases.leaveUnknown(60_000, 1)).toEqual([]);
    phases.connectionLost();
    expect(phases.leaveUnknown(60_000, 9)).toMatchObject([
      { type: 'temperature-alarm', vendorType: 'TMA', quietMs: 60_000 },
    ]);
    expect(phases.leaveUnknown(60_000, 9)).toEqual([]);
    expect(phases.decide(thermal(50_000))).toBe('refresh');
    expect(phases.decide(thermal(500_000))).toBe('refresh');
  });

  it('forgets the oldest of too many', () => {
    const phases = createEventPhases();
    for (let i = 0; i < 2_500; i++) phases.decide(report(on(i, { rule: `${i}` })));
    expect(phases.open()).toHaveLength(2_000);
    expect(phases.open()[0]?.rule).toBe('500');
  });
});
