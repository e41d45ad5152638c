import { describe, expect, it } from 'vitest';
import { defaultFlood } from '../../engine/domain/flood';
import { heldBackByFlood } from '../../engine/domain/flood-notices';
import { carryFlood, type FloodState, floodNotice, floodRaise, noFlood } from '../../engine/gates';
import { s } from '../support/alarm-gates';

const limits = { raises: 3, withinMs: s(600) };
const everybody = (): boolean => true;

/** Raises at these seconds; the alarms are called a1, a2 … */
function raised(seconds: number[], lives: (id: string) => boolean = everybody, from: FloodState = noFlood) {
  let state = from;
  const grouped: boolean[] = [];
  const begins: boolean[] = [];
  seconds.forEach((second, index) => {
    const step = floodRaise(state, limits, { at: s(second), alarmId: `a${index + 1}` }, lives);
    state = step.state;
    grouped.push(step.grouped);
    begins.push(step.begins);
  });
  return { state, grouped, begins };
}

describe('a flood', () => {
  it('is more than 10 raises in 10 minutes unless the area says otherwise', () => {
    expect(defaultFlood).toEqual({ raises: 10, withinMs: 600_000 });
  });

  it.each([
    ['as many raises as the limit', [0, 1, 2], [false, false, false]],
    ['one more within the time', [0, 1, 2, 3], [false, false, false, true]],
    ['one more, when the first has just left the time', [0, 1, 2, 600], [false, false, false, false]],
    ['one more, when the first is just within', [0, 1, 2, 599.999], [false, false, false, true]],
  ] as const)('with %s', (_what, seconds, begins) => {
    expect(raised([...seconds]).begins).toEqual(begins);
  });

  it('tells the raise that begins it by itself, and groups those after it', () => {
    expect(raised([0, 1, 2, 3, 4, 5]).grouped).toEqual([false, false, false, false, true, true]);
  });

  it('has as its first-out the earliest alarm that still runs', () => {
    expect(raised([0, 1, 2, 3]).state.flood?.firstOut).toBe('a1');
    expect(raised([0, 1, 2, 3], (id) => id !== 'a1').state.flood?.firstOut).toBe('a2');
    expect(raised([0, 1, 2, 3], () => false).state.flood?.firstOut).toBe('a4');
  });

  it('tells one notice a minute for what was raised since the last one', () => {
    let { state } = raised([0, 1, 2, 3, 4, 5]);
    expect(state.flood?.noticeAt).toBe(s(63));
    expect(floodNotice(state, limits, s(62)).state).toBe(state);
    const first = floodNotice(state, limits, s(63));
    expect(first).toMatchObject({ tells: 2, over: false });
    expect(floodNotice(first.state, limits, s(123))).toMatchObject({ tells: 0, over: false });
    state = floodRaise(first.state, limits, { at: s(100), alarmId: 'a7' }, everybody).state;
    expect(floodNotice(state, limits, s(123))).toMatchObject({ tells: 1, over: false });
  });

  it('is over when fewer than the limit lie in the time, and its last notice stands for all of it', () => {
    const { state } = raised([0, 1, 2, 3, 4, 5]);
    const running = floodNotice(state, limits, s(601));
    expect(running.over).toBe(false);
    expect(floodNotice(running.state, limits, s(663))).toMatchObject({ tells: 6, over: true, state: { flood: null } });
  });

  it('that grouped nothing ends without a notice', () => {
    const { state } = raised([0, 1, 2, 3]);
    expect(floodNotice(state, limits, s(700))).toMatchObject({ tells: 0, over: true });
  });

  it('ends when its area no longer groups', () => {
    const { state } = raised([0, 1, 2, 3, 4]);
    expect(floodNotice(state, null, s(63))).toMatchObject({ tells: 5, over: true });
  });

  it('keeps no more raises than it needs', () => {
    const { state } = raised(Array.from({ length: 200 }, (_none, index) => index));
    expect(state.recent).toHaveLength(4);
    expect(state.flood?.raises).toBe(200);
  });

  it('goes on for as long when the wall clock is set', () => {
    const { state } = raised([0, 1, 2, 3, 4]);
    const moved = carryFlood(state, s(3_600));
    expect(moved.recent.map(({ at }) => at)).toEqual(state.recent.map(({ at }) => at + s(3_600)));
    expect(moved.flood?.noticeAt).toBe(s(3_663));
  });
});

describe('what a flood holds back', () => {
  const grouped = { area: 'Hall', raises: 12, firstOut: false, grouped: true };
  it.each([
    ['email', 'raise', true],
    ['email', 'clear', true],
    ['snmp-trap', 'end', true],
    ['email', 'escalate', false],
    ['snapshot', 'raise', false],
    ['ptz-preset', 'raise', false],
    ['log', 'raise', false],
    ['sftp-upload', 'raise', false],
  ] as const)('of a grouped alarm: %s at its %s is %s', (kind, phase, held) => {
    expect(heldBackByFlood(kind, { phase, flood: grouped })).toBe(held);
  });

  it('is nothing of an alarm that speaks for itself, and nothing of a plain message', () => {
    expect(heldBackByFlood('email', { phase: 'raise', flood: { ...grouped, grouped: false } })).toBe(false);
    expect(heldBackByFlood('email', { phase: 'raise' })).toBe(false);
    expect(heldBackByFlood('email', null)).toBe(false);
  });
});
