/**
 * Signs of life to alarm centres that supervise their senders. Nothing of them is on record but the beginning and the end
 * of a loss: a centre that has not taken three in a row is an exception of its own.
 */
import type { Clock, Timer } from '../clock/clock';
import type { AlarmCentre } from '../domain/alarm-centre';
import type { ReceivedEvent } from '../domain/devices';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { NodeNotice, SignOfLifeState } from '../index';

/** Failures in a row that make a loss. */
export const SIGNS_LOST = 3;
/** A centre that has refused the login may lock it after a few more. */
const LOGIN_PAUSE_MS = 60_000;

export interface SignsOfLifeParts {
  centres(): AlarmCentre[];
  /** Resolves with the status by which the centre has taken it. */
  send(centre: AlarmCentre, signal: AbortSignal): Promise<number>;
  siteIsDry(): boolean;
  /** Puts an event of a centre on record, as one of a device. */
  receive(centreId: string, received: ReceivedEvent): Promise<unknown>;
  /** The state of a centre is another than before. */
  changed(centreId: string): void;
  clock: Clock;
  log: Log;
}

export interface SignsOfLife {
  /** The centres are defined: begins, goes on and ends as they ask. */
  flowsStarted(): void;
  /** null: none are sent to it. */
  state(centreId: string): SignOfLifeState | null;
  notice(centreId: string): NodeNotice | null;
  close(): void;
}

interface Beating {
  centre: AlarmCentre;
  /** What it was made of, secrets included; not told. */
  definition: string;
  timer: Timer | null;
  stop: AbortController;
  last: SignOfLifeState['last'];
  /** Failures in a row. */
  failures: number;
  /** null: not known since the start. */
  lost: boolean | null;
  dry: boolean;
}

export function createSignsOfLife(parts: SignsOfLifeParts): SignsOfLife {
  const { clock, log } = parts;
  const all = new Map<string, Beating>();

  function tell(centreId: string, phase: 'start' | 'stop', description: string): void {
    const draft: ReceivedEvent['draft'] = {
      type: 'centre-unreachable',
      vendorType: 'sign-of-life',
      phase,
      description,
      deviceTime: null,
      deviceAt: null,
      raw: JSON.stringify({ centreId }),
    };
    const received = { draft, pictures: [], receivedAt: clock.now(), late: false, clockSuspect: false };
    parts.receive(centreId, received).catch((thrown: unknown) => {
      log.error('centre.event-not-kept', { centre: centreId, error: asAlarmflowError(thrown).message });
    });
  }

  function taken(beating: Beating, status: number): void {
    beating.last = { at: clock.now(), ok: true, detail: `taken (${status})` };
    beating.failures = 0;
    // Also where it is not known whether a loss of the life before is still open.
    if (beating.lost !== false) tell(beating.centre.id, 'stop', 'The alarm centre takes signs of life');
    beating.lost = false;
  }

  /** @returns least time until the next */
  function failed(beating: Beating, thrown: unknown): number {
    const error = asAlarmflowError(thrown);
    beating.last = { at: clock.now(), ok: false, detail: error.message };
    beating.failures++;
    if (beating.failures === SIGNS_LOST && beating.lost !== true) {
      beating.lost = true;
      log.warn('centre.lost', { centre: beating.centre.id, code: error.code });
      tell(
        beating.centre.id,
        'start',
        `${SIGNS_LOST} signs of life in a row were not taken. The last: ${error.message}`
          .slice(0, 1_000)
          .toWellFormed(),
      );
    }
    return Math.max(error.retryAfterMs ?? 0, error.code === 'E_CENTRE_LOGIN' ? LOGIN_PAUSE_MS : 0);
  }

  async function beat(beating: Beating): Promise<void> {
    const { centre, stop } = beating;
    const everyMs = centre.signEveryMs ?? 0;
    const began = clock.monotonic();
    let leastMs = 0;
    beating.dry = parts.siteIsDry();
    if (!beating.dry)
      try {
        const status = await parts.send(centre, stop.signal);
        if (stop.signal.aborted) return;
        taken(beating, status);
      } catch (thrown) {
        if (stop.signal.aborted) return;
        leastMs = failed(beating, thrown);
      }
    // In its rhythm, however long the answer took.
    const next = Math.max(0, everyMs - (clock.monotonic() - began), leastMs);
    schedule(beating, next);
    parts.changed(centre.id);
  }

  function schedule(beating: Beating, ms: number): void {
    const go = (): void => {
      beat(beating).catch((thrown: unknown) => {
        log.error('centre.sign-failed', { centre: beating.centre.id, error: asAlarmflowError(thrown).message });
      });
    };
    beating.timer = clock.after(ms, go, { background: true });
  }

  function end(beating: Beating): void {
    beating.stop.abort();
    beating.timer?.cancel();
  }

  return {
    flowsStarted() {
      const wanted = parts.centres().filter(({ signEveryMs = 0 }) => signEveryMs > 0);
      for (const [id, beating] of all) {
        if (wanted.some((centre) => centre.id === id)) continue;
        end(beating);
        all.delete(id);
        // Nobody would ever end it: what is not asked for any more is no loss.
        if (beating.lost === true) tell(id, 'stop', 'Signs of life are not asked for any more');
      }
      for (const centre of wanted) {
        const definition = JSON.stringify(centre);
        const former = all.get(centre.id);
        if (former?.definition === definition) continue;
        if (former) end(former);
        const { last = null, failures = 0, lost = null } = former ?? {};
        const beating: Beating = {
          centre,
          definition,
          timer: null,
          stop: new AbortController(),
          last,
          failures,
          lost,
          dry: false,
        };
        all.set(centre.id, beating);
        schedule(beating, 0);
      }
    },
    state(centreId) {
      const beating = all.get(centreId);
      if (!beating) return null;
      const { last, failures, centre } = beating;
      return { everyMs: centre.signEveryMs ?? 0, last, failures, dryRun: parts.siteIsDry() };
    },
    notice(centreId) {
      const beating = all.get(centreId);
      if (!beating) return null;
      if (parts.siteIsDry()) return { state: 'off', text: 'dry run: no sign' };
      if (beating.last === null) return { state: 'waiting', text: 'no sign yet' };
      if (beating.last.ok) return { state: 'idle', text: 'takes signs of life' };
      return { state: 'trouble', text: `sign not taken (${beating.failures})` };
    },
    close() {
      for (const beating of all.values()) end(beating);
      all.clear();
    },
  };
}
