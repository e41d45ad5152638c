import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emailHandler } from '../../engine/actions/email';
import type { Clock } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { jpeg, MailDesk, recordedCamera } from '../support/mail-desk';
import { until } from '../support/recording-sink';
import { openPostOffice, type PostOffice } from '../support/smtp-post-office';
import { anAlarm, anEmail, aRow, aServer } from './action-bench';

const NOW = systemClock.now();
/** Waits are real, but no mail comes later after its alarm than the test says, however slow the machine is. */
const standing: Clock = { ...systemClock, now: () => NOW };
let office: PostOffice;
let desk: MailDesk;
beforeAll(async () => {
  office = await openPostOffice();
});
afterAll(() => office.close());
beforeEach(() => {
  office.delivered.length = 0;
  desk = new MailDesk(aServer(office.port), standing);
});

const KEY = 'alarm-1:node-1:raise';
const MEDIA = `${KEY}:media`;

function aRaise(params = {}, fields: Partial<ActionRow> = {}, alarm = {}): ActionRow {
  const now = NOW;
  const raised = { raisedAt: now, event: { ...anAlarm().event, receivedAt: now - 60_000 }, ...alarm };
  return aRow('email', anEmail(params), {
    alarm: { ...anAlarm(raised), phase: 'raise' },
    requestedAt: now,
    deadlineAt: now + 3_600_000,
    ...fields,
  });
}

const names = (at: number): (string | null)[] =>
  office.delivered[at]!.mail.attachments.map(({ filename }) => filename).sort();

describe('three pictures around the alarm', () => {
  it('follow the text, which goes at once because one of them is still to come', async () => {
    const { asked } = recordedCamera(desk);
    const row = aRaise({ picture: 'three' });
    const done = await desk.send(row);
    // The text was not held up even by asking.
    expect(asked).toEqual([]);
    expect(done).toMatchObject({
      status: 'done',
      summary: expect.stringContaining('pictures follow in a mail of their own'),
    });
    expect(office.delivered[0]!.mail.text).toContain('Pictures follow in an answer to this mail');
    expect(names(0)).toEqual([]);

    await desk.drain();
    expect(asked.at(-1)).toEqual([-1_000, 0, 1_000].map((ms) => row.alarm!.raisedAt + ms));
    expect(names(1)).toEqual(['after.jpg', 'alarm.jpg', 'before.jpg']);
    expect(office.delivered[1]!.mail.text).toContain(
      'Attached: 3 pictures: 1 s before the alarm, at the alarm, 1 s after the alarm.',
    );
    expect(desk.rows.get(MEDIA)).toMatchObject({ status: 'done', kind: 'email' });
  });

  it('come with the text where the recording has them at once', async () => {
    recordedCamera(desk);
    await desk.send(aRaise({ picture: 'three' }, {}, { raisedAt: NOW - 5_000 }));
    expect(names(0)).toEqual(['after.jpg', 'alarm.jpg', 'before.jpg']);
    expect(desk.rows.has(MEDIA)).toBe(false);
    const html = office.delivered[0]!.mail.html!;
    for (const { contentId } of office.delivered[0]!.mail.attachments)
      expect(html).toContain(`cid:${contentId!.replace(/[<>]/g, '')}`);
  });

  it('are told where one is missing', async () => {
    recordedCamera(desk, { without: 0 });
    const done = await desk.send(aRaise({ picture: 'three' }, {}, { raisedAt: NOW - 5_000 }));
    expect(done.summary).toContain('less than asked for: the recording has none 1 s before the alarm');
  });

  it('are live ones where the camera is not recorded, and said to be', async () => {
    desk.snapshot = async () => ({ contentType: 'image/jpeg', bytes: jpeg });
    await desk.send(aRaise({ picture: 'three' }));
    await desk.drain();
    expect(names(1)).toEqual(['snapshot-1.jpg', 'snapshot-2.jpg', 'snapshot-3.jpg']);
    expect(office.delivered[1]!.mail.text).toContain('the camera is not recorded here');
  });
});

