/** One connection to a mail server: encrypted, proven and logged in before the first mail goes over it. */
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { userError } from '../domain/errors';
import type { MailServer } from '../domain/mail';
import { mailError } from './mail-errors';
import type { MailTokens } from './mail-tokens';

/** Limits of one try, in milliseconds. */
export const mailLimits = { connectMs: 10_000, greetingMs: 15_000, silenceMs: 30_000, wholeMs: 120_000 };

/** nodemailer takes no handler of ours under the method's own name where the server offers others before it. */
const TOKEN_METHOD = 'TOKEN';

export type SentMail = SMTPConnection.SentMessageInfo;

export interface MailSession {
  /** Mails that went over it. */
  readonly sent: number;
  readonly isOpen: boolean;
  /** Whether the server was given any of the last mail, so that it may have taken it. */
  readonly handedOver: boolean;
  /** Rejects with what nodemailer throws, or the signal's reason; the session is closed then. */
  send(envelope: SMTPConnection.Envelope, message: Readable, signal: AbortSignal): Promise<SentMail>;
  /** Whether the server still listens, after it was idle. */
  answers(signal: AbortSignal): Promise<boolean>;
  /** An idle connection must not keep the process. */
  rest(isIdle: boolean): void;
  close(): void;
}

function connectionOptions(server: MailServer): SMTPConnection.Options {
  const pinned = (server.fingerprint ?? '') !== '';
  return {
    host: server.host,
    port: server.port,
    secure: server.security === 'tls',
    requireTLS: server.security === 'starttls',
    ignoreTLS: server.security === 'none',
    tls: {
      // A pinned certificate is compared below, before anything is sent.
      rejectUnauthorized: !server.allowSelfSigned && !pinned,
      ...(server.authority ? { ca: server.authority } : {}),
    },
    connectionTimeout: mailLimits.connectMs,
    dnsTimeout: mailLimits.connectMs,
    greetingTimeout: mailLimits.greetingMs,
    socketTimeout: mailLimits.silenceMs,
  };
}

/** RFC 7628 has the newer way; servers in the field offer this one (Google, Microsoft: "SASL XOAUTH2"). */
const xoauth2 = (user: string, token: string): string =>
  Buffer.from(`user=${user}\u0001auth=Bearer ${token}\u0001\u0001`).toString('base64');

/** What a server says about a token that it refuses is base64 of JSON, in a question of its own. */
function refusalIn(text: string): string {
  try {
    const said: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
    if (typeof said !== 'object' || said === null) return '';
    const words = ['status', 'scope'].flatMap((field) => {
      const value: unknown = Reflect.get(said, field);
      return typeof value === 'string' && value !== '' ? [`${field} ${value.slice(0, 100)}`] : [];
    });
    return words.length > 0 ? ` (${words.join(', ')})` : '';
  } catch {
    // Some servers ask in their own words; the refusal that follows has its own text.
    return '';
  }
}

const tokenLogin =
  (token: string) =>
  async (context: SMTPConnection.CustomAuthenticationContext): Promise<void> => {
    const first = await context.sendCommand(`AUTH XOAUTH2 ${xoauth2(context.auth.credentials.user, token)}`);
    if (first.status === 235) return;
    if (first.status !== 334) throw new Error('Invalid login');
    const why = refusalIn(first.text);
    const second = await context.sendCommand('');
    if (second.status !== 235) throw new Error(`Invalid login${why}`);
  };

/** Before login and mail: what is sent to a stranger can't be had back. */
function strangeCertificate(server: MailServer, connection: SMTPConnection): Error | null {
  const { fingerprint = '', security } = server;
  if (fingerprint === '' || security === 'none') return null;
  const socket = connection._socket as TLSSocket;
  const shown =
    typeof socket.getPeerCertificate === 'function' ? socket.getPeerCertificate().fingerprint256 : undefined;
  if (shown === fingerprint) return null;
  return userError(
    'E_MAIL_TLS',
    `Mail server "${server.name || server.host}" (${server.host}:${server.port}) shows another certificate (SHA-256 ${shown || 'unknown'}) than the one in its dialog. If it was renewed, enter the new fingerprint; if not, somebody stands between`,
  );
}

