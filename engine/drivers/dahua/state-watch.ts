import type { Clock, Timer } from '../../clock/clock';
import { asAlarmflowError } from '../../domain/errors';
import type { EventDraft } from '../../domain/events';
import type { Log } from '../../domain/log';
import { conditionOf, natureOf, QUIET_MS, stateCodes } from './codes';
import { placeOf } from './event';
import { withoutGaps } from './fields';
import type { ConditionReport, OpenCondition, OpenConditions } from './open-conditions';

/** Three times within the quiet time. */
const EVERY_MS = 9_000;
/** A condition that the device is bound to end is read seldom, because its Stop may be lost all the same. */
const SELDOM_MS = 60_000;
/** Readings after which an input whose way of reading isn't known yet is read as seldom as any. */
const MOST_LESSONS = 3;
/** Codes that are read in one round. */
const MOST_CODES = 24;
const MOST_INPUTS = 64;

export interface StateWatchOptions {
  conditions: OpenConditions;
  /** The indexes at which a code is active, or null where the device doesn't tell. */
  indexes(code: string): Promise<number[] | null>;
  /** The active alarm inputs, or null where the device doesn't tell. */
  inputs(): Promise<{ active: number[]; count: number } | null>;
  /** Inputs that are set up as open at rest: those read 1 while they are active. Asked after each connection. */
  openAtRest(): Promise<ReadonlySet<number>>;
  counts(): { channels: number | null; inputs: number | null };
  deliver(draft: EventDraft): void;
  clock: Clock;
  log: Log;
}

/**
 * Reads what holds on the device (PROTOCOLS §2.2): after each connection, as snapshots, and while a condition is open
 * whose Stop may never come. What ended unseen is ended; what can't be read is left to its quiet time.
 */
export interface StateWatch {
  /** The stream is open (anew). */
  connected(): void;
  /** An event came on the stream. */
  seen(draft: EventDraft): void;
  /** It is known how many inputs there are: what an earlier run left open at them is ended. */
  learnt(): void;
  disconnected(): void;
  close(): void;
}

