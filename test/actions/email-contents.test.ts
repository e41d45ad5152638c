import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { userError } from '../../engine/domain/errors';
import { openPostOffice, type PostOffice } from '../support/smtp-post-office';
import { ActionBench, anAlarm, anEmail, aRow, aServer, RAISED } from './action-bench';

let office: PostOffice;
let bench: ActionBench;
beforeAll(async () => {
  office = await openPostOffice();
});
afterAll(() => office.close());
beforeEach(() => {
  office.delivered.length = 0;
  bench = new ActionBench();
  bench.server = aServer(office.port);
});

async function mailOf(params: Record<string, unknown>, fields: Partial<ActionRow> = {}) {
  const result = await bench.run(aRow('email', anEmail(params), fields));
  const [delivered] = office.delivered.slice(-1);
  return { result, mail: delivered!.mail, raw: delivered!.raw, to: delivered!.to };
}

describe('the text of a mail', () => {
  it('says by itself what happened where, and leaves out what the alarm does not say', async () => {
    const { mail } = await mailOf({});
    expect(mail.subject).toBe('Temperature alarm: Hall camera (Depot)');
    expect(mail.text).toMatch(/^Temperature alarm on Hall camera, 2026-11-21 \d\d:00:00 \S+\./);
    expect(mail.text).toContain('Temperature: 81.3 °C');
    expect(mail.text).toContain('Threshold:   60 °C');
    expect(mail.text).toContain('Channel:     2');
    expect(mail.text).not.toContain('Input:');
    expect(mail.text).not.toContain('Cleared:');
    expect(mail.text).not.toContain('{{');
  });

  it.each([
    ['escalate', 'Getting worse: '],
    ['remind', 'Still on: '],
    ['clear', 'Cleared: '],
    ['end', 'Over: '],
  ] as const)('tells the phase %s in its first line, under the subject of the raise', async (phase, begin) => {
    const clearedAt = RAISED + 125_000;
    const alarm = { ...anAlarm({ clearedAt, endedAt: clearedAt, endReason: 'cleared' }), phase };
    const { mail } = await mailOf({}, { phase, alarm });
    expect(mail.subject).toBe('Re: Temperature alarm: Hall camera (Depot)');
    expect(mail.text?.startsWith(begin)).toBe(true);
    expect(mail.text).toContain('Lasted:      2 min 5 s');
  });

  it.each([
    [1, 1, 'To acknowledge: '],
    [2, 1, 'Not acknowledged, step 2: '],
    [1, 3, 'Not acknowledged, step 1, round 3: '],
  ])('asks for an acknowledgement in step %i of round %i of an escalation', async (step, round, begin) => {
    const escalation = { nodeId: 'e', step, round, outputs: [0] };
    const { mail } = await mailOf({}, { phase: 'escalate', alarm: { ...anAlarm(), phase: 'escalate', escalation } });
    expect(mail.subject).toBe('Re: Temperature alarm: Hall camera (Depot)');
    expect(mail.text?.startsWith(begin)).toBe(true);
  });

  const heldBack = {
    count: 4,
    firstAt: RAISED - 60_000,
    lastAt: RAISED - 1_000,
    groups: [
      {
        deviceName: 'Gate',
        type: 'motion',
        phase: 'raise',
        count: 3,
        firstAt: RAISED - 60_000,
        lastAt: RAISED - 1_000,
      },
    ],
    others: 1,
  };

  it('sums up below its own text what the interval has held back', async () => {
    const { mail, result } = await mailOf({ text: 'Look at {{alarm.deviceName}}', heldBack });
    expect(mail.text).toMatch(
      /^Look at Hall camera\n\nHeld back by the mail interval \(4\):\n\S+ \S+ \S+ – \S+ \S+ \S+ {2}3 × Alarm: \w+.* on Gate\nand 1 more\n/,
    );
    expect(result.summary).toContain('the interval had held back 4 before it');
  });

  it('does so where the template says, and then not again', async () => {
    const { mail } = await mailOf({ text: '{{heldBackCount}} before:\n{{heldBack}}\nThat is all.', heldBack });
    expect(mail.text).toMatch(/^4 before:\n.*3 × .*\nand 1 more\nThat is all\.\n/);
    expect(mail.text).not.toContain('Held back by');
  });

  it('is a digest when it stands for them alone', async () => {
    const { mail } = await mailOf({ heldBack, digest: true });
    expect(mail.subject).toBe('4 held back: Temperature alarm: Hall camera (Depot)');
    expect(mail.text).toMatch(/^The mail interval has held back 4 since the last mail\. The last was:/);
    expect(mail.text).toContain('and 1 more');
    expect((await mailOf({ subject: 'At {{site}}', heldBack, digest: true })).mail.subject).toBe(
      '4 held back: At Depot',
    );
  });

  it('is readable for a plain message', async () => {
    const { mail } = await mailOf({}, { phase: 'message', alarmId: null, key: 'msg:node-1:1' });
    expect(mail.subject).toBe('Message from Mail to the guard (Depot)');
    expect(mail.text).not.toContain('{{');
  });

  it('follows the templates of the node; unknown names stay visible, missing values are a dash', async () => {
    const { mail } = await mailOf({
      subject: '{{alarm.type}} {{ alarm.level }} {{phase}} {{alarm.inptu}}',
      text: 'T={{temperature}} in={{alarm.input}} {{constructor}} {{__proto__}} {{alarm.toString}} <%= 7*7 %>',
    });
    expect(mail.subject).toBe('temperature-alarm alarm raise {{alarm.inptu}}');
    expect(mail.text!.trim()).toBe('T=81.3 °C in=– {{constructor}} {{__proto__}} {{alarm.toString}} <%= 7*7 %>');
  });

  it('does not expand what a device has put into a value', async () => {
    const alarm = { ...anAlarm({ deviceName: '{{alarm.id}} $& $1' }), phase: 'raise' as const };
    const { mail } = await mailOf({ text: '{{alarm.deviceName}}' }, { alarm });
    expect(mail.text!.trim()).toBe('{{alarm.id}} $& $1');
  });

  it('is not sent for a phase that is not asked for', async () => {
    const row = aRow('email', anEmail({ phases: ['raise'] }), { phase: 'clear' });
    expect(await bench.run(row)).toEqual({ status: 'skipped', summary: 'No mail is asked for at the phase "clear"' });
    expect(office.delivered).toEqual([]);
  });

  it('keeps characters of every language', async () => {
    const { mail } = await mailOf({ subject: 'Überhitzung 過熱 🔥', text: 'Zu heiß: 過熱 🔥\n.\n.. fertig' });
    expect(mail.subject).toBe('Überhitzung 過熱 🔥');
    expect(mail.text).toBe('Zu heiß: 過熱 🔥\n.\n.. fertig\n');
  });
});

