/** Reminders, entry delay, starts beside a cleared alarm, late ends, changed policies: the machine alone. */
import { describe, expect, it } from 'vitest';
import { armedAlways } from '../../engine/domain/arming';
import type { AlarmPolicy } from '../../engine/domain/triggers';
import { type GateContext, gateMachine } from '../../engine/gates';
import { bare, type Drive, drive, openContext, s, siteDisarmed } from '../support/alarm-gates';

const every = (seconds: number, fields: Partial<NonNullable<AlarmPolicy['remind']>> = {}): Partial<AlarmPolicy> => ({
  remind: { everyMs: s(seconds), until: 'acknowledged', most: null, ...fields },
});

/** From now on, also for what is decided in between. */
function during(d: Drive, at: number, context: Partial<GateContext>): void {
  d.until(at);
  d.context = { ...openContext, ...context };
  d.input({ kind: 'arming', at, context: d.context });
}

const reminders = (d: Drive): number[] =>
  d.effects.flatMap((effect) => (effect.kind === 'remind' ? [effect.at / 1_000] : []));

describe('reminders', () => {
  it('come in their interval while the alarm is active, and count', () => {
    const d = drive(bare(every(10)));
    d.signal(0);
    d.until(s(35));
    expect(d.effects.filter((effect) => effect.kind === 'remind')).toEqual([
      { kind: 'remind', at: s(10), n: 1 },
      { kind: 'remind', at: s(20), n: 2 },
      { kind: 'remind', at: s(30), n: 3 },
    ]);
    expect(d.last()).toBe('reminded/remind');
    expect(d.detail()).toBe('reminder 3; every 10 s until acknowledged, the alarm has lasted 30 s');
  });

  it.each([
    ['acknowledged', [10]],
    ['cleared', [10, 20, 30]],
  ] as const)('until "%s" heed an acknowledgement accordingly', (until, told) => {
    const d = drive(bare(every(10, { until })));
    d.signal(0);
    d.input({ kind: 'acknowledge', at: s(15), who: 'anna' });
    d.until(s(35));
    expect(reminders(d)).toEqual(told);
  });

  it('stop at the most, at the clear, and go on anew with what comes back', () => {
    const d = drive(bare(every(10, { most: 2 })));
    d.signal(0);
    d.signal(s(12), { phase: 'stop' });
    d.signal(s(15));
    d.until(s(100));
    expect(reminders(d)).toEqual([10, 25]);
  });

  it('go on during the off-delay: the alarm has not cleared', () => {
    const d = drive(bare({ ...every(10), offDelayMs: s(15) }));
    d.signal(0);
    d.signal(s(5), { phase: 'stop' });
    d.until(s(60));
    expect(reminders(d)).toEqual([10]);
    expect(d.story()).toContain('20 clear');
  });

  it('that are overdue by whole intervals are told once, and the rhythm begins anew', () => {
    const policy = bare(every(10));
    const d = drive(policy);
    d.signal(0);
    const at = s(95);
    const late = gateMachine(policy)(d.state)({ kind: 'timer', name: 'remind', at, context: openContext });
    expect(late.effects).toContainEqual({ kind: 'remind', at, n: 1 });
    expect(late.state.timers.remind).toBe(s(105));
  });

  it('that are told a little late keep the rhythm', () => {
    const policy = bare(every(10));
    const d = drive(policy);
    d.signal(0);
    const late = gateMachine(policy)(d.state)({ kind: 'timer', name: 'remind', at: s(12), context: openContext });
    expect(late.state.timers.remind).toBe(s(20));
  });

  it('are silent on a shelf and come again off it', () => {
    const d = drive(bare(every(10)));
    d.signal(0);
    during(d, s(5), { shelf: { detail: 'shelved', until: s(25) } });
    d.until(s(25));
    during(d, s(25), {});
    d.until(s(45));
    expect(reminders(d)).toEqual([30, 40]);
    expect(d.state.alarm?.reminders).toBe(2);
  });

  it('take a new interval at the deploy', () => {
    const d = drive(bare(every(60)));
    d.signal(0);
    d.policy = bare(every(10));
    d.input({ kind: 'policy', at: s(3), context: openContext });
    d.until(s(25));
    expect(reminders(d)).toEqual([10, 20]);
    d.policy = bare();
    d.input({ kind: 'policy', at: s(25), context: openContext });
    d.until(s(100));
    expect(reminders(d)).toEqual([10, 20]);
    expect(d.state.timers).toEqual({});
  });
});

