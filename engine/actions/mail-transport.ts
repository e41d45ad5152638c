/** One mail to its server: headers, envelope and limits as the server's definition says; nothing is guessed. */
import MailComposer from 'nodemailer/lib/mail-composer';
import type { Clock } from '../clock/clock';
import { userError } from '../domain/errors';
import { DEFAULT_MAIL_BYTES, type MailServer } from '../domain/mail';
import { type MailAddress, parseSender } from './mail-address';
import { maskedAnswer } from './mail-errors';
import { createMailLanes } from './mail-lanes';
import type { MailThread } from './mail-thread';
import { createMailTokens, type TokenKeeping } from './mail-tokens';
import type { AlarmPicture } from './pictures';

export interface OutgoingMail {
  to: string[];
  cc?: string[];
  bcc?: string[];
  subject: string;
  text: string;
  html?: string;
  /** With angle brackets. */
  messageId: string;
  /** What makes a conversation of it in mail programs; absent: it stands for itself. */
  thread?: MailThread;
  /** Pictures and clips; those with a `cid` are shown in the HTML. */
  attachments: MailAttachment[];
}

export interface MailAttachment extends AlarmPicture {
  cid?: string;
}

export interface MailReceipt {
  accepted: string[];
  /** Receivers that the server refused while it took the others, with its answer. */
  refused: { address: string; reason: string; forNow: boolean }[];
  /** The server's answer to the mail. */
  answer: string;
}

/** Base64 with its line breaks takes this much of each byte. */
const BASE64 = 1.37;
/** Headers, text and what stands between the parts. */
const AROUND_BYTES = 64 * 1024;

/** Bytes of attachments that fit into one mail of this server. */
export const attachmentBytes = (server: MailServer): number =>
  Math.max(0, Math.floor(((server.mostBytes ?? DEFAULT_MAIL_BYTES) - AROUND_BYTES) / BASE64));

/** How large a mail is on the wire, about; for servers that say what they take (RFC 1870). */
const sizeOf = (mail: OutgoingMail): number =>
  Math.ceil(
    mail.attachments.reduce((sum, { content }) => sum + content.length * BASE64, 0) +
      Buffer.byteLength(mail.text) +
      Buffer.byteLength(mail.html ?? '') * BASE64,
  );

/** The sender of a server's definition; throws a user error when it is none. */
export function senderOf(server: MailServer): MailAddress {
  const sender = parseSender(server.from);
  if (!sender)
    throw userError(
      'E_MAIL_SENDER',
      `Mail server "${server.name || server.host}": "${server.from}" is no sender address: enter one like alarm@example.com`,
    );
  return sender;
}

/** RFC 5321 §4.2.1: 4yz is for now, to be tried again. */
const refusalOf = (response: string | undefined): { reason: string; forNow: boolean } => ({
  reason: response ?? 'refused',
  forNow: response?.startsWith('4') ?? false,
});

/** Larger than this it gives way to text: seconds on a slow line. */
const LARGE_BYTES = 256 * 1024;

/** What carries mails to their servers; what it keeps of them (connections, tokens) is in memory. */
export interface MailPost {
  /**
   * Sends one mail. Resolves when the server has taken it for at least one receiver.
   * Throws E_MAIL_LOGIN_REFUSED, E_MAIL_TOKEN_REFUSED, E_MAIL_REFUSED, E_MAIL_TOO_LARGE, E_MAIL_TLS,
   * E_MAIL_NO_STARTTLS, E_MAIL_SENDER (user), E_MAIL_UNREACHABLE, E_MAIL_TOKEN_UNREACHABLE, E_WAITS (operational);
   * when the signal aborts, its reason.
   */
  send(server: MailServer, mail: OutgoingMail, signal: AbortSignal): Promise<MailReceipt>;
}

function composed(sender: MailAddress, mail: OutgoingMail) {
  const { to, cc = [], bcc = [], thread } = mail;
  return new MailComposer({
    from: sender.name ? sender : sender.address,
    // Receivers who must not see one another are in the envelope alone.
    to: to.length + cc.length > 0 ? to : 'undisclosed-recipients:;',
    ...(cc.length > 0 ? { cc } : {}),
    subject: mail.subject,
    text: mail.text,
    ...(mail.html === undefined ? {} : { html: mail.html }),
    messageId: mail.messageId,
    ...(thread?.inReplyTo ? { inReplyTo: thread.inReplyTo } : {}),
    ...(thread && thread.references.length > 0 ? { references: thread.references } : {}),
    headers: {
      // RFC 3834: keeps absence notices from answering alarms.
      'Auto-Submitted': 'auto-generated',
      ...(thread ? { 'Thread-Topic': thread.topic } : {}),
      ...(thread?.index ? { 'Thread-Index': thread.index } : {}),
    },
    attachments: mail.attachments,
    envelope: { from: sender.address, to: [...to, ...cc, ...bcc] },
    // Texts and pictures come from us; a template must never make the mailer open files or addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
}

export function createMailPost(clock: Clock, keeping?: TokenKeeping): MailPost {
  const lanes = createMailLanes(clock, createMailTokens(clock, keeping));

  return {
    async send(server, mail, signal) {
      signal.throwIfAborted();
      const message = composed(senderOf(server), mail);
      const size = sizeOf(mail);
      const envelope = { ...message.getEnvelope(), size };
      const sent = await lanes.over(server, size > LARGE_BYTES, signal, (session, stop) =>
        // A copy for each connection: nodemailer notes in it what the server answered, and would fail with that once more.
        session.send({ ...envelope }, message.createReadStream(), stop),
      );
      const rejectedErrors: { recipient?: string; response?: string }[] = sent.rejectedErrors ?? [];
      return {
        accepted: sent.accepted.map(String),
        refused: sent.rejected.map((address) => ({
          address: String(address),
          ...refusalOf(rejectedErrors.find((error) => error.recipient === String(address))?.response),
        })),
        answer: maskedAnswer(server, sent.response),
      };
    },
  };
}