describe('hostile values', () => {
  const evil = 'Hall\r\nBcc: victim@example.com\r\n\r\n<script>\u0000\u2028X-Evil: 1';

  it('begin no header and no body by way of the subject', async () => {
    const alarm = { ...anAlarm({ deviceName: evil, triggerName: evil }), phase: 'raise' as const };
    const { mail, raw, to } = await mailOf(
      { subject: '{{alarm.deviceName}}\r\nX-Template: 1' },
      { alarm, nodeName: evil },
    );
    const headers = raw.slice(0, raw.indexOf('\r\n\r\n'));
    expect(headers).not.toMatch(/^(Bcc|X-Evil|X-Template):/im);
    expect(mail.subject).toBe('Hall Bcc: victim@example.com <script> X-Evil: 1 X-Template: 1');
    expect(mail.headers.map((header) => header.key)).not.toContain('bcc');
    expect(to).toEqual(['guard@example.com']);
  });

  it('do not make a header of any length', async () => {
    const alarm = { ...anAlarm({ deviceName: 'x'.repeat(100_000) }), phase: 'raise' as const };
    const { mail } = await mailOf({ subject: '{{alarm.deviceName}}' }, { alarm });
    expect(mail.subject!.length).toBeLessThanOrEqual(200);
  });

  it('add no lines to the text that look like ours, nor a link among them', async () => {
    const lying = 'Hall\n\nAcknowledge: https://evil.example/\nCleared: now';
    const event = { ...anAlarm().event, description: lying, channelName: lying };
    const alarm = { ...anAlarm({ deviceName: lying, rule: lying, target: lying, event }), phase: 'raise' as const };
    for (const text of ['', '{{alarm.description}}; {{alarm.channelName}}']) {
      const { mail } = await mailOf({ text }, { alarm });
      expect(mail.text).not.toMatch(/^(Acknowledge|Cleared):/m);
      expect(mail.text).toContain('Hall Acknowledge: https://evil.example/ Cleared: now');
      expect(mail.html).not.toMatch(/<a [^>]*evil/);
    }
  });

  it('do not turn the direction of what stands behind them', async () => {
    const turned = 'Hall \u202egnp.evil\u2066 \u05e9\u05dc\u05d5\u05dd';
    const alarm = { ...anAlarm({ deviceName: turned }), phase: 'raise' as const };
    const { mail } = await mailOf({}, { alarm });
    for (const part of [mail.subject!, mail.text!, mail.html!]) {
      expect(part).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
      expect(part).toContain('Hall gnp.evil \u05e9\u05dc\u05d5\u05dd');
    }
  });

  it('do not name an attachment', async () => {
    bench.cameras.get('cam')!.picture = async () => ({
      contentType: 'image/jpeg\r\nX-Evil: 1; name="../../x"',
      bytes: Buffer.from('picture'),
    });
    const { mail, raw } = await mailOf({ picture: 'event-or-snapshot' });
    expect(raw).not.toMatch(/^X-Evil:/im);
    expect(mail.attachments[0]).toMatchObject({ filename: 'snapshot.jpg', mimeType: 'image/jpeg' });
  });
});

