/** A mail as it would be sent, for the dialog: with the last real alarm, or a sample. Nothing is sent, no link is made. */
import type { ActionRow } from '../domain/actions';
import type { MailPreview } from '../domain/mail';
import { templateValues } from './alarm-values';
import type { EmailParams } from './email-params';
import { mailSubject, mailText } from './email-text';
import { localTime } from './local-time';
import { mailHtml } from './mail-html';
import { isOfOneAlarm } from './mail-thread';

/**
 * @param row the mail's row, made from an alarm; `sample`: that alarm never happened
 */
export function previewMail(
  row: ActionRow,
  params: EmailParams,
  options: { siteName: string; sample: boolean },
): MailPreview {
  const core = mailSubject(row, params.subject, options.siteName);
  const notes =
    params.picture === 'none' && params.clip === 0 ? [] : ['(Pictures and clips are attached here, or follow.)'];
  const text = mailText(row, params, templateValues(row, options.siteName), notes);
  const { alarm } = row;
  return {
    subject: isOfOneAlarm(row) && row.phase !== 'raise' ? `Re: ${core}` : core,
    text,
    html: mailHtml({ text, images: [], links: null, site: options.siteName }),
    alarm:
      alarm === null
        ? 'a plain message'
        : options.sample
          ? 'a sample alarm: the triggers of this node have raised none yet'
          : `the alarm of "${alarm.triggerName}" on ${alarm.deviceName}, ${localTime(alarm.raisedAt)}`,
  };
}
