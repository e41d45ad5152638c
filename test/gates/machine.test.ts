import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GateSignal } from '../../engine/gates';
import { bare, drive, openContext, s, siteDisarmed } from '../support/alarm-gates';

const stop: Partial<GateSignal> = { phase: 'stop' };
const refresh: Partial<GateSignal> = { phase: 'refresh' };
const notArmed = { ...openContext, schedule: { armed: false, detail: 'not armed until Mon 18:00' } };
const disarmed = { ...openContext, arming: siteDisarmed };

describe('the states', () => {
  it('raises at once without a filtering time', () => {
    const d = drive(bare());
    d.signal(s(1));
    expect(d.state.phase).toBe('active');
    expect(d.last()).toBe('raised/start');
  });

  it('clears at the stop and ends when released', () => {
    const d = drive(bare());
    d.signal(s(1));
    d.signal(s(2), stop);
    expect(d.state.phase).toBe('clearing');
    d.input({ kind: 'released', at: s(3) });
    expect(d.state.phase).toBe('normal');
    expect(d.story()).toEqual(['1 raise', '2 clear', '3 end']);
    expect(d.last()).toBe('ended/cleared');
  });

  it('does not end an active alarm that is released', () => {
    const d = drive(bare());
    d.signal(s(1));
    d.input({ kind: 'released', at: s(2) });
    expect(d.state.phase).toBe('active');
  });

  it('takes a start during clearing as the same alarm', () => {
    const d = drive(bare());
    d.signal(s(1));
    d.signal(s(2), stop);
    d.signal(s(3));
    expect(d.story()).toEqual(['1 raise', '2 clear', '3 resume', '3 merge']);
    expect(d.state.alarm?.count).toBe(2);
    expect(d.last()).toBe('merged/start');
  });

  it('numbers the clears of an alarm that came back', () => {
    const d = drive(bare());
    d.signal(0);
    d.signal(s(1), stop);
    d.signal(s(2));
    expect(d.signal(s(3), stop)).toContainEqual({ kind: 'clear', at: s(3), clears: 2 });
  });

  it('counts a start of a running alarm', () => {
    const d = drive(bare());
    d.signal(0);
    d.signal(s(1));
    expect(d.state.alarm?.count).toBe(2);
  });

  it('does not count a refresh', () => {
    const d = drive(bare());
    d.signal(0);
    expect(d.signal(s(1), refresh)).toContainEqual({ kind: 'seen', at: s(1) });
    expect(d.state.alarm?.count).toBe(1);
    expect(d.last()).toBe('merged/refresh');
  });

  it('takes a refresh whose start was never seen as a start', () => {
    const d = drive(bare());
    d.signal(0, refresh);
    expect(d.last()).toBe('raised/refresh');
  });

  it('says that a stop without an alarm meant nothing', () => {
    const d = drive(bare());
    d.signal(0, stop);
    expect(d.last()).toBe('no-alarm/stop');
    expect(d.state.phase).toBe('normal');
  });

  it('ends at once on reset and waits for a new start', () => {
    const d = drive(bare());
    d.signal(0);
    d.input({ kind: 'reset', at: s(1), who: 'anna' });
    expect(d.last()).toBe('ended/reset');
    d.signal(s(2), refresh);
    expect(d.last()).toBe('no-alarm/reset');
    d.signal(s(3));
    expect(d.last()).toBe('raised/start');
  });

  it('ends with its trigger and forgets everything', () => {
    const d = drive(bare({ offDelayMs: s(5), antiDitherMs: s(60) }));
    d.signal(0);
    d.signal(s(1), stop);
    d.input({ kind: 'removed', at: s(2), detail: 'gone' });
    expect(d.story()).toEqual(['0 raise', '2 end']);
    expect(d.effects).toContainEqual({ kind: 'cancel-timer', name: 'off-delay' });
    expect(d.state).toMatchObject({ phase: 'normal', levels: {}, window: null, timers: {} });
  });
});

