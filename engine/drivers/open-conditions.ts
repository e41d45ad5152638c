import type { EventDraft, EventPhase } from '../domain/events';

/** A sender that invents new places without end must not fill the memory. */
const MOST_OPEN = 2_000;

type Condition = Pick<EventDraft, 'type' | 'channel' | 'input' | 'output' | 'rule' | 'quietMs'>;

/**
 * Which conditions of a sender are open that tells starts and ends by itself and is never asked. Pure: the time comes with
 * each report.
 */
export interface OpenConditions {
  /**
   * The phase of a report: a start of what is open already is a refresh; an end without a rule ends every rule of that
   * type at that place (PROTOCOLS §0.5); all others are what they say.
   *
   * @param at milliseconds on a clock that never goes back
   */
  decide(condition: Condition, phase: EventPhase, at: number): EventPhase;
  /** The rules of that type at that place that are open. */
  rulesAt(place: Omit<Condition, 'rule' | 'quietMs'>): string[];
}

export function createOpenConditions(): OpenConditions {
  const open = new Map<string, Condition & { seenAt: number }>();
  const keyOf = (c: Condition): string =>
    JSON.stringify([c.type, c.channel ?? null, c.input ?? null, c.output ?? null, c.rule ?? null]);

  return {
    decide(condition, phase, at) {
      if (phase === 'pulse') return phase;
      const key = keyOf(condition);
      if (phase === 'stop') {
        for (const [other, known] of open)
          if (isAt(known, condition) && (condition.rule === undefined || other === key)) open.delete(other);
        return phase;
      }
      const known = open.get(key);
      const goesOn = known !== undefined && !(known.quietMs !== undefined && at - known.seenAt > known.quietMs);
      // Set anew at the end, so that the first of the map is the one not seen for longest.
      open.delete(key);
      const { type, channel, input, output, rule, quietMs } = condition;
      open.set(key, { type, channel, input, output, rule, quietMs, seenAt: at });
      if (open.size > MOST_OPEN) open.delete(open.keys().next().value ?? key);
      return phase === 'start' && goesOn ? 'refresh' : phase;
    },
    rulesAt: (place) =>
      [...open.values()].flatMap((known) => (isAt(known, place) && known.rule !== undefined ? [known.rule] : [])),
  };
}

const isAt = (known: Condition, place: Omit<Condition, 'rule' | 'quietMs'>): boolean =>
  known.type === place.type &&
  known.channel === place.channel &&
  known.input === place.input &&
  known.output === place.output;
