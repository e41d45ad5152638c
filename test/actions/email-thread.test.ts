import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { threadIndex } from '../../engine/actions/mail-thread';
import type { ActionRow } from '../../engine/domain/actions';
import type { AlarmPhase } from '../../engine/domain/alarms';
import { MailDesk, recordedCamera } from '../support/mail-desk';
import { type Delivered, openPostOffice, type PostOffice } from '../support/smtp-post-office';
import { anAlarm, anEmail, aRow, aServer, RAISED } from './action-bench';

let office: PostOffice;
let desk: MailDesk;
beforeAll(async () => {
  office = await openPostOffice();
});
afterAll(() => office.close());
beforeEach(() => {
  office.delivered.length = 0;
  desk = new MailDesk(aServer(office.port));
});

const LATER = Date.now() + 3_600_000;

const rowOf = (phase: AlarmPhase, params = {}, fields: Partial<ActionRow> = {}, alarm = {}): ActionRow =>
  aRow('email', anEmail(params), {
    phase,
    key: phase === 'raise' || phase === 'end' ? `alarm-1:node-1:${phase}` : `alarm-1:node-1:${phase}:m-1`,
    alarm: { ...anAlarm(alarm), phase },
    deadlineAt: LATER,
    ...fields,
  });

const header = ({ raw }: Delivered, name: string): string | undefined =>
  new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'im').exec(raw)?.[1]?.replace(/\r\n\s+/g, ' ');
const refs = (mail: Delivered): string[] => (header(mail, 'References') ?? '').split(' ').filter(Boolean);
const index = (mail: Delivered): Buffer => Buffer.from(header(mail, 'Thread-Index') ?? '', 'base64');

/** All mails of one alarm, in their order: raise with late pictures, escalation, reminder, clear, end. */
async function conversation(params = {}, elsewhere = {}): Promise<Delivered[]> {
  recordedCamera(desk, { delayMs: 750 });
  await desk.send(rowOf('raise', { picture: 'three', ...params }));
  await desk.drain();
  const escalation = { nodeId: 'e', step: 2, round: 1, outputs: [0] };
  await desk.send(rowOf('escalate', params, { nodeId: 'node-2', key: 'alarm-1:node-2:escalate:m' }, { escalation }));
  await desk.send(rowOf('remind', params, {}, { count: 7, seenAt: RAISED + 9_000 }));
  const cleared = { clearedAt: RAISED + 60_000, state: 'clearing' as const, acknowledgedBy: 'anna' };
  await desk.send(rowOf('clear', { ...params, ...elsewhere }, { requestedAt: RAISED + 60_000 }, cleared));
  const ended = { ...cleared, endedAt: RAISED + 90_000, endReason: 'cleared' as const, state: 'normal' as const };
  await desk.send(rowOf('end', params, { requestedAt: RAISED + 90_000 }, ended));
  return office.delivered;
}