describe('latch and acknowledgement', () => {
  it('keeps a latched alarm that was not acknowledged', () => {
    const d = drive(bare({ latched: true }));
    d.signal(0);
    d.signal(s(1), stop);
    d.input({ kind: 'released', at: s(2) });
    expect(d.state.phase).toBe('clearing');
    d.input({ kind: 'acknowledge', at: s(3), who: 'anna' });
    d.input({ kind: 'released', at: s(3) });
    expect(d.story()).toEqual(['0 raise', '1 clear', '3 acknowledge', '3 end']);
  });

  it('does not end an acknowledged alarm before it has cleared', () => {
    const d = drive(bare({ latched: true }));
    d.signal(0);
    d.input({ kind: 'acknowledge', at: s(1), who: 'anna' });
    d.input({ kind: 'released', at: s(1) });
    expect(d.state.phase).toBe('active');
    d.signal(s(2), stop);
    d.input({ kind: 'released', at: s(2) });
    expect(d.state.phase).toBe('normal');
  });

  it('acknowledges once', () => {
    const d = drive(bare());
    d.signal(0);
    d.input({ kind: 'acknowledge', at: s(1), who: 'anna' });
    expect(d.input({ kind: 'acknowledge', at: s(2), who: 'bert' })).toEqual([]);
  });
});

describe('the gates', () => {
  it.each<[string, Parameters<typeof bare>[0], Partial<GateSignal>, string]>([
    ['disabled', { enabled: false }, {}, 'the trigger is switched off'],
    ['filter', {}, { filter: 'channel 3 is not among 1, 2' }, 'channel 3 is not among 1, 2'],
    ['late', {}, { late: 'device time 3 min before' }, 'device time 3 min before'],
    [
      'shelved',
      {},
      { context: { ...openContext, shelf: { detail: 'shelved for another 1 min', until: s(160) } } },
      'shelved for another 1 min',
    ],
    ['disarmed', {}, { context: disarmed }, 'the site is disarmed'],
    ['not-armed', {}, { context: notArmed }, 'not armed until Mon 18:00'],
    ['flood', {}, { context: { ...openContext, flood: '11 raises in 10 min' } }, '11 raises in 10 min'],
  ])('%s refuses with its reason', (reason, policy, fields, detail) => {
    const d = drive(bare(policy));
    d.signal(s(100), fields);
    expect(d.last()).toBe(`refused/${reason}`);
    expect(d.detail()).toBe(detail);
    expect(d.state.phase).toBe('normal');
  });

  it('asks them in the order on record', () => {
    const order = ['disabled', 'filter', 'late', 'duplicate', 'shelved', 'disarmed', 'not-armed', 'flood'];
    const refusing: Record<string, () => void> = {
      disabled: () => {
        policy.enabled = false;
      },
      filter: () => {
        fields.filter = 'no';
      },
      late: () => {
        fields.late = 'late';
      },
      duplicate: () => {
        fields.eventId = 'seen';
      },
      shelved: () => {
        context.shelf = { detail: 'shelved', until: s(200) };
      },
      disarmed: () => {
        context.arming = siteDisarmed;
      },
      'not-armed': () => {
        context.schedule = notArmed.schedule;
      },
      flood: () => {
        context.flood = 'flood';
      },
    };
    const policy = bare();
    const context = { ...openContext };
    const fields: Partial<GateSignal> = { context };
    for (const reason of [...order].reverse()) {
      refusing[reason]?.();
      const d = drive(policy);
      d.policy = bare();
      d.signal(0, { eventId: 'seen', phase: 'stop' });
      d.policy = policy;
      d.signal(s(100), fields);
      expect(d.last()).toBe(`refused/${reason}`);
    }
  });

  it('refuses one event that is delivered twice', () => {
    const d = drive(bare());
    d.signal(0, { eventId: 'a' });
    d.signal(s(90), { eventId: 'a' });
    expect(d.last()).toBe('refused/duplicate');
  });

  it('refuses the same device event under another id, and tells what it equals', () => {
    const d = drive(bare());
    d.signal(0, { eventId: 'a', identity: 'start|vmd|07:00:00|1' });
    d.signal(s(4), { eventId: 'b', identity: 'start|vmd|07:00:00|1' });
    expect(d.last()).toBe('refused/duplicate');
    expect(d.detail()).toBe('the device sent the same event 4 s before, as a');
    expect(d.state.alarm?.count).toBe(1);
  });

  it('does not take a start after a stop for a duplicate, even in the same second of the device', () => {
    const d = drive(bare());
    d.signal(0, { identity: 'start|io|07:00:00|1' });
    d.signal(200, { phase: 'stop', identity: 'stop|io|07:00:00|0' });
    d.signal(400, { identity: 'start|io|07:00:00|1' });
    expect(d.last()).toBe('merged/start');
  });

  it('forgets a device event after half a minute, so that a test can send it again', () => {
    const d = drive(bare());
    d.signal(0, { phase: 'pulse', quietMs: s(5), identity: 'x' });
    d.until(s(5));
    d.input({ kind: 'released', at: s(5) });
    d.signal(s(31), { phase: 'pulse', quietMs: s(5), identity: 'x' });
    expect(d.last()).toBe('raised/pulse');
  });

  it('acts on late events if the policy says so', () => {
    const d = drive(bare({ late: 'act' }));
    d.signal(0, { late: 'late' });
    expect(d.last()).toBe('raised/start');
  });

  it('lets a stop end an alarm whose trigger was switched off', () => {
    const d = drive(bare());
    d.signal(0);
    d.policy = bare({ enabled: false });
    d.signal(s(1), stop);
    expect(d.state.phase).toBe('clearing');
  });

  it('lets a stop pass where a start would not', () => {
    const d = drive(bare());
    d.signal(0);
    d.context = notArmed;
    d.signal(s(1), stop);
    expect(d.last()).toBe('cleared/stop');
  });
});

