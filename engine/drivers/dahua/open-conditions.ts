import type { EventDraft, EventPhase } from '../../domain/events';
import type { WireAction } from './event-text';

/** Where a condition is, and which of the device's rules it belongs to. */
export type ConditionPlace = Pick<EventDraft, 'channel' | 'input' | 'output'>;

/** One report of the device, as far as phases go. */
export interface ConditionReport extends ConditionPlace {
  /** Codes that speak of one condition. */
  family: string;
  /** The code as the device spells it; its state is asked by it. */
  code: string;
  action: WireAction;
  type: EventDraft['type'];
  /** The type follows from the data of this very event; a stop without data doesn't know it. */
  typeIsSure: boolean;
  ruleKey: boolean;
  ruleName?: string;
  ruleId?: string;
  quietMs?: number;
  /** What a stop must repeat to be known by filters. */
  kept: Pick<EventDraft, 'rule' | 'target' | 'direction' | 'level'>;
  /** Milliseconds on a clock that never goes back. */
  at: number;
}

export type OpenCondition = Omit<ConditionReport, 'action' | 'at'> & { seenAt: number; unknownSince: number | null };

/** What a report means: its phase, and the condition that it is about where that was open. */
export interface Decision {
  phase: EventPhase;
  condition: OpenCondition | null;
}

/** Which conditions of one device are open. Pure: the time comes with each report. */
export interface OpenConditions {
  /** Decides a report and remembers it; nothing for a `State` of a condition that is not open. */
  decide(report: ConditionReport): Decision[];
  /** Decides a report that tells of the past, and remembers nothing. */
  decideLate(report: ConditionReport): Decision[];
  /** The condition holds, as the device told when it was asked. */
  holds(report: ConditionReport): Decision;
  /** The condition doesn't hold any more; false when it was not open. */
  over(condition: OpenCondition): boolean;
  /** The connection is lost: what is open becomes unknown, not ended (PROTOCOLS §0.5). */
  connectionLost(at: number): void;
  open(): OpenCondition[];
}

/** A device that invents new keys without end must not fill the memory. */
const MAX_OPEN = 2_000;

export function createOpenConditions(): OpenConditions {
  const open = new Map<string, OpenCondition>();

  const keyOf = (r: Omit<ConditionReport, 'action' | 'at'>): string =>
    JSON.stringify([
      r.family,
      r.type,
      r.channel ?? null,
      r.input ?? null,
      r.output ?? null,
      r.ruleKey ? (r.ruleId ?? r.ruleName ?? null) : null,
    ]);

  function remember(report: ConditionReport): { condition: OpenCondition; goesOn: boolean } {
    const { action: _action, at, ...rest } = report;
    const key = keyOf(rest);
    const known = open.get(key);
    const expired = known?.quietMs !== undefined && at - known.seenAt > known.quietMs;
    const condition: OpenCondition = { ...rest, seenAt: at, unknownSince: null };
    // Set anew at the end, so that the first of the map is the one not seen for longest.
    open.delete(key);
    open.set(key, condition);
    if (open.size > MAX_OPEN) open.delete(open.keys().next().value ?? key);
    return { condition, goesOn: known !== undefined && !expired };
  }

  /** A stop without a rule ends every rule at that place (PROTOCOLS §0.5); one with a rule only that. */
  function matching(report: ConditionReport): OpenCondition[] {
    const found = [...open.values()].filter(
      (c) =>
        c.family === report.family &&
        c.channel === report.channel &&
        c.input === report.input &&
        c.output === report.output &&
        (!report.ruleKey || sameRule(c, report)),
    );
    const sameType = report.typeIsSure ? found.filter((c) => c.type === report.type) : [];
    return sameType.length > 0 ? sameType : found;
  }

  return {
    decide(report) {
      switch (report.action) {
        case 'pulse':
          return [{ phase: 'pulse', condition: null }];
        case 'start': {
          const { condition, goesOn } = remember(report);
          return [{ phase: goesOn ? 'refresh' : 'start', condition }];
        }
        case 'stop': {
          const ended = matching(report);
          for (const condition of ended) open.delete(keyOf(condition));
          if (ended.length === 0) return [{ phase: 'stop', condition: null }];
          return ended.map((condition) => ({ phase: 'stop', condition }));
        }
        case 'state': {
          const going = matching(report);
          for (const condition of going) condition.seenAt = report.at;
          return going.map((condition) => ({ phase: 'refresh', condition }));
        }
      }
    },
    decideLate: ({ action }) => (action === 'state' ? [] : [{ phase: action, condition: null }]),
    holds(report) {
      const { condition, goesOn } = remember(report);
      return { phase: goesOn ? 'refresh' : 'snapshot', condition };
    },
    over: (condition) => open.delete(keyOf(condition)),
    connectionLost(at) {
      for (const condition of open.values()) condition.unknownSince ??= at;
    },
    open: () => [...open.values()],
  };
}

function sameRule(
  a: Pick<ConditionReport, 'ruleId' | 'ruleName'>,
  b: Pick<ConditionReport, 'ruleId' | 'ruleName'>,
): boolean {
  if (a.ruleId !== undefined && b.ruleId !== undefined) return a.ruleId === b.ruleId;
  if (a.ruleName !== undefined && b.ruleName !== undefined) return a.ruleName === b.ruleName;
  return true;
}