describe('an entry delay', () => {
  const entering = (until: number): Partial<GateContext> => ({ arming: { ...armedAlways, entryUntil: s(until) } });
  const policy = bare({ entry: 'starts' });

  it('raises at its end, also what has ended meanwhile, which then clears at once', () => {
    const d = drive(policy);
    during(d, 0, entering(30));
    d.signal(0);
    d.signal(s(3), { phase: 'stop' });
    d.until(s(60));
    expect(d.story()).toEqual(['0 entry', '30 raise', '30 clear']);
    expect(d.effects.find((effect) => effect.kind === 'raise')).toMatchObject({ by: 'entry-delay', count: 1 });
  });

  it('waits for the off-delay with what had ended', () => {
    const d = drive(bare({ entry: 'follows', offDelayMs: s(5) }));
    during(d, 0, entering(30));
    d.signal(0);
    d.signal(s(3), { phase: 'stop' });
    d.until(s(60));
    expect(d.story()).toEqual(['0 entry', '30 raise', '35 clear']);
  });

  it('counts what comes meanwhile, and keeps its end', () => {
    const d = drive(policy);
    during(d, 0, entering(30));
    d.signal(0);
    d.signal(s(1), { phase: 'stop' });
    during(d, s(10), entering(40));
    d.signal(s(10));
    expect(d.last()).toBe('pending/entry-delay');
    d.until(s(60));
    expect(d.story()).toEqual(['0 entry', '30 raise']);
    expect(d.state.alarm?.count).toBe(2);
  });

  it('is over without an alarm when somebody disarms', () => {
    const d = drive(policy);
    during(d, 0, entering(30));
    d.signal(0);
    during(d, s(20), { arming: siteDisarmed });
    d.until(s(60));
    expect(d.story()).toEqual(['0 entry']);
    expect(d.last()).toBe('refused/disarmed');
    expect(d.detail()).toBe('disarmed within the entry delay: the site is disarmed');
    expect(d.state.timers).toEqual({});
  });

  it('is not ended by a schedule that closes', () => {
    const d = drive(policy);
    during(d, 0, entering(30));
    d.signal(0);
    during(d, s(20), { schedule: { armed: false, detail: 'closed' } });
    d.until(s(60));
    expect(d.story()).toEqual(['0 entry', '30 raise']);
  });

  it('raises nothing that is shelved or switched off at its end', () => {
    const shelved = drive(policy);
    during(shelved, 0, entering(30));
    shelved.signal(0);
    during(shelved, s(20), { shelf: { detail: 'shelved by anna', until: s(90) } });
    shelved.until(s(60));
    expect(shelved.last()).toBe('refused/shelved');
    const off = drive(policy);
    during(off, 0, entering(30));
    off.signal(0);
    off.policy = { ...policy, enabled: false };
    off.until(s(60));
    expect(off.last()).toBe('refused/disabled');
  });

  it.each([
    ['none', s(30)],
    ['follows', null],
    ['starts', 0],
  ] as const)('does not hold back an entry route "%s" with an end at %s', (entry, entryUntil) => {
    const d = drive(bare({ entry }));
    d.context = { ...openContext, arming: { ...armedAlways, entryUntil } };
    d.signal(s(1));
    expect(d.story()).toEqual(['1 raise']);
  });

  it('comes after the filtering time and anti-dither', () => {
    const d = drive(bare({ entry: 'starts', onDelayMs: s(5), antiDitherMs: s(100) }));
    during(d, 0, entering(30));
    d.signal(0);
    d.until(s(40));
    expect(d.story()).toEqual(['5 entry', '30 raise']);
  });

  it('goes on over a restart', () => {
    const d = drive(policy);
    during(d, 0, entering(30));
    d.signal(0);
    d.state = JSON.parse(JSON.stringify(d.state));
    d.until(s(60));
    expect(d.story()).toEqual(['0 entry', '30 raise']);
  });
});