describe('one picture', () => {
  it('that is late delays the text by 0.7 s at most, and follows', async () => {
    const clock = new VirtualClock(NOW);
    desk = new MailDesk(aServer(office.port), clock);
    let comes = (): void => undefined;
    const picture = new Promise<void>((resolve) => {
      comes = resolve;
    });
    let asked = 0;
    desk.snapshot = async () => {
      asked++;
      await picture;
      return { contentType: 'image/jpeg', bytes: jpeg };
    };
    const sent = desk.send(aRaise({ picture: 'event-or-snapshot' }));
    await until('the camera is asked', () => asked === 1);
    await clock.advance(700);
    await sent;
    expect(names(0)).toEqual([]);
    comes();
    await desk.drain();
    expect(names(1)).toEqual(['snapshot.jpg']);
  });

  it('that never comes leaves the text alone, and the reason in the journal', async () => {
    desk.snapshot = async (signal) => {
      await systemClock.sleep(900, signal);
      throw new Error('no lens');
    };
    await desk.send(aRaise({ picture: 'event-or-snapshot' }));
    await desk.drain();
    expect(office.delivered).toHaveLength(1);
    expect(desk.rows.get(MEDIA)).toMatchObject({ status: 'skipped', summary: expect.stringContaining('no lens') });
  });

  it('comes from the recording where the event has none', async () => {
    recordedCamera(desk);
    await desk.send(aRaise({ picture: 'event-or-snapshot' }));
    expect(names(0)).toEqual(['alarm.jpg']);
  });
});

describe('a clip', () => {
  it('follows the text, which has the picture that is there', async () => {
    recordedCamera(desk);
    const shown: unknown[] = [];
    desk.parts.record = { commit: async ({ alarmMedia }) => void shown.push(...(alarmMedia ?? [])) };
    const { summary } = await desk.send(aRaise({ picture: 'event-or-snapshot', clip: 5 }));
    expect(summary).toContain('the clip follows in a mail of its own');
    await desk.drain();
    expect([names(0), names(1)]).toEqual([['alarm.jpg'], ['clip.mp4']]);
    expect(office.delivered[0]!.mail.text).toContain(
      'The clip follows in an answer to this mail, if the camera has it.',
    );
    expect(office.delivered[1]!.mail.text).toContain('a clip of 5 s');
    expect(shown).toEqual([
      expect.objectContaining({ alarmId: 'alarm-1', mediaId: 'clip-1', kind: 'clip', deviceId: 'cam', channel: 2 }),
    ]);
  });

  it('of a camera that is not recorded is missed in words, at once', async () => {
    const done = await desk.send(aRaise({ clip: 3 }));
    expect(office.delivered).toHaveLength(1);
    expect(office.delivered[0]!.mail.text).toContain('The clip is missing: ');
    expect(done.summary).toContain('is not recorded here');
  });

  it('that does not fit is told with its size', async () => {
    recordedCamera(desk, { clipBytes: 9 * 1024 * 1024 });
    const done = await desk.send(aRaise({ clip: 3 }, {}, { raisedAt: NOW - 60_000 }));
    expect(done.summary).toContain('no clip: the clip (9.0 MB) does not fit into a mail');
    desk.server = { ...desk.server, mostBytes: 20 * 1024 * 1024 };
    await desk.send(aRaise({ clip: 3 }, { key: 'other' }, { raisedAt: NOW - 60_000 }));
    expect(names(1)).toEqual(['clip.mp4']);
  });
});

