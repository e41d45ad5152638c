/** One mail over one connection: limits, encryption and login as the server's definition says; nothing is guessed. */
import nodemailer from 'nodemailer';
import type { Clock } from '../clock/clock';
import { operationalError, userError } from '../domain/errors';
import type { MailServer } from '../domain/mail';
import { type MailAddress, parseSender } from './mail-address';
import { mailError } from './mail-errors';
import type { AlarmPicture } from './pictures';

/** Limits of one try, in milliseconds. */
export const mailLimits = { connectMs: 10_000, greetingMs: 15_000, silenceMs: 30_000, wholeMs: 120_000 };

export interface OutgoingMail {
  to: string[];
  subject: string;
  text: string;
  /** With angle brackets. */
  messageId: string;
  /** Message that this one answers, so that mail programs show both as one thread. */
  inReplyTo: string | null;
  pictures: AlarmPicture[];
}

export interface MailReceipt {
  accepted: string[];
  /** Receivers that the server refused while it took the others, with its answer. */
  refused: { address: string; reason: string }[];
}

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

function connectionOptions(server: MailServer) {
  return {
    host: server.host,
    port: server.port,
    secure: server.security === 'tls',
    requireTLS: server.security === 'starttls',
    ignoreTLS: server.security === 'none',
    // A login that was asked for is not left out because a server forgot to offer it; in clear it is sent only if offered.
    forceAuth: server.security !== 'none' && server.credentials !== null,
    ...(server.credentials ? { auth: { user: server.credentials.user, pass: server.credentials.password } } : {}),
    tls: { rejectUnauthorized: !server.allowSelfSigned },
    connectionTimeout: mailLimits.connectMs,
    dnsTimeout: mailLimits.connectMs,
    greetingTimeout: mailLimits.greetingMs,
    socketTimeout: mailLimits.silenceMs,
    // Texts and pictures come from us; a template must never make the mailer open files or addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/**
 * Sends one mail. Resolves when the server has taken it for at least one receiver.
 * Throws E_MAIL_LOGIN_REFUSED, E_MAIL_REFUSED, E_MAIL_TLS, E_MAIL_NO_STARTTLS, E_MAIL_SENDER (user),
 * E_MAIL_UNREACHABLE (operational); when the signal aborts, its reason.
 */
export async function sendMail(
  server: MailServer,
  mail: OutgoingMail,
  clock: Clock,
  signal: AbortSignal,
): Promise<MailReceipt> {
  const sender = senderOf(server);
  const limit = new AbortController();
  const timer = clock.after(mailLimits.wholeMs, () => limit.abort());
  const transport = nodemailer.createTransport(connectionOptions(server));
  try {
    signal.throwIfAborted();
    const options = {
      from: sender.name ? sender : sender.address,
      to: mail.to,
      envelope: { from: sender.address, to: mail.to },
      subject: mail.subject,
      text: mail.text,
      messageId: mail.messageId,
      ...(mail.inReplyTo ? { inReplyTo: mail.inReplyTo, references: mail.inReplyTo } : {}),
      // RFC 3834: keeps absence notices from answering alarms.
      headers: { 'Auto-Submitted': 'auto-generated' },
      attachments: mail.pictures,
      // nodemailer ≥ 10.5 closes the connection when this aborts; its published types do not know it yet.
      signal: AbortSignal.any([signal, limit.signal]),
    };
    const sent = await transport.sendMail(options);
    const rejectedErrors: { recipient?: string; response?: string }[] = sent.rejectedErrors ?? [];
    return {
      accepted: sent.accepted.map(String),
      refused: sent.rejected.map((address) => ({
        address: String(address),
        reason: rejectedErrors.find((error) => error.recipient === String(address))?.response ?? 'refused',
      })),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (limit.signal.aborted)
      throw operationalError(
        'E_MAIL_UNREACHABLE',
        `Mail server "${server.name || server.host}" (${server.host}:${server.port}) did not take the mail within ${mailLimits.wholeMs / 1000} s; it is tried again`,
      );
    throw mailError(server, error);
  } finally {
    timer.cancel();
    transport.close();
  }
}
