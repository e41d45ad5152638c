import type { Decision } from '../domain/alarms';
import type { DeviceEvent } from '../domain/events';

/** A trigger whose filter does not mean the event, as it lies in the event's row. */
export interface Filtered {
  /** Of the decision. */
  id: string;
  triggerId: string;
  detail: string;
}

/** An event's row. */
export interface EventRow {
  doc: DeviceEvent;
  filtered?: Filtered[];
}

type Filter = Decision & { eventId: string; triggerId: string };

/** Says nothing but that the event is not meant: what else a decision can hold has no place in the event's row. */
const isFilter = (decision: Decision): decision is Filter =>
  decision.outcome === 'refused' &&
  decision.reason === 'filter' &&
  decision.eventId !== null &&
  decision.triggerId !== null &&
  decision.alarmId === null &&
  decision.key === undefined &&
  decision.opensAt === undefined;

/** Puts the decisions that are part of their event's row there; the others, and those whose event is elsewhere, remain. */
export function withFiltered(
  events: readonly DeviceEvent[],
  decisions: readonly Decision[],
): { events: EventRow[]; decisions: Decision[] } {
  const rows = new Map(events.map((doc): [string, EventRow] => [doc.id, { doc }]));
  const others: Decision[] = [];
  for (const decision of decisions) {
    if (isFilter(decision)) {
      const { id, triggerId, detail, eventId, at } = decision;
      const row = rows.get(eventId);
      if (row?.doc.receivedAt === at) {
        row.filtered ??= [];
        row.filtered.push({ id, triggerId, detail });
        continue;
      }
    }
    others.push(decision);
  }
  return { events: [...rows.values()], decisions: others };
}

/** The decisions again that lie in an event's row. */
export const decisionsIn = (event: DeviceEvent, filtered: readonly Filtered[]): Decision[] =>
  filtered.map(({ id, triggerId, detail }) => ({
    id,
    at: event.receivedAt,
    eventId: event.id,
    triggerId,
    alarmId: null,
    outcome: 'refused',
    reason: 'filter',
    detail,
  }));
