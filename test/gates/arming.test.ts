/**
 * The published order of precedence over every combination of what can stand at each scope, judged by the table in
 * docs/arming.md and not by the code's own; and the rules inside one subject.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArmingScope, OpenCondition } from '../../engine/domain/arming';
import { defaultPolicy } from '../../engine/domain/triggers';
import {
  type ArmingAround,
  type ArmingEvent,
  type ArmingState,
  armingDue,
  armingStep,
  armingVerdict,
  gateMachine,
  initialState,
  neverOrdered,
  phaseAt,
  type StandingOrder,
} from '../../engine/gates';
import { openContext, s } from '../support/alarm-gates';

const text = readFileSync(join(__dirname, '../../docs/arming.md'), 'utf8');
const table = text
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .slice(0, 7)
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, , scope, holds, reason, always]) => ({ scope, holds: holds?.split(', ') ?? [], reason, always }));

const AT = s(1_000);
const motion: OpenCondition = { triggerId: 't', key: 'k', triggerName: 'Motion', deviceName: 'Hall', since: 0 };
const order = (armed: boolean): StandingOrder => ({ armed, how: 'force', source: 'user', who: 'anna', at: 0 });

/** What can stand at a scope, in the words of the table. */
const standing = {
  armed: neverOrdered,
  disarmed: { ...neverOrdered, phase: 'disarmed', order: order(false) },
  'exit delay': { ...neverOrdered, phase: 'exit-delay', order: order(true), delayUntil: AT + s(12) },
  'entry delay': { ...neverOrdered, phase: 'entry-delay', order: order(true), delayUntil: AT + s(7) },
  bypassed: { ...neverOrdered, order: order(true), bypassed: [motion] },
  'other bypassed': { ...neverOrdered, order: order(true), bypassed: [{ ...motion, key: 'other' }] },
} as const satisfies Record<string, ArmingState>;
type Standing = keyof typeof standing;

const possible: Record<'site' | 'area' | 'device' | 'channel' | 'trigger', readonly Standing[]> = {
  site: ['armed', 'disarmed', 'exit delay', 'entry delay', 'bypassed', 'other bypassed'],
  area: ['armed', 'disarmed', 'exit delay', 'entry delay', 'bypassed', 'other bypassed'],
  device: ['armed', 'disarmed', 'bypassed'],
  channel: ['armed', 'disarmed', 'bypassed'],
  trigger: ['armed', 'disarmed', 'bypassed'],
};

/** Every combination of one value of each list. */
function* every<T extends Record<string, readonly unknown[]>>(lists: T): Generator<{ [K in keyof T]: T[K][number] }> {
  const names = Object.keys(lists) as (keyof T)[];
  const [name, ...others] = names;
  if (name === undefined) {
    yield {} as { [K in keyof T]: T[K][number] };
    return;
  }
  const rest = Object.fromEntries(others.map((other) => [other, lists[other]])) as unknown as T;
  for (const value of lists[name] ?? []) for (const more of every(rest)) yield { ...more, [name]: value };
}

