/**
 * Who sends over which connection. A server takes few at once (Microsoft 365: three for a mailbox) and each costs
 * several turns of the wire, so they are kept for the mails that follow; what is only text goes before what is large.
 */
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../clock/clock';
import { type AlarmflowError, operationalError, waitError } from '../domain/errors';
import type { MailServer } from '../domain/mail';
import { mailError } from './mail-errors';
import { type MailSession, mailLimits, openMailSession } from './mail-session';
import { loginOf, type MailTokens } from './mail-tokens';

export interface MailLanes {
  /**
   * Runs a sending over a connection of the server's when it is its turn.
   * @param isLarge gives way to mails that are text
   * @throws E_WAITS when none came free in 5 s in which none got through; what opening and sending throw
   */
  over<T>(
    server: MailServer,
    isLarge: boolean,
    signal: AbortSignal,
    send: (session: MailSession, stop: AbortSignal) => Promise<T>,
  ): Promise<T>;
}

/** Connections to one server at once. */
const MOST_CONNECTIONS = 8;
/** Of these, for mails that are large: text has always some of its own, unless the server takes only one. */
const MOST_LARGE = 3;
/** A server that says that these are too many is believed so long. */
const FEWER_MS = 10 * 60_000;
/** Servers end sessions after some mails, most after 50 or more. */
const MAILS_PER_CONNECTION = 25;
/** Shorter than any server waits for the next mail. */
const REST_MS = 3_000;
/** After this rest a connection is asked whether it still is one. */
const SURE_MS = 200;
/** A place among the mails is held for longer only while mails get through: another server may be quicker. */
const TURN_MS = 5_000;
const AGAIN_MS = 5_000;

interface Resting {
  session: MailSession;
  since: number;
  timer: Timer;
}

interface Turn {
  isLarge: boolean;
  begin(): void;
}

interface Lane {
  busy: number;
  large: number;
  most: number;
  fewerUntil: number;
  /** When a mail last got through, in monotonic milliseconds. */
  throughAt: number;
  resting: Resting[];
  turns: Turn[];
}

const laneId = (server: MailServer): string => {
  const { host, port, security, allowSelfSigned, authority, fingerprint } = server;
  const all = [host, port, security, allowSelfSigned, authority, fingerprint, loginOf(server)];
  return createHash('sha256').update(JSON.stringify(all)).digest('base64');
};

const tooMany =
  /too many (?:concurrent |simultaneous |smtp )*(?:connections|sessions)|concurrent connections? limit|connection (?:limit|count)|connections? .{0,30}exceeded/i;
const saysTooMany = ({ family, facts, message }: AlarmflowError): boolean =>
  family === 'operational' && typeof facts?.smtpStatus === 'number' && tooMany.test(message);

const named = ({ name, host }: MailServer): string => `Mail server "${name || host}"`;

const stillBusy = (server: MailServer, { busy }: Lane): AlarmflowError =>
  waitError(
    `${named(server)} is busy with ${busy} mail${busy === 1 ? '' : 's'} of ours; this one waits for its turn`,
    AGAIN_MS,
  );

const tookTooLong = (server: MailServer): AlarmflowError =>
  operationalError(
    'E_MAIL_UNREACHABLE',
    `${named(server)} (${server.host}:${server.port}) did not take the mail within ${mailLimits.wholeMs / 1000} s; it is tried again`,
  );

