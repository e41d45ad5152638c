/**
 * The demo site's mail server: takes every mail on loopback, without login and in clear, and hands it on for the
 * console to show. It is no mail server for anybody else: it binds to the given address only and delivers nothing.
 */
import type { AddressInfo } from 'node:net';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { Clock } from '../clock/clock';
import { asAlarmflowError, operationalError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import type { CaughtMail } from '../domain/record';

/** Largest mail that is taken, in bytes. */
export const LARGEST_MAIL = 32 * 1024 * 1024;
/** Longest text that is kept of one mail, in characters. */
const LONGEST_TEXT = 256 * 1024;
const MOST_ATTACHMENTS = 32;
const MOST_CLIENTS = 20;

/** A mail as it was caught; the caller keeps the bytes of its attachments. */
export type ReceivedMail = Omit<CaughtMail, 'attachments'> & {
  attachments: { name: string; contentType: string; bytes: Buffer }[];
};

export interface MailCatcher {
  readonly host: string;
  readonly port: number;
  /** Closes the door and what is still open within a second. */
  close(): Promise<void>;
}

/** Starts the catcher; `port` 0 takes a free one. Throws E_MAIL_CATCHER (operational) when the port is taken. */
export async function startMailCatcher(options: {
  host: string;
  port: number;
  /** A mail is acknowledged when this resolves; when it rejects the sender is told to try again. */
  keep(mail: ReceivedMail): Promise<void>;
  clock: Clock;
  log: Log;
}): Promise<MailCatcher> {
  const { clock, log } = options;

  async function take(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
    const chunks: Buffer[] = [];
    let size = 0;
    // The stream must be read to its end, else the sender waits for ever; what is over the limit is thrown away.
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= LARGEST_MAIL) chunks.push(chunk);
      else chunks.length = 0;
    }
    if (size > LARGEST_MAIL) throw smtpError(552, `This mail is larger than ${LARGEST_MAIL} bytes`);
    const mail = await readMail(Buffer.concat(chunks), session, clock.now());
    try {
      await options.keep(mail);
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      log.error('mail-catcher.not-kept', { code: error.code, error: error.message });
      throw smtpError(451, 'This mail could not be kept; try again later');
    }
    log.debug('mail-catcher.kept', { mail: mail.id, size, attachments: mail.attachments.length });
  }

  const server = new SMTPServer({
    name: 'alarmflow-demo',
    banner: 'alarmflow demo: mails end here',
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: LARGEST_MAIL,
    maxClients: MOST_CLIENTS,
    socketTimeout: 30_000,
    closeTimeout: 500,
    logger: false,
    onData(stream, session, callback) {
      take(stream, session).then(
        () => callback(null, 'Caught'),
        (error: Error) => callback(error),
      );
    },
  });
  // A client that hangs up in the middle is the client's affair.
  server.on('error', (error: Error) => log.debug('mail-catcher.client-error', { error: error.message }));

  await new Promise<void>((resolve, reject) => {
    const refused = (cause: Error): void =>
      reject(
        operationalError(
          'E_MAIL_CATCHER',
          `The demo's mail catcher cannot listen on ${options.host}:${options.port}: ${cause.message}`,
          { cause },
        ),
      );
    server.server.once('error', refused);
    server.listen(options.port, options.host, () => {
      server.server.removeListener('error', refused);
      resolve();
    });
  });
  const { port } = server.server.address() as AddressInfo;
  return {
    host: options.host,
    port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function smtpError(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}

async function readMail(bytes: Buffer, session: SMTPServerSession, now: number): Promise<ReceivedMail> {
  const { mailFrom, rcptTo } = session.envelope;
  const from = mailFrom ? mailFrom.address : '';
  const envelope = { id: sortableId(now), receivedAt: now, from, to: rcptTo.map((to) => to.address) };
  try {
    const mail = await PostalMime.parse(bytes, { maxNestingDepth: 20, maxHeadersSize: 256 * 1024 });
    return {
      ...envelope,
      subject: (mail.subject ?? '').slice(0, 1_000),
      text: (mail.text ?? textOfHtml(mail.html ?? '')).slice(0, LONGEST_TEXT),
      messageId: (mail.messageId ?? '').slice(0, 1_000),
      attachments: mail.attachments.slice(0, MOST_ATTACHMENTS).map((attachment, index) => ({
        name: (attachment.filename ?? `attachment-${index + 1}`).slice(0, 200),
        contentType: attachment.mimeType,
        bytes: bytesOf(attachment.content),
      })),
    };
  } catch (thrown) {
    // A mail that is no MIME at all is shown as it came: the demo's user wants to see what was sent.
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const text = `This mail could not be read (${reason}):\n\n${bytes.toString('latin1')}`.slice(0, LONGEST_TEXT);
    return { ...envelope, subject: '', text, messageId: '', attachments: [] };
  }
}

const bytesOf = (content: ArrayBuffer | Uint8Array | string): Buffer =>
  typeof content === 'string' ? Buffer.from(content) : Buffer.from(content as Uint8Array);

/** Readable enough for a list of mails; nothing of it is ever shown as HTML. */
const textOfHtml = (html: string): string => html.slice(0, LONGEST_TEXT).replace(/<[^<>]{0,2000}>/g, ' ');