describe('the mails of one alarm', () => {
  it('are one conversation for Gmail: one subject but for Re:, references to one mail', async () => {
    const mails = await conversation();
    expect(mails).toHaveLength(6);
    const [raise, ...others] = mails.map(({ mail }) => mail.subject);
    expect(raise).toBe('Temperature alarm: Hall camera (Depot)');
    expect(others).toEqual(others.map(() => `Re: ${raise}`));
    const roots = mails.map((mail) => refs(mail)[0]);
    expect(new Set(roots).size).toBe(1);
    expect(roots[0]).toMatch(/^<[0-9a-f]{40}@example\.com>$/);
    expect(new Set(mails.map(({ mail }) => mail.messageId)).size).toBe(mails.length);
  });

  it('are one conversation for Apple Mail and Thunderbird: each answers the raise of its node, or the alarm', async () => {
    const [raise, pictures, step, remind, clear, end] = await conversation();
    expect(header(raise!, 'In-Reply-To')).toBeUndefined();
    for (const mail of [pictures, remind, clear, end]) {
      expect(header(mail!, 'In-Reply-To')).toBe(raise!.mail.messageId);
      expect(refs(mail!)).toEqual([refs(raise!)[0], raise!.mail.messageId]);
    }
    // Another node, whose raise nobody was mailed.
    expect(header(step!, 'In-Reply-To')).toBe(refs(raise!)[0]);
  });

  it('are one conversation for Outlook: one topic, one index that each answer lengthens', async () => {
    const mails = await conversation();
    expect(new Set(mails.map((mail) => header(mail, 'Thread-Topic'))).size).toBe(1);
    expect(header(mails[0]!, 'Thread-Topic')).toBe('Temperature alarm: Hall camera (Depot)');
    const [raise, ...others] = mails.map(index);
    expect(raise).toHaveLength(22);
    for (const other of others) {
      expect(other).toHaveLength(27);
      expect(other.subarray(0, 22).equals(raise!)).toBe(true);
    }
  });

  it('stay one when the template of the subject tells what changes, or is changed by a deploy', async () => {
    const subject =
      '{{phaseText}} {{phase}} {{time}} {{alarm.count}} {{alarm.state}} {{duration}}{{alarm.acknowledgedBy}}';
    const mails = await conversation({ subject }, { subject: 'another since the deploy' });
    const cores = mails.map(({ mail }) => mail.subject!.replace(/^Re: /, ''));
    expect(new Set(cores).size).toBe(1);
    expect(cores[0]).toMatch(/^Alarm raise 2026-11-21 .* 1 active ––$/);
  });

  it('are not mixed with those of another alarm', async () => {
    await desk.send(rowOf('raise'));
    await desk.send(rowOf('raise', {}, { key: 'alarm-2:node-1:raise', alarmId: 'alarm-2' }));
    const [one, other] = office.delivered;
    expect(refs(one!)[0]).not.toBe(refs(other!)[0]);
    expect(index(one!).equals(index(other!))).toBe(false);
  });

  it('do not hold a digest or the notice of a flood, which stand for several', async () => {
    const heldBack = { count: 4, firstAt: RAISED, lastAt: RAISED, groups: [], others: 4 };
    await desk.send(rowOf('raise', { heldBack, digest: true }, { key: 'digest:node-1:x:1' }));
    const flood = { area: 'Yard', raises: 5, grouped: true } as never;
    await desk.send(rowOf('raise', {}, { key: 'alarm-1:node-1:raise:f' }, { flood, floodNotice: RAISED }));
    for (const mail of office.delivered) {
      expect(refs(mail)).toEqual([]);
      expect(header(mail, 'Thread-Index')).toBeUndefined();
    }
    expect(office.delivered.map(({ mail }) => mail.subject)).toEqual([
      '4 held back: Temperature alarm: Hall camera (Depot)',
      '5 alarms in Yard, first: Temperature alarm: Hall camera (Depot)',
    ]);
  });
});

describe('the index of a conversation', () => {
  it('holds the time of the raise and grows by the time since', () => {
    const root = Buffer.from(threadIndex('a', RAISED, null), 'base64');
    expect(root[0]).toBe(1);
    // FILETIME of 2026-11-21T07:00:00Z, its six highest bytes.
    const filetime = (BigInt(RAISED) + 11_644_473_600_000n) * 10_000n;
    expect(root.readUIntBE(0, 6)).toBe(Number(filetime >> 16n));
    const reply = Buffer.from(threadIndex('a', RAISED, { key: 'k', at: RAISED + 60_000 }), 'base64');
    expect(reply.readUInt32BE(22)).toBe(Number((60_000n * 10_000n) >> 18n));
  });

  it('is not broken by a clock that was set back', () => {
    const reply = Buffer.from(threadIndex('a', RAISED, { key: 'k', at: RAISED - 60_000 }), 'base64');
    expect(reply.readUInt32BE(22)).toBe(0);
  });
});