export function createMailLanes(clock: Clock, tokens: MailTokens): MailLanes {
  const lanes = new Map<string, Lane>();

  const mayBegin = (lane: Lane, isLarge: boolean): boolean =>
    lane.busy < lane.most && (!isLarge || lane.large < Math.max(1, Math.min(MOST_LARGE, lane.most - 1)));

  function begin(lane: Lane, isLarge: boolean): void {
    lane.busy++;
    if (isLarge) lane.large++;
  }

  function end(id: string, lane: Lane, isLarge: boolean): void {
    lane.busy--;
    if (isLarge) lane.large--;
    if (lane.most < MOST_CONNECTIONS && clock.monotonic() >= lane.fewerUntil) lane.most = MOST_CONNECTIONS;
    for (const wanted of [false, true]) {
      for (;;) {
        const next = lane.turns.findIndex((turn) => turn.isLarge === wanted);
        if (next < 0 || !mayBegin(lane, wanted)) break;
        begin(lane, wanted);
        lane.turns.splice(next, 1)[0]!.begin();
      }
    }
    forget(id, lane);
  }

  function forget(id: string, lane: Lane): void {
    // What a server has said of its limit outlives the mails.
    if (lane.busy === 0 && lane.resting.length === 0 && lane.most === MOST_CONNECTIONS && lanes.get(id) === lane)
      lanes.delete(id);
  }

  function turnOf(server: MailServer, lane: Lane, isLarge: boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (mayBegin(lane, isLarge)) {
      begin(lane, isLarge);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      let timer: Timer;
      const settle = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
      };
      const leave = (reason: unknown): void => {
        settle();
        lane.turns.splice(lane.turns.indexOf(turn), 1);
        reject(reason);
      };
      const onAbort = (): void => leave(signal.reason);
      const turn: Turn = {
        isLarge,
        begin() {
          settle();
          resolve();
        },
      };
      const watch = (): void => {
        timer = clock.after(TURN_MS, () => {
          if (clock.monotonic() - lane.throughAt < TURN_MS) watch();
          else leave(stillBusy(server, lane));
        });
      };
      watch();
      signal.addEventListener('abort', onAbort, { once: true });
      lane.turns.push(turn);
    });
  }

  async function restingSession(lane: Lane, signal: AbortSignal): Promise<MailSession | null> {
    for (let resting = lane.resting.pop(); resting; resting = lane.resting.pop()) {
      const { session, since, timer } = resting;
      timer.cancel();
      session.rest(false);
      if (!session.isOpen) session.close();
      else if (clock.monotonic() - since < SURE_MS || (await session.answers(signal))) return session;
    }
    return null;
  }

  function putToRest(id: string, lane: Lane, session: MailSession): void {
    if (!session.isOpen || session.sent >= MAILS_PER_CONNECTION || lane.busy + lane.resting.length > lane.most) {
      session.close();
      return;
    }
    session.rest(true);
    const resting: Resting = {
      session,
      since: clock.monotonic(),
      timer: clock.after(
        REST_MS,
        () => {
          lane.resting.splice(lane.resting.indexOf(resting), 1);
          session.close();
          forget(id, lane);
        },
        { background: true },
      ),
    };
    lane.resting.push(resting);
  }

  /** The server had had enough of a connection that rested; what it says of the mail itself stays said. */
  const isOfConnection = (thrown: unknown): boolean => {
    if (!(thrown instanceof Error)) return false;
    const { code, responseCode } = thrown as { code?: string; responseCode?: number };
    // RFC 5321 §3.8: 421 is of the connection, whatever was asked.
    return responseCode === 421 || (responseCode === undefined && code !== 'EMESSAGE' && code !== 'EENVELOPE');
  };

  async function carryOut<T>(
    id: string,
    lane: Lane,
    server: MailServer,
    signal: AbortSignal,
    send: (session: MailSession) => Promise<T>,
  ): Promise<T> {
    const kept = await restingSession(lane, signal);
    if (kept) {
      try {
        const result = await send(kept);
        putToRest(id, lane, kept);
        return result;
      } catch (thrown) {
        kept.close();
        signal.throwIfAborted();
        // Nothing of the mail was handed over: over a new connection it can't come twice.
        if (kept.handedOver || !isOfConnection(thrown)) throw thrown;
      }
    }
    const session = await openMailSession(server, tokens, signal);
    try {
      const result = await send(session);
      putToRest(id, lane, session);
      return result;
    } catch (thrown) {
      session.close();
      throw thrown;
    }
  }

  return {
    async over(server, isLarge, signal, send) {
      const id = laneId(server);
      const lane = lanes.get(id) ?? {
        busy: 0,
        large: 0,
        most: MOST_CONNECTIONS,
        fewerUntil: 0,
        throughAt: Number.NEGATIVE_INFINITY,
        resting: [],
        turns: [],
      };
      lanes.set(id, lane);
      await turnOf(server, lane, isLarge, signal);
      const limit = new AbortController();
      const timer = clock.after(mailLimits.wholeMs, () => limit.abort(tookTooLong(server)));
      const stop = AbortSignal.any([signal, limit.signal]);
      try {
        const result = await carryOut(id, lane, server, stop, (session) => send(session, stop));
        lane.throughAt = clock.monotonic();
        return result;
      } catch (thrown) {
        signal.throwIfAborted();
        limit.signal.throwIfAborted();
        const error = mailError(server, thrown);
        if (saysTooMany(error)) {
          lane.most = Math.max(1, Math.min(lane.most, lane.busy) - 1);
          lane.fewerUntil = clock.monotonic() + FEWER_MS;
        }
        throw error;
      } finally {
        timer.cancel();
        end(id, lane, isLarge);
      }
    },
  };
}
