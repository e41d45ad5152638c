import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endInterval, type IntervalState, judgeInterval } from '../../engine/actions';
import type { ActionInterval, HeldBack } from '../../engine/domain/actions';
import type { AlarmPhase, MessageAlarm } from '../../engine/domain/alarms';
import { anAlarm } from '../outputs/bench-site';

const minute: ActionInterval = { everyMs: 60_000, tell: 'next' };
const digest: ActionInterval = { everyMs: 60_000, tell: 'digest' };

/** One action node and type, driven by phases of alarms; remembers what went out. */
function node(interval: ActionInterval = minute) {
  let state: IntervalState | null = null;
  let serial = 0;
  const self = {
    get state() {
      return state;
    },
    /** 'out' or 'held', with what it sums up. */
    ask(at: number, alarmId: string, phase: AlarmPhase = 'raise', fields: Partial<MessageAlarm> = {}, key?: string) {
      const alarm: MessageAlarm = { ...anAlarm(alarmId, 0, { type: 'motion', ...fields }), phase, ...fields };
      const subject = {
        nodeId: 'mail',
        nodeName: 'Mail',
        kind: 'email' as const,
        phase,
        deviceId: null,
        params: {},
        alarmId,
        alarm,
        key: key ?? `${alarmId}:${phase}:${serial++}`,
      };
      const verdict = judgeInterval(state, interval, subject, at);
      state = verdict.state;
      return verdict.acts
        ? { out: true, carries: verdict.carries?.count ?? 0 }
        : { out: false, reason: verdict.reason };
    },
    end(at: number, live: string[] = []): HeldBack | null {
      const over = endInterval(state!, interval, at, (id) => live.includes(id));
      state = over.state;
      return over.digest?.heldBack ?? null;
    },
  };
  return self;
}

const out = (carries = 0) => ({ out: true, carries });
const held = { out: false };

