import type { EventPhase, EventType } from '../../domain/events';
import type { ConditionLife } from './names';

/** One report of the device, as far as phases go. */
export interface ConditionReport {
  type: EventType;
  life: ConditionLife;
  state: 'active' | 'inactive' | null;
  /** The device says itself that this only goes on (eventType `duration`). */
  continuing: boolean;
  channel?: number;
  input?: string;
  rule?: string;
  /** Whether the rule tells one condition from another. */
  ruleKey: boolean;
  quietMs?: number;
  /** Milliseconds on a clock that never goes back. */
  at: number;
}

/** The phase of a report; one report ends several conditions when it ends them without naming a rule. */
export interface PhaseDecision {
  phase: EventPhase;
  /** The rule that it concerns; that of the report unless the report named none. */
  rule?: string;
}

export interface OpenCondition {
  type: EventType;
  channel?: number;
  input?: string;
  rule?: string;
  quietMs?: number;
  seenAt: number;
  /** `unknown` since the connection was lost: it may have ended meanwhile. */
  knowledge: 'open' | 'unknown';
}

/** Which conditions of one device are open. Pure: the time comes with each report. */
export interface EventPhases {
  /** Decides a report and remembers it. */
  decide(report: ConditionReport): PhaseDecision[];
  /** Decides a report that tells of the past, and remembers nothing. */
  decideLate(report: ConditionReport): PhaseDecision[];
  /** Whether a condition of that type is open on exactly that channel. */
  isOpen(type: EventType, channel: number | undefined): boolean;
  /** The connection is lost: what is open becomes unknown, not ended (PROTOCOLS §0.5). */
  connectionLost(): void;
  open(): OpenCondition[];
}

/** A device that invents new keys without end must not fill the memory. */
const MAX_OPEN = 2_000;

export function createEventPhases(): EventPhases {
  const open = new Map<string, OpenCondition>();

  const keyOf = (r: ConditionReport): string =>
    JSON.stringify([r.type, r.channel ?? null, r.input ?? null, r.ruleKey ? (r.rule ?? null) : null]);

  const expired = (condition: OpenCondition, at: number): boolean =>
    condition.quietMs !== undefined && at - condition.seenAt > condition.quietMs;

  const samePlace = (condition: OpenCondition, r: ConditionReport): boolean =>
    condition.type === r.type && condition.channel === r.channel && condition.input === r.input;

  function started(report: ConditionReport): PhaseDecision[] {
    const key = keyOf(report);
    const known = open.get(key);
    const goesOn = known !== undefined && !expired(known, report.at);
    if (report.continuing && !goesOn) return [{ phase: 'refresh', rule: report.rule }];
    // Set anew at the end, so that the first of the map is the one not seen for longest.
    open.delete(key);
    const { type, channel, input, rule, quietMs, at } = report;
    open.set(key, { type, channel, input, rule, quietMs, seenAt: at, knowledge: 'open' });
    if (open.size > MAX_OPEN) open.delete(open.keys().next().value ?? key);
    return [{ phase: goesOn ? 'refresh' : 'start', rule: report.rule }];
  }

  function ended(report: ConditionReport): PhaseDecision[] {
    const rules = new Set<string | undefined>();
    for (const [key, condition] of open) {
      if (!samePlace(condition, report)) continue;
      if (report.rule !== undefined && condition.rule !== undefined && report.ruleKey && condition.rule !== report.rule)
        continue;
      open.delete(key);
      if (report.ruleKey) rules.add(report.rule ?? condition.rule);
    }
    endEscalated(report);
    if (rules.size === 0) return [{ phase: 'stop', rule: report.rule }];
    return [...rules].map((rule) => ({ phase: 'stop' as const, rule }));
  }

  /**
   * The end of an alarm ends its pre-alarm as well: both are one alarm for the engine (T1). If the pre-alarm goes on,
   * its next report is a new start, which a mere refresh would not be.
   */
  function endEscalated(report: ConditionReport): void {
    const preAlarm = preAlarmOf[report.type];
    if (preAlarm === undefined) return;
    for (const [key, condition] of open)
      if (
        samePlace(condition, { ...report, type: preAlarm }) &&
        (report.rule === undefined || condition.rule === undefined || condition.rule === report.rule)
      )
        open.delete(key);
  }

  /** The alarm that a pre-alarm has grown into, still open at the same place. */
  function hasGrown(report: ConditionReport): boolean {
    return [...open.values()].some(
      (c) =>
        preAlarmOf[c.type] === report.type &&
        samePlace(c, { ...report, type: c.type }) &&
        (report.rule === undefined || c.rule === undefined || c.rule === report.rule),
    );
  }

  return {
    decide(report) {
      if (report.life !== 'lasting') return [{ phase: pulseOrStop(report), rule: report.rule }];
      if (report.state !== 'inactive') return started(report);
      if (!hasGrown(report)) return ended(report);
      // Some firmware ends the pre-alarm when the alarm begins; the one alarm that both are goes on (§1.6).
      ended(report);
      return [{ phase: 'refresh', rule: report.rule }];
    },
    decideLate(report) {
      if (report.life !== 'lasting') return [{ phase: pulseOrStop(report), rule: report.rule }];
      if (report.state === 'inactive') return [{ phase: 'stop', rule: report.rule }];
      return [{ phase: report.continuing ? 'refresh' : 'start', rule: report.rule }];
    },
    isOpen: (type, channel) => [...open.values()].some((c) => c.type === type && c.channel === channel),
    connectionLost() {
      for (const condition of open.values()) condition.knowledge = 'unknown';
    },
    open: () => [...open.values()].map((condition) => ({ ...condition })),
  };
}

const preAlarmOf: Readonly<Record<string, EventType | undefined>> = {
  'temperature-alarm': 'temperature-prealarm',
  'temperature-difference': 'temperature-difference-prealarm',
};

/** A pulse that the device ends all the same (linedetection, inactive, no region) is told as what it is. */
const pulseOrStop = (report: ConditionReport): EventPhase => {
  if (report.state === 'inactive') return 'stop';
  return report.continuing ? 'refresh' : 'pulse';
};
