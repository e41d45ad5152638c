/** The action `email` (REQUIREMENTS L4): one mail for each phase that is asked for, the text whatever happens. */
import { createHash } from 'node:crypto';
import type { ActionHandler, ActionResult, ActionRow } from '../domain/actions';
import { userError } from '../domain/errors';
import type { MailServer } from '../domain/mail';
import { templateValues } from './alarm-values';
import { readEmailParams } from './email-params';
import { mailText } from './email-text';
import { isAskedFor } from './fields';
import { withHeldBack } from './held-back';
import { idDomain } from './mail-address';
import { senderOf, sendMail } from './mail-transport';
import { collectPictures, type PictureParts } from './pictures';
import { oneLine } from './template';

export interface EmailParts extends PictureParts {
  mailServer(id: string): MailServer | undefined;
  siteName: string;
}

/** Servers often refuse mails of more than 10 to 25 MB, and base64 adds a third. */
const pictureLimits = { purpose: 'a mail', mostPictures: 3, mostBytes: 7 * 1024 * 1024 };

/** The id of the mail of one action: the same at every try, so that receivers can tell doubles. */
export const messageIdOf = (key: string, domain: string): string =>
  `<${createHash('sha256').update(key).digest('hex').slice(0, 40)}@${domain}>`;

/** Key of the mail that the same node sent when the alarm was raised (DESIGN §3), or null for that mail itself. */
const raiseKey = (row: ActionRow): string | null =>
  row.alarmId !== null && row.phase !== 'raise' && row.phase !== 'message'
    ? `${row.alarmId}:${row.nodeId}:raise`
    : null;

export function emailHandler(parts: EmailParts): ActionHandler {
  return {
    kind: 'email',
    heavy: false,
    defaultDeadlineMs: 60 * 60_000,
    attempts: 8,
    check(params) {
      readEmailParams(params);
    },
    async execute({ row, signal }): Promise<ActionResult> {
      const params = readEmailParams(row.params);
      if (!isAskedFor(params.phases, row))
        return { status: 'skipped', summary: `No mail is asked for at the phase "${row.phase}"` };
      const server = parts.mailServer(params.serverId);
      if (!server)
        throw userError(
          'E_UNKNOWN_MAIL_SERVER',
          `Email node "${row.nodeName || row.nodeId}" names a mail server that is gone: choose one in its dialog`,
        );
      const domain = idDomain(senderOf(server).address);
      const { pictures, missing } =
        params.picture === 'none'
          ? { pictures: [], missing: null }
          : await collectPictures(parts, row, { ...params, ...pictureLimits }, signal);
      const raised = raiseKey(row);
      const receipt = await sendMail(
        server,
        {
          to: params.to,
          ...mailText(row, params, templateValues(row, parts.siteName), missing),
          messageId: messageIdOf(row.key, domain),
          inReplyTo: raised === null ? null : messageIdOf(raised, domain),
          pictures,
        },
        parts.clock,
        signal,
      );
      return { status: 'done', summary: withHeldBack(summaryOf(server, receipt, pictures.length, missing), row) };
    },
  };
}

function summaryOf(
  server: MailServer,
  receipt: Awaited<ReturnType<typeof sendMail>>,
  pictures: number,
  missing: string | null,
): string {
  const count = receipt.accepted.length;
  const parts = [`Mail to ${count} receiver${count === 1 ? '' : 's'} accepted by ${server.host}:${server.port}`];
  if (pictures > 0) parts.push(`${pictures} picture${pictures === 1 ? '' : 's'}`);
  if (missing !== null) parts.push(`no picture: ${missing}`);
  for (const { address, reason } of receipt.refused)
    parts.push(`refused for ${address}: ${oneLine(reason).slice(0, 200)}`);
  return parts.join('; ');
}
