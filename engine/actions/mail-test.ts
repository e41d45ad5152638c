import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock/clock';
import { systemClock } from '../clock/system-clock';
import { asAlarmflowError } from '../domain/errors';
import type { MailServer } from '../domain/mail';
import { localTime } from './local-time';
import { idDomain, isAddress } from './mail-address';
import type { TokenKeeping } from './mail-tokens';
import { createMailPost, senderOf } from './mail-transport';
import { limited } from './time-limit';

/** A person waits for the answer. */
const TEST_LIMIT_MS = 30_000;

/** Sends a mail at once and says what happened, for the test button of the mail server's dialog. Never rejects. */
export async function testMail(
  server: MailServer,
  to: string,
  options: { clock?: Clock; siteName?: string; keeping?: TokenKeeping } = {},
): Promise<{ ok: boolean; detail: string }> {
  const clock = options.clock ?? systemClock;
  if (!isAddress(to))
    return { ok: false, detail: `"${String(to).slice(0, 100)}" is no mail address: enter one like name@example.com` };
  try {
    const domain = idDomain(senderOf(server).address);
    const site = options.siteName ? ` of ${options.siteName}` : '';
    const what = `Mail server ${server.host}:${server.port} did not take the mail`;
    await limited(clock, new AbortController().signal, TEST_LIMIT_MS, what, (signal) =>
      createMailPost(clock, options.keeping).send(
        server,
        {
          to: [to],
          subject: 'Test mail of alarmflow',
          text: `This is a test of the mail server "${server.name || server.host}"${site}, ${localTime(clock.now())}.\nAlarm mails will come this way.\n`,
          messageId: `<${randomUUID()}@${domain}>`,
          attachments: [],
        },
        signal,
      ),
    );
    return { ok: true, detail: `${server.host}:${server.port} accepted the mail to ${to}` };
  } catch (error) {
    return { ok: false, detail: asAlarmflowError(error).message };
  }
}