describe('a crash', () => {
  it('after the text was decided leaves both mails, each once', async () => {
    recordedCamera(desk);
    const row = aRaise({ picture: 'three' });
    desk.ask(row);
    // The process ends when the text is being sent: nothing of it has an outcome.
    const { add } = desk.parts.mailRows!;
    desk.parts.mailRows!.add = async (followUp) => {
      await add(followUp);
      throw new Error('killed');
    };
    await desk.attempt(row.key);
    desk.parts.mailRows!.add = add;
    desk.rows.set(row.key, { ...desk.rows.get(row.key)!, status: 'running' });
    desk.restart();

    // Now all three pictures would be there at once, but the follow-up is on record.
    desk.rows.set(row.key, { ...desk.rows.get(row.key)!, alarm: { ...row.alarm!, raisedAt: NOW - 9_000 } });
    await desk.attempt(row.key);
    await desk.attempt(MEDIA);
    expect([names(0), names(1)]).toEqual([[], ['after.jpg', 'alarm.jpg', 'before.jpg']]);
    expect(office.delivered).toHaveLength(2);
  });

  it('of the follow-up alone sends it once more under its own id', async () => {
    recordedCamera(desk);
    await desk.send(aRaise({ picture: 'three' }));
    await desk.attempt(MEDIA);
    desk.rows.set(MEDIA, { ...desk.rows.get(MEDIA)!, status: 'running' });
    await desk.attempt(MEDIA);
    const [, first, second] = office.delivered.map(({ mail }) => mail.messageId);
    expect(second).toBe(first);
  });

  it('does not let pictures overtake their text', async () => {
    recordedCamera(desk);
    const row = aRaise({ picture: 'three' });
    desk.ask(row);
    desk.rows.set(MEDIA, {
      ...row,
      key: MEDIA,
      status: 'queued',
      params: { ...row.params, followUp: { of: KEY, pictures: true, clip: false } },
    });
    expect(await desk.attempt(MEDIA)).toMatchObject({ kind: 'again', delayMs: 2_000 });
    expect(office.delivered).toEqual([]);
    desk.rows.set(KEY, { ...desk.rows.get(KEY)!, status: 'failed', summary: 'refused' });
    await desk.attempt(MEDIA);
    expect(desk.rows.get(MEDIA)).toMatchObject({ status: 'failed', errorCode: 'E_MAIL_FIRST' });
  });
});

describe('a test', () => {
  it('is one mail that says so, with its picture, whatever the phase', async () => {
    desk.snapshot = async (signal) => {
      await systemClock.sleep(900, signal);
      return { contentType: 'image/jpeg', bytes: jpeg };
    };
    const row = aRaise({ picture: 'event-or-snapshot', phases: ['end'] });
    const signal = new AbortController().signal;
    const result = await emailHandler(desk.parts).execute({ row, attempt: 1, signal, test: true });
    expect(result.status).toBe('done');
    expect(office.delivered).toHaveLength(1);
    expect(office.delivered[0]!.mail.subject).toMatch(/^\[Test\] /);
    expect(office.delivered[0]!.mail.text).toContain('This is a test');
    expect(names(0)).toEqual(['snapshot.jpg']);
    expect(desk.rows.size).toBe(0);
  });
});

describe('links to answer an alarm', () => {
  const links = {
    acknowledge: 'https://site.example/a?x=1&y="2"',
    snooze: 'https://site.example/s',
    falseAlarm: 'javascript:alert(1)',
  };

  it('stand at the end of text and HTML, web addresses alone, and not once it has cleared', async () => {
    const asked: unknown[] = [];
    desk.parts.links = ({ alarmId }, ...about) => {
      asked.push([alarmId, ...about]);
      return links;
    };
    await desk.send(aRaise({ links: true }));
    expect(asked).toEqual([['alarm-1', 'guard@example.com', 'mail']]);
    const { text, html } = office.delivered[0]!.mail;
    expect(text).toMatch(/\n\nAcknowledge: https:\/\/site\.example\/a\S+\nSnooze: {6}https:\/\/site\.example\/s\n$/);
    expect(html).toContain('href="https://site.example/a?x=1&amp;y=&quot;2&quot;"');
    expect(html).not.toContain('javascript:');
    await desk.send(aRaise({ links: true }, { phase: 'clear', key: 'alarm-1:node-1:clear:m' }));
    expect(office.delivered[1]!.mail.text).not.toContain('Acknowledge');
  });

  it('are not there where the site has switched them off, or the node does not ask for them', async () => {
    desk.parts.links = async () => null;
    await desk.send(aRaise({ links: true }));
    desk.parts.links = () => links;
    await desk.send(aRaise({}, { key: 'other' }));
    for (const { mail } of office.delivered) expect(mail.html).not.toContain('<a ');
  });
});

describe('the HTML of a mail', () => {
  it('says what the text says, with facts as a table and nothing of a device as markup', async () => {
    const evil = '<img src=x onerror=alert(1)> & "Hall"';
    await desk.send(aRaise({}, {}, { deviceName: evil }));
    const { html } = office.delivered[0]!.mail;
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt; &amp; &quot;Hall&quot;');
    expect(html).not.toContain('<img');
    expect(html).toMatch(/<tr><td>Temperature<\/td><td>81\.3 °C<\/td><\/tr>/);
    expect(html).toContain('name="color-scheme" content="light dark"');
  });
});