export function createStateWatch(options: StateWatchOptions): StateWatch {
  const { conditions, clock, log } = options;
  let timer: Timer | null = null;
  let round = 0;
  let busy = false;
  let online = false;

  /** What has just ended by the stream: an answer that was under way may still call it active. */
  const ended = new Set<string>();

  /** Conditions that may end unseen. One whose quiet time is over has ended for everybody else. */
  function watched(): OpenCondition[] {
    const now = clock.monotonic();
    const quiet = conditions.open().filter((c) => c.quietMs !== undefined);
    for (const c of quiet) if (now - c.seenAt > (c.quietMs ?? 0)) conditions.over(c);
    return quiet.filter((c) => now - c.seenAt <= (c.quietMs ?? 0));
  }

  /** Codes that the device was seen to tell of: for others "none" may as well mean that it doesn't keep them. */
  const proven = new Set<string>();
  const readAt = new Map<string, number>();

  /**
   * Which bit of getInState an active input has. Nothing public says how one reads that is closed at rest, so each is
   * known only by what its own events have shown; until then none of its readings ends what is open.
   */
  const activeBit = new Map<number, boolean>();
  let openAtRest: ReadonlySet<number> = new Set();
  /**
   * What an input reads as after a connection; null while nobody knows what its bit means. A guess would be worse than
   * nothing: an input taken for active raises a false alarm, and its next real start would be taken for a repeat.
   */
  const readsActive = (input: number, bits: ReadonlySet<number>): boolean | null => {
    const bit = activeBit.get(input) ?? (openAtRest.has(input) ? true : undefined);
    return bit === undefined ? null : bits.has(input) === bit;
  };
  /** Last event of each input, and readings since by which nothing was learnt. */
  const lastTold = new Map<number, { active: boolean; at: number; lessons: number }>();
  let endsTold = false;
  /** The inputs that were active after the connection, and those that may have been. */
  let inputsThen: { active: ReadonlySet<string>; askedAt: number } | null = null;

  function learnInputs(bits: ReadonlySet<number>, askedAt: number): void {
    for (const [input, last] of lastTold) {
      if (last.at >= askedAt) continue;
      last.lessons++;
      // A beginning that reads 0 may as well be over, its Stop lost: that shows nothing.
      if (!last.active) activeBit.set(input, !bits.has(input));
      else if (bits.has(input)) activeBit.set(input, true);
      else continue;
      lastTold.delete(input);
    }
  }

  const isLearning = (): boolean => [...lastTold.values()].some((last) => last.lessons < MOST_LESSONS);

  /** Codes to be read now. */
  function due(): string[] {
    const now = clock.monotonic();
    const often: { code: string }[] = [...watched(), ...(isLearning() ? [{ code: 'AlarmLocal' }] : [])];
    const seldom = conditions
      .open()
      .filter((c) => c.quietMs === undefined)
      .filter((c) => now - Math.max(c.seenAt, readAt.get(c.code) ?? 0) >= SELDOM_MS);
    return [...new Set([...often, ...seldom].map((c) => c.code))];
  }

  function schedule(): void {
    if (timer || !online) return;
    const often = watched().length > 0 || isLearning();
    if (!often && conditions.open().length === 0) return;
    timer = clock.after(
      often ? EVERY_MS : SELDOM_MS,
      () => {
        timer = null;
        readAll(due());
      },
      { background: true },
    );
  }

  async function readAll(codes: string[], first = false): Promise<void> {
    if (busy && !first) return;
    const mine = ++round;
    busy = true;
    ended.clear();
    try {
      if (first && !(await readInputs(mine, true))) await readCode('AlarmLocal', first, mine);
      for (const code of codes.slice(0, MOST_CODES)) {
        if (mine !== round || !online) return;
        if (code === 'AlarmLocal' && (await readInputs(mine, false))) continue;
        await readCode(code, first, mine);
      }
      // What could not be read since the connection was lost is over unless it shows again.
      if (first && mine === round && online) leaveToQuietTime();
    } catch (thrown) {
      log.debug('dahua.state-not-read', { reason: asAlarmflowError(thrown).message });
      if (first && mine === round && online) leaveToQuietTime();
    } finally {
      if (mine === round) busy = false;
      schedule();
    }
  }

  async function readCode(code: string, first: boolean, mine: number): Promise<void> {
    const askedAt = clock.monotonic();
    const found = await options.indexes(code);
    if (found === null || mine !== round || !online) return;
    readAt.set(code, askedAt);
    if (readAt.size > 1_000) readAt.clear();
    const source = `getEventIndexes ${code}`;
    const nature = natureOf(code);
    if (found.length > 0) proven.add(code);
    else if (!first && nature.quietMs === undefined && !proven.has(code)) return;
    const places = nature.place === 'device' && found.length > 0 ? [0] : [...new Set(found)].slice(0, 1_000);
    const reports = places.map((index): ConditionReport => {
      const place = placeOf({ index, data: null }, nature, options.counts());
      return withoutGaps({
        family: nature.family,
        code,
        action: 'start' as const,
        type: nature.type,
        typeIsSure: false,
        ...place,
        ruleKey: nature.ruleKey,
        quietMs: nature.quietMs,
        kept: withoutGaps({ target: nature.target }),
        at: clock.monotonic(),
      });
    });
    settle(
      conditions.open().filter((c) => c.code === code),
      reports,
      { askedAt, source, first },
    );
  }

  /** False where the device doesn't tell. */
  async function readInputs(mine: number, first: boolean): Promise<boolean> {
    if (first) openAtRest = await options.openAtRest();
    const askedAt = clock.monotonic();
    const found = await options.inputs();
    if (found === null) {
      lastTold.clear();
      return false;
    }
    if (mine !== round || !online) return true;
    const bits = new Set(found.active);
    learnInputs(bits, askedAt);
    const all = Array.from({ length: found.count }, (_, input) => input);
    // Whose bit says nothing may still be named as active in so many words.
    const named =
      first && all.some((input) => isThere(input) && readsActive(input, bits) === null)
        ? await options.indexes('AlarmLocal')
        : null;
    if (mine !== round || !online) return true;
    readAt.set('AlarmLocal', askedAt);
    if (named && named.length > 0) proven.add('AlarmLocal');
    const isActive = (input: number): boolean | null => {
      const read = readsActive(input, bits);
      if (read !== null || named === null) return read;
      return named.includes(input) || (proven.has('AlarmLocal') ? false : null);
    };
    const reports = all
      .filter((input) => isActive(input) === true)
      .map(
        (input): ConditionReport => ({
          family: 'AlarmLocal',
          code: 'AlarmLocal',
          action: 'start',
          type: 'digital-input',
          typeIsSure: false,
          input: String(input),
          ruleKey: false,
          kept: {},
          at: clock.monotonic(),
        }),
      );
    const isKnown = ({ input }: Pick<OpenCondition, 'input'>): boolean => {
      const number = Number(input ?? Number.NaN);
      return number < found.count && (first ? isActive(number) !== null : activeBit.has(number));
    };
    const known = conditions.open().filter((c) => c.family === 'AlarmLocal' && isKnown(c));
    settle(known, reports, { askedAt, source: 'getInState', first });
    if (!first) return true;
    const mayBeActive = all.filter((input) => isActive(input) ?? bits.has(input));
    inputsThen = { active: new Set(mayBeActive.map(String)), askedAt };
    endLeftOpen();
    return true;
  }

  const isThere = (input: number): boolean => input < (options.counts().inputs ?? MOST_INPUTS);

  /** An input that has gone to rest while nobody listened: told once, because only an earlier run may know of it. */
  function endLeftOpen(): void {
    const { inputs } = options.counts();
    if (inputs === null || inputsThen === null || endsTold) return;
    endsTold = true;
    const { active, askedAt } = inputsThen;
    const open = new Set(conditions.open().map((c) => c.input));
    for (let i = 0; i < Math.min(inputs, MOST_INPUTS); i++) {
      const input = String(i);
      if (active.has(input) || open.has(input) || (lastTold.get(i)?.at ?? -1) >= askedAt) continue;
      options.deliver({
        type: 'digital-input',
        vendorType: 'AlarmLocal',
        phase: 'stop',
        input,
        description: 'State read from the device (getInState)',
        deviceTime: null,
        deviceAt: null,
        raw: 'getInState',
      });
    }
  }

  /** Compares what was open with what the device says now; what was seen since it was asked has spoken for itself. */
  function settle(
    known: OpenCondition[],
    reports: ConditionReport[],
    { askedAt, source, first }: { askedAt: number; source: string; first: boolean },
  ): void {
    const active = new Set(reports.map(placeKey));
    const places = new Set(known.map(placeKey));
    for (const condition of known) {
      if (condition.seenAt >= askedAt) continue;
      // One that came without an index may be any of those that are active.
      if (active.has(placeKey(condition)) || (placeKey(condition) === nowhere && reports.length > 0)) {
        const { seenAt: _seenAt, unknownSince: _unknown, ...rest } = condition;
        conditions.holds({ ...rest, action: 'start', at: clock.monotonic() });
        tell(condition, 'refresh', source);
      } else if (conditions.over(condition)) tell(condition, 'stop', source);
    }
    if (!first) return;
    for (const report of reports) {
      if (places.has(placeKey(report)) || ended.has(`${report.code} ${placeKey(report)}`)) continue;
      const { phase, condition } = conditions.holds(report);
      if (condition) tell(condition, phase, source);
    }
  }

  function leaveToQuietTime(): void {
    for (const condition of conditions.open()) {
      if (condition.unknownSince === null) continue;
      const { seenAt: _seenAt, unknownSince: _unknown, ...rest } = condition;
      const left = { ...rest, quietMs: rest.quietMs ?? QUIET_MS };
      conditions.holds({ ...left, action: 'start', at: clock.monotonic() });
      tell({ ...condition, ...left }, 'refresh', 'unknown since the connection was lost');
    }
  }

  function tell(condition: OpenCondition, phase: EventDraft['phase'], source: string): void {
    const { type, channel, input, output, quietMs, kept } = condition;
    options.deliver(
      withoutGaps({
        type,
        vendorType: condition.code,
        phase,
        channel,
        input,
        output,
        ...kept,
        condition: conditionOf(type, natureOf(condition.code)),
        quietMs,
        description: `State read from the device (${source})`,
        deviceTime: null,
        deviceAt: null,
        raw: source,
      }),
    );
  }

  return {
    connected() {
      online = true;
      timer?.cancel();
      timer = null;
      const open = conditions.open().map((c) => c.code);
      readAll([...new Set([...open.filter((code) => code !== 'AlarmLocal'), ...stateCodes])], true);
    },
    seen(draft) {
      if (draft.phase === 'stop' && busy) ended.add(`${draft.vendorType} ${placeKey(draft)}`);
      const input = Number(draft.input);
      const tells = draft.phase === 'start' || draft.phase === 'refresh' || draft.phase === 'stop';
      if (draft.vendorType === 'AlarmLocal' && tells && input < MOST_INPUTS && !activeBit.has(input))
        lastTold.set(input, { active: draft.phase !== 'stop', at: clock.monotonic(), lessons: 0 });
      schedule();
    },
    learnt() {
      if (online) endLeftOpen();
    },
    disconnected() {
      online = false;
      inputsThen = null;
      timer?.cancel();
      timer = null;
    },
    close() {
      online = false;
      round++;
      timer?.cancel();
    },
  };
}

const placeKey = (place: Pick<OpenCondition, 'channel' | 'input' | 'output'>): string =>
  JSON.stringify([place.channel ?? null, place.input ?? null, place.output ?? null]);
const nowhere = placeKey({});