describe('arming', () => {
  const open = (at: number) => ({ kind: 'arming' as const, at, context: openContext });

  it('raises when the window opens while the condition holds', () => {
    const d = drive(bare());
    d.context = notArmed;
    d.signal(0);
    d.signal(s(1), refresh);
    expect(d.last()).toBe('refused/not-armed');
    d.input(open(s(60)));
    expect(d.last()).toBe('raised/window-open');
    expect(d.detail()).toBe('armed while the condition has held for 1 min');
  });

  it('does not raise at the opening if the policy ignores it, nor on refreshes after it', () => {
    const d = drive(bare({ atWindowOpen: 'ignore' }));
    d.signal(0, { context: notArmed });
    d.input(open(s(60)));
    d.signal(s(61), refresh);
    expect(d.last()).toBe('refused/not-armed');
    d.signal(s(62));
    expect(d.last()).toBe('raised/start');
  });

  it('does not raise at the opening once the condition is over', () => {
    const d = drive(bare());
    d.signal(0, { context: notArmed });
    d.signal(s(1), { ...stop, context: notArmed });
    expect(d.input(open(s(60)))).toEqual([]);
  });

  it('does not raise at the opening for a condition that fell silent', () => {
    const d = drive(bare());
    d.signal(0, { phase: 'pulse', quietMs: s(5), context: notArmed });
    expect(d.input(open(s(60)))).toEqual([]);
    expect(d.state.phase).toBe('normal');
  });

  it('counts the filtering time from the start of the condition, armed or not', () => {
    const d = drive(bare({ onDelayMs: s(10) }));
    d.signal(0, { context: notArmed });
    d.input(open(s(4)));
    expect(d.state.phase).toBe('pending');
    d.until(s(20));
    expect(d.story()).toEqual(['10 raise']);
  });

  it('lets a running alarm run when its window closes', () => {
    const d = drive(bare());
    d.signal(0);
    d.input({ kind: 'arming', at: s(1), context: notArmed });
    d.context = notArmed;
    d.signal(s(2), refresh);
    d.signal(s(3), stop);
    expect(d.story()).toEqual(['0 raise', '3 clear']);
  });

  it('does not bring a clearing alarm back outside the window', () => {
    const d = drive(bare());
    d.signal(0);
    d.signal(s(1), stop);
    d.context = notArmed;
    d.signal(s(2));
    expect(d.last()).toBe('refused/not-armed');
    expect(d.state.phase).toBe('clearing');
    d.input({ kind: 'released', at: s(3) });
    expect(d.story()).toEqual(['0 raise', '1 clear', '3 end']);
  });

  it('does not let pulses outside the window prolong an alarm', () => {
    const d = drive(bare());
    d.signal(0, { phase: 'pulse', quietMs: s(5) });
    d.context = notArmed;
    d.signal(s(3), { phase: 'pulse', quietMs: s(5) });
    expect(d.last()).toBe('refused/not-armed');
    d.until(s(20));
    expect(d.story()).toEqual(['0 raise', '5 clear']);
  });

  it('ends a running alarm with its window if the policy says so, and raises again when it reopens', () => {
    const d = drive(bare({ atWindowClose: 'end' }));
    d.signal(0);
    d.input({ kind: 'arming', at: s(1), context: notArmed });
    expect(d.last()).toBe('ended/window-closed');
    d.input(open(s(60)));
    expect(d.last()).toBe('raised/window-open');
  });

  it('ends a running alarm at once when disarmed, whatever its state', () => {
    const d = drive(bare({ latched: true }));
    d.signal(0);
    d.signal(s(1), stop);
    d.input({ kind: 'arming', at: s(2), context: disarmed });
    expect(d.last()).toBe('ended/disarmed');
  });

  it('withdraws a pending alarm when disarmed', () => {
    const d = drive(bare({ onDelayMs: s(10) }));
    d.signal(0);
    d.input({ kind: 'arming', at: s(2), context: disarmed });
    expect(d.last()).toBe('refused/disarmed');
    expect(d.until(s(60))).toEqual([]);
  });

  it('raises on arming while the condition holds', () => {
    const d = drive(bare());
    d.signal(0, { context: disarmed });
    d.input(open(s(5)));
    expect(d.last()).toBe('raised/window-open');
  });

  it('says nothing when the arming did not change', () => {
    const d = drive(bare());
    d.signal(0);
    expect(d.input(open(s(1)))).toEqual([]);
    expect(d.input(open(s(2)))).toEqual([]);
  });
});