/**
 * Opens one. Rejects with AlarmflowError (`mailError`), E_MAIL_TOKEN_… of the token server, or the signal's reason.
 * A token that was kept and is refused is asked for anew, once.
 */
export async function openMailSession(
  server: MailServer,
  tokens: MailTokens,
  signal: AbortSignal,
): Promise<MailSession> {
  const { oauth } = server;
  if (!oauth) return open(server, null, signal);
  const first = await tokens.token(oauth, null, signal);
  try {
    return await open(server, first.token, signal);
  } catch (thrown) {
    const refused = thrown instanceof Error && 'code' in thrown && thrown.code === 'E_MAIL_LOGIN_REFUSED';
    if (!refused || first.isNew) throw thrown;
    const second = await tokens.token(oauth, first.token, signal);
    return open(server, second.token, signal);
  }
}

async function open(server: MailServer, token: string | null, signal: AbortSignal): Promise<MailSession> {
  signal.throwIfAborted();
  const connection = new SMTPConnection({
    ...connectionOptions(server),
    ...(token === null ? {} : { customAuth: Object.fromEntries([[TOKEN_METHOD, tokenLogin(token)]]) }),
  });
  let failure: Error | null = null;
  /** Told of what breaks the connection while nobody waits for an answer in particular. */
  let whenBroken: ((error: Error) => void) | null = null;
  connection.on('error', (error) => {
    failure = error;
    whenBroken?.(error);
  });

  /** One exchange; what breaks the connection, or the signal, ends it. */
  const step = <T>(stop: AbortSignal, run: (done: (error: unknown, value?: T) => void) => void): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        stop.removeEventListener('abort', onAbort);
        whenBroken = null;
      };
      const onAbort = (): void => {
        settle();
        connection.close();
        reject(stop.reason);
      };
      if (stop.aborted) return onAbort();
      stop.addEventListener('abort', onAbort, { once: true });
      whenBroken = (error) => {
        settle();
        reject(error);
      };
      run((error, value) => {
        settle();
        if (error) reject(error);
        else resolve(value as T);
      });
    });

  try {
    await step<void>(signal, (done) => connection.connect((error) => done(error)));
    const strange = strangeCertificate(server, connection);
    if (strange) throw strange;
    const { allowsAuth } = connection;
    const { credentials, oauth } = server;
    // A login that was asked for is not left out because a server forgot to offer it; in clear it is sent only if offered.
    if ((credentials || oauth) && (allowsAuth || server.security !== 'none' || oauth)) {
      const login =
        oauth && token !== null
          ? { user: oauth.user, pass: '', method: TOKEN_METHOD }
          : { user: credentials?.user ?? '', pass: credentials?.password ?? '' };
      await step<void>(signal, (done) => connection.login(login, (error) => done(error)));
    }
  } catch (thrown) {
    connection.close();
    signal.throwIfAborted();
    throw mailError(server, thrown);
  }

  let sent = 0;
  let handedOver = false;
  return {
    get sent() {
      return sent;
    },
    get isOpen() {
      const { _socket: socket } = connection;
      return failure === null && !connection.destroyed && socket instanceof Socket && socket.writable;
    },
    get handedOver() {
      return handedOver;
    },
    async send(envelope, message, stop) {
      handedOver = false;
      message.once('resume', () => {
        handedOver = true;
      });
      try {
        const taken = await step<SentMail>(stop, (done) => connection.send(envelope, message, done));
        sent++;
        return taken;
      } catch (thrown) {
        connection.close();
        throw thrown;
      }
    },
    async answers(stop) {
      try {
        await step<void>(stop, (done) => connection.reset((error) => done(error)));
        return true;
      } catch {
        stop.throwIfAborted();
        // Servers end connections that rest: no failure, the mail goes over a new one.
        connection.close();
        return false;
      }
    },
    rest(isIdle) {
      const { _socket: socket } = connection;
      if (!(socket instanceof Socket)) return;
      if (isIdle) socket.unref();
      else socket.ref();
    },
    close() {
      // QUIT, so that the server does not note a client that broke off.
      if (failure === null && !connection.destroyed) connection.quit();
      else connection.close();
    },
  };
}
