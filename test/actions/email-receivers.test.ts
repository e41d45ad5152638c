import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emailHandler } from '../../engine/actions/email';
import { systemClock } from '../../engine/clock/system-clock';
import { MailDesk } from '../support/mail-desk';
import { openPostOffice, type PostOffice } from '../support/smtp-post-office';
import { anEmail, aRow, aServer } from './action-bench';

let office: PostOffice;
let desk: MailDesk;
beforeAll(async () => {
  office = await openPostOffice();
});
afterAll(() => office.close());
beforeEach(() => {
  office.delivered.length = 0;
  desk = new MailDesk(aServer(office.port));
  desk.parts.schedule = (id) =>
    id === 'nights'
      ? { armed: false, detail: 'schedule "Nights" is not armed until Mon 18:00' }
      : { armed: true, detail: 'always' };
});

const group = (kind: string, address: string, scheduleId: string | null = null) => ({
  kind,
  addresses: [address],
  scheduleId,
});
const row = (params: Record<string, unknown>) =>
  aRow('email', anEmail(params), { deadlineAt: systemClock.now() + 3_600_000 });

describe('receivers', () => {
  it('stand in To and Cc, and blind ones in neither', async () => {
    await desk.send(row({ more: [group('cc', 'boss@example.com'), group('bcc', 'log@example.com')] }));
    const { to, mail, raw } = office.delivered[0]!;
    expect(to).toEqual(['guard@example.com', 'boss@example.com', 'log@example.com']);
    expect(mail.to?.map(({ address }) => address)).toEqual(['guard@example.com']);
    expect(mail.cc?.map(({ address }) => address)).toEqual(['boss@example.com']);
    expect(raw).not.toContain('log@example.com');
  });

  it('are all undisclosed where all are blind', async () => {
    await desk.send(row({ to: [], more: [group('bcc', 'a@example.com'), group('bcc', 'b@example.com')] }));
    expect(office.delivered[0]!.to).toEqual(['a@example.com', 'b@example.com']);
    expect(office.delivered[0]!.raw).toMatch(/^To: "?undisclosed-recipients"?:;\r$/m);
  });

  it('are left out while their schedule is not armed, and the journal says who and why', async () => {
    const more = [group('to', 'night@example.com', 'nights'), group('to', 'day@example.com', 'days')];
    const done = await desk.send(row({ more }));
    expect(office.delivered[0]!.to).toEqual(['guard@example.com', 'day@example.com']);
    expect(done.summary).toContain('not to night@example.com: schedule "Nights" is not armed until Mon 18:00');
  });

  it('are asked of their schedule at the moment of the request, whenever the mail gets through', async () => {
    const asked: number[] = [];
    desk.parts.schedule = (_id, at) => {
      asked.push(at);
      return { armed: true, detail: '' };
    };
    const made = row({ more: [group('to', 'night@example.com', 'nights')] });
    await desk.send(made);
    expect(asked).toEqual([made.requestedAt]);
  });

  it('of two groups get one mail', async () => {
    const more = [group('cc', 'Guard@Example.com', 'days'), group('bcc', 'guard@example.com', 'nights')];
    const done = await desk.send(row({ more }));
    expect(office.delivered[0]!.to).toEqual(['guard@example.com']);
    expect(done.summary).not.toContain('not to');
  });

  it('who are all outside their period make a mail that is skipped with the reason', async () => {
    const done = await desk.send(row({ to: [], more: [group('to', 'night@example.com', 'nights')] }));
    expect(done).toMatchObject({
      status: 'skipped',
      summary: expect.stringMatching(/^Nobody to mail now: not to night/),
    });
    expect(office.delivered).toEqual([]);
  });

  it.each([
    [[{ kind: 'to', addresses: [], scheduleId: null }], 'at least one'],
    [[{ kind: 'to', addresses: ['x'], scheduleId: null }], 'no mail address'],
    [[{ kind: 'from', addresses: ['a@example.com'], scheduleId: null }], 'one of'],
    [[{ kind: 'to', addresses: ['a@example.com'], scheduleId: 7 }], 'schedule'],
    [['a@example.com'], 'groups'],
    ['a@example.com', 'groups'],
  ])('that are none (%j) are refused in words', (more, words) => {
    expect(() => emailHandler(desk.parts).check(anEmail({ more }))).toThrow(words);
  });
});

describe('a rehearsal', () => {
  it('says what would be sent, to whom and by which server, and sends nothing', () => {
    const more = [group('to', 'night@example.com', 'nights')];
    const words = emailHandler(desk.parts).rehearse!(row({ more, picture: 'three', clip: 5 }));
    expect(words).toBe(
      `"Temperature alarm: Hall camera (Depot)" to 1 receiver by 127.0.0.1:${office.port} with three pictures and a clip of 5 s; not to night@example.com: schedule "Nights" is not armed until Mon 18:00`,
    );
    expect(office.delivered).toEqual([]);
  });
});