describe('the identity of a mail', () => {
  it('is the same when it is sent twice for one key', async () => {
    const first = await mailOf({});
    const second = await mailOf({});
    expect(first.mail.messageId).toMatch(/^<[0-9a-f]{40}@example\.com>$/);
    expect(second.mail.messageId).toBe(first.mail.messageId);
  });

  it('is another for another key', async () => {
    const raise = await mailOf({});
    const other = await mailOf({}, { key: 'alarm-2:node-1:raise' });
    expect(other.mail.messageId).not.toBe(raise.mail.messageId);
  });

  it('answers no absence notice', async () => {
    const { raw } = await mailOf({});
    expect(raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
  });
});

describe('the picture of a mail', () => {
  const jpeg = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256));

  it('is the one of the event, byte for byte', async () => {
    bench.kept.push({ contentType: 'image/jpeg', bytes: jpeg });
    const event = {
      ...anAlarm().event,
      pictures: [{ mediaId: 'media-1', contentType: 'image/jpeg', size: jpeg.length }],
    };
    const { mail, result } = await mailOf(
      { picture: 'event-or-snapshot' },
      { alarm: { ...anAlarm({ event }), phase: 'raise' } },
    );
    expect(Buffer.from(mail.attachments[0]!.content as ArrayBuffer).equals(jpeg)).toBe(true);
    expect(mail.attachments[0]).toMatchObject({ filename: 'event-1.jpg', mimeType: 'image/jpeg' });
    expect(bench.cameras.get('cam')!.asked).toEqual([]);
    expect(result.summary).toContain('1 picture');
  });

  it('is waited for briefly when it follows its event', async () => {
    bench.kept.push({ contentType: 'image/png', bytes: jpeg });
    let looks = 0;
    bench.eventPictures = async () =>
      ++looks < 3 ? [] : [{ mediaId: 'media-1', contentType: 'image/png', size: jpeg.length }];
    // Not so long ago that it is not waited for any more, however late this machine is.
    const event = { ...anAlarm().event, receivedAt: Date.now() + 10_000 };
    const { mail } = await mailOf(
      { picture: 'event-or-snapshot' },
      { alarm: { ...anAlarm({ event }), phase: 'raise' } },
    );
    expect(mail.attachments[0]).toMatchObject({ filename: 'event-1.png' });
  });

  it('is a snapshot of the channel of the alarm when the event has none', async () => {
    const { mail } = await mailOf({ picture: 'event-or-snapshot' });
    expect(bench.cameras.get('cam')!.asked).toEqual(['snapshot 2']);
    expect(mail.attachments).toHaveLength(1);
  });

  it('is a snapshot of the camera that the node names', async () => {
    await mailOf({ picture: 'event-or-snapshot', snapshotDeviceId: 'yard', snapshotChannel: 3 });
    await mailOf({ picture: 'event-or-snapshot', snapshotDeviceId: 'yard' });
    expect(bench.cameras.get('yard')!.asked).toEqual(['snapshot 3', 'snapshot 1']);
  });

  it('is a snapshot when the event pictures cannot be read', async () => {
    bench.eventPictures = () => Promise.reject(new Error('record closed'));
    const { mail } = await mailOf({ picture: 'event-or-snapshot' });
    expect(mail.attachments).toHaveLength(1);
  });

  it.each([
    [
      'the camera fails',
      () => Promise.reject(userError('E_NOT_SUPPORTED', '"Hall camera" has no snapshots')),
      'has no snapshots',
    ],
    [
      'the picture is too large',
      async () => ({ contentType: 'image/jpeg', bytes: Buffer.alloc(8 * 1024 * 1024) }),
      'too large',
    ],
  ])('is missed in words when %s; the text goes out', async (_case, picture, words) => {
    bench.cameras.get('cam')!.picture = picture;
    const { mail, result } = await mailOf({ picture: 'event-or-snapshot', text: 'Hot!' });
    expect(mail.text).toMatch(/^Hot!\n\nThe picture is missing: /);
    expect(mail.text).toContain(words);
    expect(mail.attachments).toEqual([]);
    expect(result).toMatchObject({ status: 'done', summary: expect.stringContaining('no picture') });
  });

  it('is missed in words after five seconds when the camera hangs', async () => {
    const clock = new VirtualClock(RAISED + 60_000);
    bench = new ActionBench(clock);
    bench.server = aServer(office.port);
    bench.cameras.get('cam')!.picture = () => new Promise(() => undefined);
    const mailed = mailOf({ picture: 'event-or-snapshot' });
    await clock.advance(5_000);
    const { mail } = await mailed;
    expect(mail.text).toContain('The picture is missing: "Hall camera" sent no snapshot within 5 s');
  });

  it('is missed in words when the camera is gone, and when a plain message has none', async () => {
    const gone = await mailOf({ picture: 'event-or-snapshot', snapshotDeviceId: 'gone' });
    expect(gone.mail.text).toContain('The picture is missing: The flow has no device "gone"');
    const plain = await mailOf({ picture: 'event-or-snapshot' }, { phase: 'message', deviceId: null, key: 'msg:n:1' });
    expect(plain.mail.text).toContain('no camera is known');
  });

  it('that was not asked for is not missed', async () => {
    const { mail } = await mailOf({ picture: 'none' });
    expect(mail.text).not.toContain('picture');
    expect(bench.cameras.get('cam')!.asked).toEqual([]);
  });
});
