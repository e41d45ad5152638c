/**
 * The way to one file server: how many uploads go at once, who goes next, and when a server that is away is tried again.
 * The rows wait in the queue of the executor; here is only decided when each shall come again, so that they come in the
 * order in which they were asked for, one of them tries, and newcomers have a connection of their own.
 */
import type { Clock } from '../clock/clock';
import { type AlarmflowError, asAlarmflowError, operationalError, waitError } from '../domain/errors';
import { loginIsRefused, serverIsAway } from './upload-errors';

/** Connections to one server at once. */
const MOST_AT_ONCE = 2;
/** Uploads that wait for a connection here instead of in the queue, so that a small burst goes through at once. */
const MOST_INSIDE = 6;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** Between two uploads that come again after the server was away. */
const SPACING_MS = 100;
/** After a refused login the others wait for so long: more tries would lock the user out. */
const REFUSED_MS = 60_000;
/** An upload that has not come again so long after its time is gone. */
const LOST_MS = 5 * 60_000;

/** One upload that wants to go. */
export interface LaneTurn {
  key: string;
  requestedAt: number;
  /** It has been here before, or is from before a restart. */
  again: boolean;
  /** A person wants it tried now. */
  forced: boolean;
}

interface Waiting {
  requestedAt: number;
  dueAt: number;
}

export interface UploadLane {
  /**
   * Does the work when its turn has come.
   * @throws E_WAITS when it shall come again, and what the work throws
   */
  run<T>(turn: LaneTurn, name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** The server was set up anew: what was known of it counts no more. */
  begin(): void;
}

export function createUploadLane(clock: Clock): UploadLane {
  const waiting = new Map<string, Waiting>();
  const inside: { turn: LaneTurn; go(): void }[] = [];
  const busy = new Set<LaneTurn>();
  let failures = 0;
  let awayUntil = 0;
  let refusedUntil = 0;
  let trouble: AlarmflowError | null = null;
  let averageMs = SPACING_MS;

  /** How many that are to come again were asked for before it. */
  function position({ key, requestedAt }: LaneTurn): number {
    const now = clock.monotonic();
    let before = 0;
    for (const [other, entry] of waiting) {
      if (entry.dueAt + LOST_MS < now) waiting.delete(other);
      else if (entry.requestedAt < requestedAt || (entry.requestedAt === requestedAt && other < key)) before++;
    }
    return before;
  }

  /** Milliseconds after which it shall come again, behind those that were asked for before it. */
  function comeAgain(turn: LaneTurn, fromMs: number): number {
    const delayMs = Math.max(1, Math.round(fromMs + position(turn) * Math.max(SPACING_MS, averageMs / MOST_AT_ONCE)));
    waiting.set(turn.key, { requestedAt: turn.requestedAt, dueAt: clock.monotonic() + delayMs });
    return delayMs;
  }

  function sendAway(turn: LaneTurn, fromMs: number, why: string): never {
    throw waitError(why, comeAgain(turn, fromMs));
  }

  /** Whether one may go now: with old and new ones about, each kind has a connection. */
  function hasRoom(turn: LaneTurn): boolean {
    if (busy.size >= MOST_AT_ONCE) return false;
    const others = waiting.size > 0 || inside.some((entry) => entry.turn.again !== turn.again);
    return !others || ![...busy].some((entry) => entry.again === turn.again);
  }

  function nextIn(): void {
    inside.sort((a, b) => a.turn.requestedAt - b.turn.requestedAt);
    for (const entry of [...inside]) {
      if (!hasRoom(entry.turn)) continue;
      inside.splice(inside.indexOf(entry), 1);
      busy.add(entry.turn);
      entry.go();
    }
  }

  async function enter(turn: LaneTurn, name: string, signal: AbortSignal): Promise<void> {
    if (hasRoom(turn)) {
      busy.add(turn);
      return;
    }
    if (inside.length >= MOST_INSIDE)
      sendAway(turn, averageMs, `Waits for its turn: ${busy.size + inside.length} uploads to ${name} go before it`);
    await new Promise<void>((resolve, reject) => {
      const entry = {
        turn,
        go() {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        inside.splice(inside.indexOf(entry), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      inside.push(entry);
    });
  }

  function failed(error: AlarmflowError): void {
    if (loginIsRefused(error)) {
      trouble = error;
      refusedUntil = clock.monotonic() + REFUSED_MS;
    }
    if (!serverIsAway(error)) return;
    trouble = error;
    failures++;
    awayUntil = clock.monotonic() + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(10, failures - 1));
  }

  function worked(tookMs: number): void {
    failures = 0;
    awayUntil = 0;
    refusedUntil = 0;
    trouble = null;
    averageMs = Math.min(10_000, averageMs * 0.7 + tookMs * 0.3);
  }

  return {
    begin() {
      failures = 0;
      awayUntil = 0;
      refusedUntil = 0;
      trouble = null;
    },
    async run(turn, name, signal, work) {
      signal.throwIfAborted();
      waiting.delete(turn.key);
      const begun = clock.monotonic();
      if (!turn.forced && trouble && begun < refusedUntil)
        sendAway(turn, refusedUntil - begun, `Waits, because the login was refused: ${trouble.message}`);
      if (!turn.forced && trouble && begun < awayUntil)
        sendAway(turn, awayUntil - begun, `Waits for the server: ${trouble.message}`);
      // While a server is away one upload tries, and the others do not take the places of other actions.
      if (!turn.forced && trouble && failures > 0 && busy.size > 0)
        sendAway(turn, FIRST_WAIT_MS, `Waits for the server: ${trouble.message}`);
      await enter(turn, name, signal);
      try {
        // What was found out while it waited holds for it too.
        const until = Math.max(refusedUntil, awayUntil) - clock.monotonic();
        if (!turn.forced && trouble && until > 0) sendAway(turn, until, `Waits for the server: ${trouble.message}`);
        const started = clock.monotonic();
        const result = await work();
        worked(clock.monotonic() - started);
        return result;
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        if (signal.aborted || error.code === 'E_WAITS') throw thrown;
        failed(error);
        if (!serverIsAway(error)) throw error;
        const retryAfterMs = comeAgain(turn, awayUntil - clock.monotonic());
        throw operationalError(error.code, error.message, { retryAfterMs, facts: error.facts, cause: error.cause });
      } finally {
        busy.delete(turn);
        nextIn();
      }
    },
  };
}