describe('snapshots', () => {
  it('raises on a condition that was not known and holds', () => {
    const d = drive(bare());
    d.signal(0, { phase: 'snapshot' });
    expect(d.last()).toBe('raised/snapshot');
  });

  it('only takes note of it if the trigger ignores conditions that hold already', () => {
    const d = drive(bare({ atWindowOpen: 'ignore' }));
    d.signal(0, { phase: 'snapshot' });
    expect(d.last()).toBe('no-alarm/snapshot');
    d.signal(s(1), refresh);
    expect(d.last()).toBe('no-alarm/snapshot');
    d.signal(s(2));
    expect(d.last()).toBe('raised/start');
  });

  it('is no edge for a condition that is known to hold', () => {
    const d = drive(bare());
    d.signal(0);
    d.signal(s(1), { phase: 'snapshot' });
    expect(d.state.alarm?.count).toBe(1);
    expect(d.last()).toBe('merged/snapshot');
  });
});

describe('rules of one device that share an alarm', () => {
  const one: Partial<GateSignal> = { rule: '1' };
  const two: Partial<GateSignal> = { rule: '2' };

  it('hold it together: it clears when the last of them ends', () => {
    const d = drive(bare());
    d.signal(0, one);
    d.signal(s(5), two);
    d.signal(s(10), { ...one, ...stop });
    expect(d.last()).toBe('merged/stop');
    expect(d.detail()).toBe('rule 1 ended; rule 2 still holds');
    d.signal(s(20), { ...two, ...stop });
    expect(d.story()).toEqual(['0 raise', '5 merge', '20 clear']);
  });

  it.each([
    ['a stop that names no rule', {}],
    ['the stop of a rule that was not seen to begin', { rule: '3' }],
  ])('are all ended by %s', (_what, fields) => {
    const d = drive(bare());
    d.signal(0, one);
    d.signal(s(5), two);
    d.signal(s(10), { ...fields, ...stop });
    expect(d.story()).toEqual(['0 raise', '5 merge', '10 clear']);
  });

  it('fall silent each by itself', () => {
    const d = drive(bare());
    d.signal(0, { ...one, quietMs: s(5) });
    d.signal(s(2), { ...two, quietMs: s(5) });
    d.signal(s(4), { ...one, ...refresh, quietMs: s(5) });
    d.signal(s(6), { ...one, ...stop });
    d.until(s(60));
    expect(d.story()).toEqual(['0 raise', '2 merge', '7 clear']);
  });

  it('go on over a wall clock that is set', () => {
    const d = drive(bare());
    d.signal(0, { ...one, quietMs: s(5) });
    d.signal(s(2), { ...two, quietMs: s(5) });
    d.carryOver(s(3), s(3_600));
    d.signal(s(3_604), { ...one, ...refresh, quietMs: s(5) });
    d.signal(s(3_606), { ...one, ...stop });
    d.until(s(3_700));
    expect(d.story()).toEqual(['0 raise', '2 merge', '3607 clear']);
  });

  it('leave the alarm level to the one that is at it, and the pre-alarm to the other', () => {
    const d = drive(bare());
    d.signal(0, { ...one, level: 'pre-alarm' });
    d.signal(s(1), { ...two, level: 'pre-alarm' });
    d.signal(s(2), { ...one, level: 'alarm' });
    d.signal(s(3), { ...two, ...refresh, level: 'pre-alarm' });
    expect(d.state.alarm?.level).toBe('alarm');
    d.signal(s(4), { ...one, ...stop, level: 'alarm' });
    expect(d.state.alarm?.level).toBe('pre-alarm');
    d.signal(s(5), { ...two, ...stop, level: 'pre-alarm' });
    expect(d.story()).toEqual(['0 raise', '1 merge', '2 merge', '2 escalate', '4 de-escalate', '5 clear']);
  });

  it('are bounded in number: a state does not grow with what a device sends', () => {
    const d = drive(bare());
    for (let rule = 0; rule < 1_000; rule++) d.signal(rule, { rule: String(rule) });
    expect(d.state.levels.alarm?.rules?.length).toBe(64);
  });

  it('hold it exactly while one of them holds, whatever comes in which order', () => {
    const moves = fc.array(
      fc.record({
        rule: fc.constantFrom('1', '2', '3', '__proto__', undefined),
        phase: fc.constantFrom('start' as const, 'refresh' as const, 'stop' as const),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(moves, (script) => {
        const d = drive(bare());
        const holding = new Set<string>();
        let unnamed = false;
        for (const [at, { rule, phase }] of script.entries()) {
          d.signal(at, { phase, ...(rule === undefined ? {} : { rule }) });
          if (phase !== 'stop') {
            if (rule === undefined) unnamed = true;
            else holding.add(rule);
          } else if (rule === undefined || !holding.delete(rule)) {
            holding.clear();
            unnamed = false;
          }
          // Without a name nothing is known but that something holds: it ends with the last that has one.
          if (phase === 'stop' && holding.size === 0) unnamed = false;
          expect(d.state.levels.alarm !== undefined).toBe(holding.size > 0 || unnamed);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('levels', () => {
  const pre: Partial<GateSignal> = { level: 'pre-alarm', stream: 'tmpa' };
  const alarm: Partial<GateSignal> = { level: 'alarm', stream: 'tma' };

  it('escalates one alarm from pre-alarm to alarm', () => {
    const d = drive(bare());
    d.signal(0, pre);
    const effects = d.signal(s(5), alarm);
    expect(effects).toContainEqual({ kind: 'escalate', at: s(5), level: 'alarm', told: true });
    expect(d.last()).toBe('escalated/escalation');
    expect(d.state.alarm).toMatchObject({ level: 'alarm', count: 2 });
    expect(d.story()).toEqual(['0 raise', '5 merge', '5 escalate']);
  });

  it('tells an escalation to the flow once', () => {
    const d = drive(bare());
    d.signal(0, pre);
    d.signal(s(1), alarm);
    d.signal(s(2), { ...pre, ...refresh });
    d.signal(s(3), { ...alarm, ...stop });
    expect(d.last()).toBe('merged/de-escalation');
    expect(d.state.alarm?.level).toBe('pre-alarm');
    expect(d.signal(s(4), alarm)).toContainEqual({ kind: 'escalate', at: s(4), level: 'alarm', told: false });
  });

  it('clears at the end of the alarm level if the pre-alarm has become it', () => {
    const d = drive(bare());
    d.signal(0, pre);
    d.signal(s(1), alarm);
    d.signal(s(2), { ...alarm, ...stop });
    expect(d.last()).toBe('cleared/stop');
    d.signal(s(3), { ...pre, ...stop });
    expect(d.state.phase).toBe('clearing');
  });

  it('goes on as a pre-alarm that was told since the escalation, until that ends', () => {
    const d = drive(bare());
    d.signal(0, pre);
    d.signal(s(1), alarm);
    d.signal(s(2), { ...pre, ...refresh });
    d.signal(s(3), { ...alarm, ...stop });
    d.signal(s(9), { ...pre, ...stop });
    expect(d.story()).toEqual(['0 raise', '1 merge', '1 escalate', '3 de-escalate', '9 clear']);
  });

  it('keeps the alarm when the pre-alarm ends because it has become the alarm', () => {
    const d = drive(bare());
    d.signal(0, pre);
    d.signal(s(1), alarm);
    d.signal(s(1), { ...pre, ...stop });
    expect(d.state.phase).toBe('active');
    d.signal(s(9), { ...alarm, ...stop });
    expect(d.state.phase).toBe('clearing');
  });

  it('falls back when one source tells the lower level, and ends with its one stop', () => {
    const d = drive(bare());
    const source = { stream: 'heat' };
    d.signal(0, { ...source, level: 'alarm' });
    d.signal(s(1), { ...source, level: 'pre-alarm' });
    expect(d.last()).toBe('merged/de-escalation');
    d.signal(s(2), { ...source, ...stop, level: 'alarm' });
    expect(d.last()).toBe('cleared/stop');
  });

  it('falls back when the alarm level falls silent while the pre-alarm is told', () => {
    const d = drive(bare());
    d.signal(0, { ...pre, quietMs: s(5) });
    d.signal(s(1), { ...alarm, quietMs: s(5) });
    d.signal(s(4), { ...pre, ...refresh, quietMs: s(5) });
    d.until(s(8));
    expect(d.story()).toEqual(['0 raise', '1 merge', '1 escalate', '6 de-escalate']);
    d.until(s(20));
    expect(d.story().at(-1)).toBe('9 clear');
  });

  it('raises at the level that holds when the filtering time is over', () => {
    const d = drive(bare({ onDelayMs: s(10) }));
    d.signal(0, pre);
    d.signal(s(5), alarm);
    expect(d.until(s(10))).toContainEqual({ kind: 'raise', at: s(10), level: 'alarm', count: 2, by: 'on-delay' });
  });

  it('escalates a clearing alarm that comes back worse', () => {
    const d = drive(bare());
    d.signal(0, pre);
    d.signal(s(1), { ...pre, ...stop });
    d.signal(s(2), alarm);
    expect(d.story()).toEqual(['0 raise', '1 clear', '2 resume', '2 merge', '2 escalate']);
  });
});