describe('the interval of an action', () => {
  it('lets the first out, holds back until its time is over, and sums up in the next', () => {
    const mail = node();
    expect(mail.ask(0, 'a')).toEqual(out());
    expect(mail.ask(1_000, 'b')).toMatchObject(held);
    expect(mail.ask(59_999, 'c')).toMatchObject(held);
    expect(mail.ask(60_000, 'd')).toEqual(out(2));
    expect(mail.ask(61_000, 'e')).toMatchObject(held);
    expect(mail.ask(120_000, 'f')).toEqual(out(1));
    expect(mail.ask(240_000, 'g')).toEqual(out());
  });

  it('counts from the one that went out, not from those that were held back', () => {
    const mail = node();
    mail.ask(0, 'a');
    for (let at = 10_000; at < 60_000; at += 10_000) expect(mail.ask(at, `x${at}`)).toMatchObject(held);
    expect(mail.ask(60_000, 'b')).toEqual(out(5));
  });

  it('says for how long, how many so far, and where they are told', () => {
    const mail = node();
    mail.ask(0, 'a');
    expect(mail.ask(20_500, 'b')).toEqual({
      out: false,
      reason: 'Held back: 39.5 s of the interval of 60 s are left; 1 so far, to be told in the first message after it',
    });
  });

  it.each<[string, AlarmPhase, Partial<MessageAlarm>]>([
    ['an escalation of the level', 'escalate', {}],
    ['a step of an escalation', 'escalate', { escalation: { nodeId: 'e', step: 1, round: 1, outputs: [0] } }],
    ['a fire', 'raise', { type: 'fire' }],
    ['smoke', 'raise', { type: 'smoke' }],
    ['a temperature alarm', 'raise', { type: 'temperature-alarm' }],
    ['the clear of a fire', 'clear', { type: 'fire' }],
  ])('never holds back %s, and moves no time for it', (_name, phase, fields) => {
    const mail = node();
    mail.ask(0, 'a');
    mail.ask(10_000, 'b');
    const until = mail.state?.until;
    expect(mail.ask(20_000, 'c', phase, fields)).toEqual(out(1));
    expect(mail.state?.until).toBe(until);
    expect(mail.ask(30_000, 'd')).toMatchObject(held);
  });

  it('tells the end to whom it told the beginning, at once, and to nobody else', () => {
    const mail = node();
    expect(mail.ask(0, 'a')).toEqual(out());
    expect(mail.ask(1_000, 'b')).toMatchObject(held);
    expect(mail.ask(2_000, 'a', 'clear')).toEqual(out());
    expect(mail.ask(3_000, 'b', 'clear')).toMatchObject(held);
    expect(mail.ask(4_000, 'a', 'end')).toEqual(out());
    expect(mail.ask(400_000, 'b', 'end')).toMatchObject(held);
    // The end of what nobody was told is no news, and is not counted as such.
    expect(mail.ask(400_001, 'c')).toEqual(out(1));
  });

  it('counts the end of an alarm like any other where the node does not tell beginnings', () => {
    const log = node();
    expect(log.ask(0, 'a', 'clear')).toEqual(out());
    expect(log.ask(1_000, 'b', 'clear')).toMatchObject(held);
    expect(log.ask(60_000, 'c', 'clear')).toEqual(out(1));
  });

  it('tells an alarm by its reminder when its beginning was held back, and then its end', () => {
    const mail = node();
    mail.ask(0, 'a');
    expect(mail.ask(1_000, 'b')).toMatchObject(held);
    expect(mail.ask(61_000, 'b', 'remind')).toEqual(out(1));
    expect(mail.ask(62_000, 'b', 'clear')).toEqual(out());
  });

  it('decides on a message that is sent again as it did before, and counts it once', () => {
    const mail = node();
    expect(mail.ask(0, 'a', 'raise', {}, 'k1')).toEqual(out());
    expect(mail.ask(10, 'a', 'raise', {}, 'k1')).toEqual(out());
    expect(mail.ask(1_000, 'b', 'raise', {}, 'k2')).toMatchObject(held);
    expect(mail.ask(70_000, 'b', 'raise', {}, 'k2')).toMatchObject(held);
    expect(mail.ask(71_000, 'c', 'raise', {}, 'k3')).toEqual(out(1));
  });

  it('sends a digest of what it held back when the time is over, and keeps its distance from that too', () => {
    const mail = node(digest);
    mail.ask(0, 'a');
    mail.ask(1_000, 'b');
    mail.ask(2_000, 'c', 'raise', { deviceName: 'Gate' });
    mail.ask(3_000, 'd');
    expect(mail.end(60_000)).toMatchObject({
      count: 3,
      firstAt: 1_000,
      lastAt: 3_000,
      groups: [
        { deviceName: 'Hall', type: 'motion', phase: 'raise', count: 2, firstAt: 1_000, lastAt: 3_000 },
        { deviceName: 'Gate', type: 'motion', phase: 'raise', count: 1, firstAt: 2_000, lastAt: 2_000 },
      ],
      others: 0,
    });
    expect(mail.ask(60_001, 'e')).toMatchObject(held);
    expect(mail.end(120_000)).toMatchObject({ count: 1 });
    expect(mail.end(180_000)).toBeNull();
    expect(mail.state).toBeNull();
  });

  it('keeps nothing once its time is over, nothing is held and no alarm of it lives', () => {
    const mail = node();
    mail.ask(0, 'a');
    expect(mail.end(60_000, ['a'])).toBeNull();
    expect(mail.ask(61_000, 'a', 'clear')).toEqual(out());
    expect(mail.end(120_000)).toBeNull();
    expect(mail.state).toBeNull();
  });

  it('stays small whatever comes, and counts all of it', () => {
    const mail = node();
    mail.ask(0, 'a');
    for (let i = 0; i < 3_000; i++) mail.ask(1, `x${i}`, 'raise', { deviceName: `Camera ${i}` });
    expect(JSON.stringify(mail.state).length).toBeLessThan(200_000);
    expect(mail.state?.held).toMatchObject({ count: 3_000, others: 2_950 });
    expect(mail.ask(60_000, 'b')).toEqual(out(3_000));
  });

  it('loses none: what went out and what is summed up is everything that was asked for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 90_000 }), fc.boolean()), { maxLength: 60 }),
        fc.constantFrom(minute, digest),
        (steps, interval) => {
          const mail = node(interval);
          let at = 0;
          let told = 0;
          let lastOut = Number.NEGATIVE_INFINITY;
          steps.forEach(([wait, timer], index) => {
            const before = at;
            at += wait;
            // The durable timer of the interval's end.
            if (timer && mail.state && mail.state.until > before && mail.state.until <= at) {
              const due = mail.state.until;
              const sum = mail.end(due);
              told += sum?.count ?? 0;
              if (sum) lastOut = due;
            }
            const verdict = mail.ask(at, `x${index}`);
            if (!verdict.out) return;
            told += 1 + (verdict.carries ?? 0);
            expect(at - lastOut).toBeGreaterThanOrEqual(60_000);
            lastOut = at;
          });
          expect(told + (mail.state?.held?.count ?? 0)).toBe(steps.length);
        },
      ),
    );
  });
});
