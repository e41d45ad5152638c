import { describe, expect, it } from 'vitest';
import { describeWhy } from '../../engine/cli/why';
import type { FollowedAction, WhyAnswer } from '../../engine/domain/why';

const action = (over: Partial<FollowedAction>): FollowedAction => ({
  key: 'k',
  nodeName: 'Mail',
  kind: 'email',
  phase: 'raise',
  status: 'done',
  summary: 'accepted',
  errorCode: null,
  attempts: 1,
  durationMs: 240,
  requestedAt: 0,
  finishedAt: 1_000,
  ...over,
});

const linesOf = (over: Partial<FollowedAction>): string =>
  describeWhy({
    subject: { title: 'Alarm', at: 0, id: 'a' },
    verdict: '',
    notes: [],
    triggers: [],
    followed: [
      {
        alarm: { id: 'a', endedAt: null, state: 'active', topic: 't' },
        life: [],
        waitsFor: null,
        actions: [action(over)],
        outputs: [],
      },
    ],
  } as unknown as WhyAnswer).find((line) => line.includes('"Mail"'))!;

describe('what alarmflow why tells of an action', () => {
  it.each<[string, Partial<FollowedAction>, string]>([
    ['done at the first try', {}, 'email "Mail" at raise: done, took 0.2 s: accepted'],
    ['in no time', { durationMs: 12 }, 'done, took 0.01 s: accepted'],
    [
      'failed after several tries',
      { status: 'failed', errorCode: 'E_MAIL_AWAY', attempts: 3, summary: 'the server is away' },
      'failed (E_MAIL_AWAY), 3 tries, the last took 0.2 s: the server is away',
    ],
    ['held back', { status: 'skipped', attempts: 0, durationMs: 0, summary: 'Held back' }, 'skipped: Held back'],
    ['expired', { status: 'expired', errorCode: 'E_EXPIRED', durationMs: 0 }, 'expired (E_EXPIRED): accepted'],
    ['not begun', { status: 'queued', attempts: 0, durationMs: null, summary: null }, 'at raise: queued'],
  ])('that was %s', (_name, over, expected) => expect(linesOf(over)).toContain(expected));
});