describe('a start while the alarm clears', () => {
  const cleared = (policy: Partial<AlarmPolicy>, held: boolean): Drive => {
    const d = drive(bare(policy));
    d.context = { ...openContext, held };
    d.signal(0);
    d.until(s(20));
    d.signal(s(20), { phase: 'stop' });
    return d;
  };

  it('falls into it at once while something holds it', () => {
    const d = cleared({ onDelayMs: s(10) }, true);
    d.signal(s(21));
    expect(d.story().slice(-3)).toEqual(['20 clear', '21 resume', '21 merge']);
  });

  it('is filtered first where nothing holds it', () => {
    const d = cleared({ onDelayMs: s(10) }, false);
    d.signal(s(21));
    expect(d.last()).toBe('pending/on-delay');
    d.until(s(31));
    expect(d.story().slice(-3)).toEqual(['20 clear', '31 resume', '31 merge']);
  });

  it('that is too short is refused by the filtering time and leaves the alarm cleared', () => {
    const d = cleared({ onDelayMs: s(10) }, false);
    d.signal(s(21));
    d.signal(s(25), { phase: 'stop' });
    expect(d.last()).toBe('refused/on-delay');
    d.until(s(60));
    expect(d.state.phase).toBe('clearing');
    expect(d.story().at(-1)).toBe('20 clear');
  });

  it('begins another alarm when the old one ends before it is filtered', () => {
    const d = cleared({ onDelayMs: s(10) }, false);
    d.signal(s(21));
    d.input({ kind: 'released', at: s(22) });
    d.until(s(60));
    expect(d.story().slice(-3)).toEqual(['20 clear', '22 end', '31 raise']);
  });

  it('needs N starts within T where the trigger does', () => {
    const d = drive(bare({ repeat: { count: 2, withinMs: s(10) } }));
    d.context = { ...openContext, held: false };
    d.signal(0);
    d.signal(s(1), { phase: 'stop' });
    d.signal(s(2));
    d.signal(s(3), { phase: 'stop' });
    d.signal(s(4));
    expect(d.story().at(-1)).toBe('3 clear');
    d.signal(s(5), { phase: 'stop' });
    d.signal(s(6));
    expect(d.story().slice(-2)).toEqual(['6 resume', '6 merge']);
    expect(d.state.alarm?.count).toBe(4);
  });

  it('is dropped by disarming, by a window that closes and by a reset', () => {
    for (const input of [
      { kind: 'arming', at: s(23), context: { ...openContext, arming: siteDisarmed } },
      { kind: 'arming', at: s(23), context: { ...openContext, schedule: { armed: false, detail: 'closed' } } },
      { kind: 'reset', at: s(23), who: 'anna' },
    ] as const) {
      const d = cleared({ onDelayMs: s(10) }, false);
      d.signal(s(21));
      d.input(input);
      d.input({ kind: 'released', at: s(24) });
      d.until(s(90));
      expect(d.story().filter((line) => line.endsWith('raise'))).toHaveLength(1);
      expect(d.state.phase).toBe('normal');
      expect(d.state.timers).toEqual({});
    }
  });
});

describe('a late stop', () => {
  const late = 'device time 9:00, 5 min before its receipt; recorded only';

  it('ends the running alarm even where late events are only recorded', () => {
    const d = drive(bare({ late: 'record' }));
    d.signal(0);
    d.signal(s(60), { phase: 'stop', late });
    expect(d.story()).toEqual(['0 raise', '60 clear']);
  });

  it('that is older than the condition ends nothing', () => {
    const d = drive(bare({ late: 'record' }));
    d.signal(0);
    d.signal(s(60), { phase: 'stop', late, outdated: true });
    expect(d.last()).toBe('refused/late');
    expect(d.state.phase).toBe('active');
  });

  it('of what does not hold, and a late start, are recorded only', () => {
    const d = drive(bare({ late: 'record' }));
    d.signal(0, { phase: 'stop', late });
    expect(d.last()).toBe('refused/late');
    d.signal(s(1), { late });
    expect(d.last()).toBe('refused/late');
  });
});

