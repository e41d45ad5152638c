import type { EventPhase, EventType } from '../../domain/events';
import type { ConditionLife } from './names';

/** One report of the device, as far as phases go. */
export interface ConditionReport {
  type: EventType;
  /** The event's name as the device spells it. */
  vendorType?: string;
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

export interface OpenCondition {
  type: EventType;
  vendorType?: string;
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
  decide(report: ConditionReport): EventPhase;
  /** Decides a report that tells of the past, and remembers nothing. */
  decideLate(report: ConditionReport): EventPhase;
  /** Whether a condition of that type is open on exactly that channel. */
  isOpen(type: EventType, channel: number | undefined): boolean;
  /** The connection is lost: what is open becomes unknown, not ended (PROTOCOLS §0.5). */
  connectionLost(): void;
  /**
   * What is unknown since a loss and has no quiet time gets one: its end may have come meanwhile, and the device doesn't
   * tell again what holds. Each is told once; a report of the device takes the quiet time away again.
   */
  leaveUnknown(quietMs: number, at: number): OpenCondition[];
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

  function started(report: ConditionReport): EventPhase {
    const key = keyOf(report);
    const known = open.get(key);
    const goesOn = known !== undefined && !expired(known, report.at);
    if (report.continuing && !goesOn) return 'refresh';
    // Set anew at the end, so that the first of the map is the one not seen for longest.
    open.delete(key);
    const { type, vendorType, channel, input, rule, quietMs, at } = report;
    open.set(key, { type, vendorType, channel, input, rule, quietMs, seenAt: at, knowledge: 'open' });
    if (open.size > MAX_OPEN) open.delete(open.keys().next().value ?? key);
    return goesOn ? 'refresh' : 'start';
  }

  /** An end without a rule ends every rule of that type at that place (PROTOCOLS §0.5); one with a rule only that. */
  function ended(report: ConditionReport): EventPhase {
    for (const [key, condition] of open) {
      const otherRule = report.ruleKey && report.rule !== undefined && condition.rule !== undefined;
      if (samePlace(condition, report) && !(otherRule && condition.rule !== report.rule)) open.delete(key);
    }
    return 'stop';
  }

  return {
    decide(report) {
      if (report.life !== 'lasting') return pulseOrStop(report);
      return report.state === 'inactive' ? ended(report) : started(report);
    },
    decideLate(report) {
      if (report.life !== 'lasting') return pulseOrStop(report);
      if (report.state === 'inactive') return 'stop';
      return report.continuing ? 'refresh' : 'start';
    },
    isOpen: (type, channel) => [...open.values()].some((c) => c.type === type && c.channel === channel),
    connectionLost() {
      for (const condition of open.values()) condition.knowledge = 'unknown';
    },
    leaveUnknown(quietMs, at) {
      const left = [...open.values()].filter((c) => c.knowledge === 'unknown' && c.quietMs === undefined);
      for (const condition of left) Object.assign(condition, { quietMs, seenAt: at, knowledge: 'open' });
      return left.map((condition) => ({ ...condition }));
    },
    open: () => [...open.values()].map((condition) => ({ ...condition })),
  };
}

/** A pulse that the device ends all the same (linedetection, inactive, no region) is told as what it is. */
const pulseOrStop = (report: ConditionReport): EventPhase => {
  if (report.state === 'inactive') return 'stop';
  return report.continuing ? 'refresh' : 'pulse';
};
