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
/** Codes that are read in one round. */
const MOST_CODES = 24;

export interface StateWatchOptions {
  conditions: OpenConditions;
  /** The indexes at which a code is active, or null where the device doesn't tell. */
  indexes(code: string): Promise<number[] | null>;
  /** The active alarm inputs, or null where the device doesn't tell. */
  inputs(): Promise<{ active: number[]; count: number } | null>;
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

  /** Codes to be read now; inputs tell their ends reliably, and an input that is closed at rest reads the other way. */
  function due(): string[] {
    const now = clock.monotonic();
    const often = watched();
    const seldom = conditions
      .open()
      .filter((c) => c.quietMs === undefined && c.family !== 'AlarmLocal')
      .filter((c) => now - Math.max(c.seenAt, readAt.get(c.code) ?? 0) >= SELDOM_MS);
    return [...new Set([...often, ...seldom].map((c) => c.code))];
  }

  function schedule(): void {
    if (timer || !online) return;
    const often = watched().length > 0;
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
      if (first && !(await readInputs(mine))) await readCode('AlarmLocal', first, mine);
      for (const code of codes.slice(0, MOST_CODES)) {
        if (mine !== round || !online) return;
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
  async function readInputs(mine: number): Promise<boolean> {
    const askedAt = clock.monotonic();
    const found = await options.inputs();
    if (found === null) return false;
    if (mine !== round || !online) return true;
    const reports = found.active.map(
      (index): ConditionReport => ({
        family: 'AlarmLocal',
        code: 'AlarmLocal',
        action: 'start',
        type: 'digital-input',
        typeIsSure: false,
        input: String(index),
        ruleKey: false,
        kept: {},
        at: clock.monotonic(),
      }),
    );
    const known = conditions.open().filter((c) => c.family === 'AlarmLocal' && Number(c.input) < found.count);
    settle(known, reports, { askedAt, source: 'getInState', first: true });
    return true;
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
      schedule();
    },
    disconnected() {
      online = false;
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