describe('a deploy', () => {
  const deploy = (d: Drive, at: number, policy: Partial<AlarmPolicy>): void => {
    d.policy = bare(policy);
    d.input({ kind: 'policy', at, context: openContext });
  };
  const raisedAndOver = (policy: Partial<AlarmPolicy>): Drive => {
    const d = drive(bare(policy));
    d.signal(0);
    d.signal(s(1), { phase: 'stop' });
    d.input({ kind: 'released', at: s(1) });
    return d;
  };

  it.each([
    ['shortens', 60, 10, 9, 10],
    ['lengthens', 10, 60, 59, 60],
    ['switches off', 60, 0, null, 5],
  ] as const)('that %s anti-dither does so to the window that runs', (_what, before, after, refusedAt, raisedAt) => {
    const d = raisedAndOver({ antiDitherMs: s(before) });
    deploy(d, s(4), { antiDitherMs: s(after) });
    if (refusedAt !== null) {
      d.signal(s(refusedAt));
      expect(d.last()).toBe('refused/anti-dither');
      d.signal(s(refusedAt), { phase: 'stop' });
    }
    d.signal(s(raisedAt));
    expect(d.last()).toBe('raised/start');
  });

  it('measures a sliding window from the last start that moved it, a fixed one from the raise', () => {
    const slid = (): Drive => {
      const d = raisedAndOver({ antiDitherMs: s(10), antiDitherMode: 'sliding' });
      d.signal(s(8));
      d.signal(s(9), { phase: 'stop' });
      return d;
    };
    const sliding = slid();
    deploy(sliding, s(9), { antiDitherMs: s(20), antiDitherMode: 'sliding' });
    expect(sliding.state.window?.until).toBe(s(28));
    const fixed = slid();
    deploy(fixed, s(9), { antiDitherMs: s(20), antiDitherMode: 'fixed' });
    expect(fixed.state.window?.until).toBe(s(20));
  });

  it('that shortens the filtering time below what has passed raises at the deploy, not in the past', () => {
    const d = drive(bare({ onDelayMs: s(60) }));
    d.signal(0);
    deploy(d, s(30), { onDelayMs: s(5) });
    expect(d.story()).toEqual(['30 raise']);
    d.until(s(100));
    expect(d.story()).toEqual(['30 raise']);
  });

  it('that shortens the off-delay clears at the deploy; one that lengthens it, later', () => {
    const d = drive(bare({ offDelayMs: s(60) }));
    d.signal(0);
    d.signal(s(10), { phase: 'stop' });
    deploy(d, s(20), { offDelayMs: s(90) });
    deploy(d, s(30), { offDelayMs: s(40) });
    d.until(s(100));
    expect(d.story()).toEqual(['0 raise', '50 clear']);
    const soon = drive(bare({ offDelayMs: s(60) }));
    soon.signal(0);
    soon.signal(s(10), { phase: 'stop' });
    deploy(soon, s(20), { offDelayMs: s(5) });
    expect(soon.story()).toEqual(['0 raise', '20 clear']);
  });
});

describe('a shelf', () => {
  it('lets the running alarm run and end', () => {
    const d = drive(bare());
    d.signal(0);
    during(d, s(5), { shelf: { detail: 'shelved', until: s(60) } });
    d.signal(s(10), { phase: 'stop' });
    expect(d.story()).toEqual(['0 raise', '10 clear']);
  });

  it('notices the end of a single event that it held back', () => {
    const d = drive(bare());
    d.context = { ...openContext, shelf: { detail: 'shelved', until: null } };
    d.signal(0, { phase: 'pulse', quietMs: s(5) });
    expect(d.last()).toBe('refused/shelved');
    d.until(s(10));
    expect(d.last()).toBe('no-alarm/implied-stop');
    expect(d.state.levels).toEqual({});
    expect(d.state.timers).toEqual({});
  });

  it('raises what still holds when it is taken off', () => {
    const d = drive(bare());
    d.context = { ...openContext, shelf: { detail: 'shelved', until: s(60) } };
    d.signal(0);
    during(d, s(60), {});
    expect(d.story()).toEqual(['60 raise']);
  });
});