describe('the order of precedence', () => {
  it('is followed in every combination of scopes, orders, schedule, 24 h, bypass, exit and entry delay', () => {
    let combinations = 0;
    const all = every({
      ...possible,
      schedule: ['armed', 'disarmed'],
      arming: ['follow', 'always'],
      entry: ['none', 'starts', 'follows'],
      siteEnds: ['end', 'let-run'],
    } as const);
    for (const one of all) {
      combinations++;
      const at = (scope: keyof typeof possible): ArmingAround => ({
        scope,
        name: scope,
        state: standing[one[scope]],
        atDisarm: scope === 'site' ? one.siteEnds : 'end',
      });
      const verdict = armingVerdict({
        at: AT,
        around: (['site', 'area', 'device', 'channel', 'trigger'] as const).map(at),
        policy: { arming: one.arming, entry: one.entry },
        entry: { state: standing[one.area], entryDelayMs: s(20) },
        condition: { triggerId: 't', key: 'k' },
      });
      const { effects } = gateMachine({ ...defaultPolicy, antiDitherMs: 0, arming: one.arming, entry: one.entry })(
        initialState,
      )({
        kind: 'signal',
        at: AT,
        phase: 'start',
        eventId: 'e',
        identity: null,
        stream: 'vmd',
        level: 'alarm',
        quietMs: null,
        late: null,
        filter: null,
        context: {
          ...openContext,
          arming: verdict,
          schedule: { armed: one.schedule === 'armed', detail: 'schedule "Nights"' },
        },
      });
      const decided = effects.find((effect) => effect.kind === 'decide');
      const refusing = table.filter(({ scope, holds, always }) => {
        if (scope === 'action' || (one.arming === 'always' && always !== 'counts')) return false;
        return scope === 'schedule' ? one.schedule === 'disarmed' : holds.includes(one[scope as 'site']);
      });
      const first = refusing[0];
      const told = JSON.stringify({ ...one, decided });
      if (first !== undefined) {
        expect(decided?.outcome, told).toBe('refused');
        expect(decided?.reason, told).toBe(first.reason);
        const scope = first.scope === 'schedule' ? 'schedule' : `${first.scope}`;
        expect(decided?.detail, told).toContain(scope);
        const disarmed = refusing.filter(({ scope: own }) => own !== 'schedule' && one[own as 'site'] === 'disarmed');
        const ends = disarmed.some(({ scope: own }) => own !== 'site' || one.siteEnds === 'end');
        if (first.scope !== 'schedule') expect(verdict.atDisarm, told).toBe(ends ? 'end' : 'let-run');
        continue;
      }
      const waits =
        one.arming === 'follow' && (one.entry === 'starts' || (one.entry === 'follows' && one.area === 'entry delay'));
      expect(decided?.outcome, told).toBe(waits ? 'pending' : 'raised');
      if (!waits) expect(verdict.entryUntil, told).toBe(null);
      else expect(verdict.entryUntil, told).toBe(one.area === 'entry delay' ? AT + s(7) : AT + s(20));
    }
    expect(combinations).toBe(6 * 6 * 3 * 3 * 3 * 2 * 2 * 3 * 2);
  });

  it('says how long an exit delay and a timed order last, and when the scope is armed again', () => {
    const ask = (state: ArmingState, scheduleArmsAt?: number) =>
      armingVerdict({
        at: AT,
        around: [
          { scope: 'area', name: 'area "Hall"', state, atDisarm: 'end', scheduleArmsAt: scheduleArmsAt ?? null },
        ],
        policy: { arming: 'follow', entry: 'none' },
        entry: null,
        condition: null,
      });
    expect(ask(standing['exit delay'])).toMatchObject({
      detail: 'area "Hall": exit delay: 12 s left',
      armsAt: AT + s(12),
    });
    const timed = { ...standing.disarmed, timed: { until: AT + s(7_200), back: order(true) } };
    expect(ask(timed)).toMatchObject({
      detail: 'area "Hall" is disarmed by anna, for another 2 h',
      armsAt: AT + s(7_200),
    });
    const bySchedule = { ...standing.disarmed, order: { ...order(false), source: 'schedule', who: 'Nights' } } as const;
    expect(ask(bySchedule, AT + 1)).toMatchObject({
      detail: 'area "Hall" is disarmed by schedule "Nights"',
      armsAt: AT + 1,
    });
    expect(ask(standing.disarmed, AT + 1).armsAt).toBe(null);
  });
});

/** A subject and what is put into it. */
function subject(start: ArmingState = neverOrdered) {
  const self = {
    state: start,
    refused: [] as readonly OpenCondition[],
    put(event: ArmingEvent): ArmingState {
      const before = JSON.stringify(self.state);
      const kept = self.state;
      const { state, refused } = armingStep(self.state, event);
      expect(JSON.stringify(kept)).toBe(before);
      self.state = state;
      self.refused = refused;
      return state;
    },
    order(armed: boolean, at: number, fields: Partial<Extract<ArmingEvent, { kind: 'order' }>> = {}) {
      const common = { how: 'normal', source: 'user', who: 'anna', forMs: null, exitDelayMs: 0, open: [] } as const;
      return self.put({ kind: 'order', at, armed, ...common, ...fields });
    },
    time: (at: number, open: OpenCondition[] = [], how: 'force' | 'bypass' = 'force') =>
      self.put({ kind: 'time', at, how, open }),
    schedule: (at: number, armed: boolean, turnedAt: number | null, fields: object = {}) =>
      self.put({
        kind: 'schedule',
        at,
        armed,
        who: 'Nights',
        turnedSince: (since) => turnedAt !== null && turnedAt > since && turnedAt <= at,
        how: 'force',
        exitDelayMs: 0,
        open: [],
        ...fields,
      }),
  };
  return self;
}

