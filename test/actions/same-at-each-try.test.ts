/** What goes out again after a fault is the same to the byte, links included: receivers tell doubles by its identity. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notifyHandler } from '../../engine/actions/notify';
import { payloadBytes, pushPayload } from '../../engine/actions/push-payload';
import { readWebPushParams } from '../../engine/actions/web-push';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { usualStatuses } from '../../engine/domain/alarm-centre';
import type { Alarm } from '../../engine/domain/alarms';
import { silentLog } from '../../engine/domain/log';
import { type AnswerLinks, createAnswerLinks } from '../../engine/host/answer-links';
import { createSeals } from '../../engine/host/sealed-settings';
import { type AlarmCentreServer, startAlarmCentre } from '../support/alarm-centre-server';
import { MailDesk } from '../support/mail-desk';
import { memorySettings } from '../support/memory-settings';
import { openPostOffice } from '../support/smtp-post-office';
import { anAlarm, anEmail, aRow, aServer } from './action-bench';

let alarm: Alarm;
const settings = memorySettings();

/** The links of a process that has just started. */
async function startLinks(): Promise<AnswerLinks> {
  const links = createAnswerLinks({
    settings: { publicUrl: 'https://plant.example.org', validMs: 86_400_000, snoozeMinutes: 30 },
    record: settings,
    writer: { commit: async () => undefined },
    seals: createSeals(async () => 'the key of the data folder 0123456789'),
    mayAnswer: async () => true,
    alarms: { alarm: () => alarm } as unknown as Parameters<typeof createAnswerLinks>[0]['alarms'],
    recorded: async () => alarm,
    clock: systemClock,
    log: silentLog,
  });
  await links.start();
  return links;
}

let links: AnswerLinks;
beforeEach(async () => {
  alarm = anAlarm();
  links = await startLinks();
});
afterEach(() => links.close());

/** Between two tries: time goes on, the process starts anew, and somebody acknowledges. */
async function meanwhile(): Promise<void> {
  await systemClock.sleep(1_100);
  links.close();
  links = await startLinks();
  alarm = anAlarm({ acknowledgedAt: systemClock.now(), acknowledgedBy: 'anna' });
}

describe('at each try', () => {
  let centre: AlarmCentreServer;
  beforeEach(async () => {
    centre = await startAlarmCentre();
  });
  afterEach(() => centre.close());

  it('a notice has the same body, path and identity', async () => {
    const handler = (): ReturnType<typeof notifyHandler> =>
      notifyHandler({
        alarmCentre: () => ({
          id: 'centre',
          name: 'City',
          url: `http://127.0.0.1:${centre.port}/`,
          method: 'POST',
          login: { kind: 'none' },
          tls: { authority: '', fingerprint: '', certificate: '', key: '', passphrase: '' },
          accepted: usualStatuses,
          mustHold: '',
          mustNotHold: '',
          timeoutMs: 5_000,
          sign: 'json',
        }),
        links: links.links,
        clock: systemClock,
        log: silentLog,
        siteName: 'Plant',
        media: { keep: async () => '', read: async () => null },
        pictures: async () => [],
      });
    const row = aRow('notify', {
      centreId: 'centre',
      phases: ['raise'],
      format: 'json',
      body: '{"yes": {{links.acknowledge}}, "later": {{links.snooze}}, "no": {{links.falseAlarm}}, "at": {{isoTime}}}',
      path: '?answer={{links.acknowledge}}',
      contentType: '',
      scheduleId: null,
      senderAddress: '',
      senderMac: '',
    });
    const attempt = () => handler().execute({ row, attempt: 1, signal: new AbortController().signal });
    await attempt();
    await meanwhile();
    await attempt();
    const [first, second] = centre.asked;
    expect(String(first!.body)).toContain('https://plant.example.org/answer/a1.');
    expect(second!.body).toEqual(first!.body);
    expect(second!.headers['idempotency-key']).toBe(first!.headers['idempotency-key']);
    expect(second!.url).toBe(first!.url);
  });

  it('a mail has the same text, HTML and Message-ID', async () => {
    const office = await openPostOffice();
    try {
      const row = aRow('email', anEmail({ links: true, picture: 'none' }), { deadlineAt: systemClock.now() + 60_000 });
      const attempt = async (): Promise<void> => {
        const desk = new MailDesk(aServer(office.port));
        desk.parts.links = links.links;
        await desk.send(row);
      };
      await attempt();
      await meanwhile();
      await attempt();
      const [first, second] = office.delivered.map(({ mail }) => mail);
      expect(first!.text).toContain('https://plant.example.org/answer/a1.');
      for (const part of ['text', 'html', 'messageId', 'subject'] as const) expect(second![part]).toBe(first![part]);
    } finally {
      await office.close();
    }
  });

  it('a push says the same before it is encrypted', async () => {
    const params = { phases: ['raise'], to: 'all', title: '', text: '', ttl: 60, urgency: 'high', links: true };
    const row: ActionRow = aRow('web-push', { ...params, picture: false, stays: false, silent: false });
    const bytes = (): Buffer =>
      payloadBytes(pushPayload(readWebPushParams(row.params), row, 'Plant', false), links.links(row, 'anna', 'push'));
    const first = bytes();
    await meanwhile();
    expect(bytes()).toEqual(first);
    expect(String(first)).toContain('/answer/a1.');
  });
});