describe('one subject', () => {
  // Each line: what stands, the order, what follows. Every phase against every order.
  const phases = ['disarmed', 'exit-delay', 'armed', 'entry-delay'] as const;
  const inPhase = (phase: (typeof phases)[number]): ArmingState =>
    phase === 'disarmed'
      ? standing.disarmed
      : phase === 'armed'
        ? neverOrdered
        : standing[phase === 'exit-delay' ? 'exit delay' : 'entry delay'];
  const ways = ['normal', 'force', 'bypass'] as const;
  const cases = phases.flatMap((phase) =>
    ways.flatMap((how) => [0, 30].flatMap((exit) => [false, true].map((open) => ({ phase, how, exit, open })))),
  );

  it.each(cases)('$phase, armed $how, exit delay $exit s, something open: $open', ({ phase, how, exit, open }) => {
    const it = subject(inPhase(phase));
    it.order(true, AT, { how, exitDelayMs: s(exit), open: open ? [motion] : [] });
    if (phase === 'disarmed' && how === 'normal' && open) {
      expect(it.refused).toEqual([motion]);
      expect(it.state).toBe(standing.disarmed);
      return;
    }
    expect(it.refused).toEqual([]);
    expect(it.state.phase).toBe(phase === 'disarmed' ? (exit > 0 ? 'exit-delay' : 'armed') : phase);
    expect(it.state.delayUntil).toBe(
      phase === 'disarmed' ? (exit > 0 ? AT + s(exit) : null) : inPhase(phase).delayUntil,
    );
    expect(it.state.bypassed).toEqual(how === 'bypass' && open ? [motion] : []);
  });

  it.each(phases)('%s is disarmed at once, whatever runs', (phase) => {
    const it = subject({ ...inPhase(phase), bypassed: [motion] });
    expect(it.order(false, AT)).toMatchObject({ phase: 'disarmed', delayUntil: null, bypassed: [] });
  });

  it('drops what is bypassed when it is armed anew by force, and keeps it when it is armed anew as it is', () => {
    const it = subject({ ...neverOrdered, bypassed: [motion] });
    expect(it.order(true, 1, { how: 'normal' }).bypassed).toEqual([motion]);
    expect(it.order(true, 2, { how: 'force' }).bypassed).toEqual([]);
  });

  it('bypasses at the end of the exit delay what is open then, if it was armed so', () => {
    const it = subject(standing.disarmed);
    it.order(true, AT, { how: 'bypass', exitDelayMs: s(30) });
    expect(it.time(AT + s(30) - 1, [motion]).phase).toBe('exit-delay');
    expect(it.time(AT + s(30), [motion])).toMatchObject({ phase: 'armed', bypassed: [motion], delayUntil: null });
  });

  it('is armed exactly at the end of its delay, also before anybody has told it', () => {
    expect(phaseAt(standing['exit delay'], AT + s(12) - 1)).toBe('exit-delay');
    expect(phaseAt(standing['exit delay'], AT + s(12))).toBe('armed');
  });

  it('goes into the entry delay once, and from no other phase', () => {
    const it = subject();
    it.put({ kind: 'entered', at: 0, until: s(20) });
    it.put({ kind: 'entered', at: s(5), until: s(25) });
    expect(it.state).toMatchObject({ phase: 'entry-delay', delayUntil: s(20) });
    const off = subject(standing.disarmed);
    expect(off.put({ kind: 'entered', at: 0, until: s(20) })).toBe(standing.disarmed);
  });

  it('goes back after a timed order to what stood before the first of several', () => {
    const it = subject(neverOrdered);
    it.order(false, 0, { forMs: s(7_200), who: 'anna' });
    it.order(false, s(60), { forMs: s(3_600), who: 'ben' });
    expect(armingDue(it.state)).toBe(s(3_660));
    expect(it.time(s(3_660))).toMatchObject({ phase: 'armed', order: null, timed: null });
  });

  it('lets an edge during a timed order change what it goes back to, and nothing else', () => {
    const it = subject(standing.disarmed);
    it.order(true, AT, { forMs: s(3_600) });
    it.schedule(AT + s(600), true, AT + s(600));
    expect(it.state).toMatchObject({ phase: 'armed', order: { who: 'anna' }, timed: { back: { source: 'schedule' } } });
    it.schedule(AT + s(900), false, AT + s(900));
    expect(it.time(AT + s(3_600))).toMatchObject({ phase: 'disarmed', order: { source: 'schedule', armed: false } });
  });

  it('follows its schedule from the start, and after orders only from its next edge', () => {
    const it = subject();
    expect(it.schedule(0, false, null).phase).toBe('disarmed');
    it.order(true, 10);
    expect(it.schedule(20, false, null).phase).toBe('armed');
    expect(it.schedule(20, false, 10).phase).toBe('armed');
    expect(it.schedule(20, false, 11).phase).toBe('disarmed');
  });

  it('corrects at once what its schedule itself has ordered, and drops it when the schedule is gone', () => {
    const it = subject();
    it.schedule(0, false, null);
    expect(it.schedule(5, true, null).phase).toBe('armed');
    it.schedule(6, false, null);
    expect(it.put({ kind: 'unscheduled', at: 7 })).toEqual(neverOrdered);
    const ordered = subject(standing.disarmed);
    expect(ordered.put({ kind: 'unscheduled', at: 7 })).toBe(standing.disarmed);
  });

  it('keeps the length of what runs when the wall clock is set, and no order in the future', () => {
    const it = subject(standing['exit delay']);
    it.order(true, AT, { forMs: s(60) });
    expect(it.put({ kind: 'wall-set', at: AT - s(3_600), byMs: -s(3_600) })).toMatchObject({
      delayUntil: AT + s(12) - s(3_600),
      timed: { until: AT + s(60) - s(3_600) },
      order: { at: AT - s(3_600) },
    });
    expect(it.put({ kind: 'wall-set', at: AT, byMs: s(3_600) })).toMatchObject({ delayUntil: AT + s(12) });
    const quiet = subject(standing.disarmed);
    expect(quiet.put({ kind: 'wall-set', at: AT, byMs: 1 })).toBe(standing.disarmed);
  });

  it('has a delay exactly while a phase with a delay runs, whatever happens to it', () => {
    const time = fc.integer({ min: 0, max: 100 });
    const event = fc.oneof(
      fc.record({
        what: fc.constant('order' as const),
        armed: fc.boolean(),
        how: fc.constantFrom(...ways),
        exit: fc.constantFrom(0, 30),
        forMs: fc.constantFrom(null, 20),
        open: fc.boolean(),
        dt: time,
      }),
      fc.record({ what: fc.constant('time' as const), dt: time }),
      fc.record({ what: fc.constant('schedule' as const), armed: fc.boolean(), turned: fc.boolean(), dt: time }),
      fc.record({ what: fc.constant('entered' as const), dt: time }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const it = subject();
        let at = 0;
        for (const one of events) {
          at += one.dt;
          it.time(at);
          if (one.what === 'order') {
            const { armed, how, exit, forMs, open } = one;
            it.order(armed, at, { how, exitDelayMs: exit, forMs, open: open ? [motion] : [] });
          } else if (one.what === 'schedule') it.schedule(at, one.armed, one.turned ? at : null);
          else if (one.what === 'entered') it.put({ kind: 'entered', at, until: at + 10 });
          const { phase, delayUntil, bypassed, order: given } = it.state;
          expect(delayUntil !== null).toBe(phase === 'exit-delay' || phase === 'entry-delay');
          if (delayUntil !== null) expect(delayUntil).toBeGreaterThan(at);
          if (phase === 'disarmed') expect(bypassed).toEqual([]);
          expect(phase === 'disarmed').toBe(given !== null && !given.armed);
        }
      }),
    );
  });
});

/** Scopes of the table and of the code are the same words. */
const scopeOf = (scope: string | undefined): ArmingScope => scope as ArmingScope;
it('the table names every scope', () => {
  expect(table.map(({ scope }) => scopeOf(scope))).toEqual([
    'site',
    'area',
    'device',
    'channel',
    'trigger',
    'schedule',
    'action',
  ]);
});
