import { type ActionStatus, finalActionStatuses } from '../domain/actions';
import type { DeviceEvent, PictureRef } from '../domain/events';
import type { ActionOutcome, RecordWrites } from '../domain/record';
import { withFiltered } from './filtered';

/** The outcome of an action, by its key. */
export type Settlement = ActionOutcome & { key: string };

export interface MediaRow {
  id: string;
  at: number;
  size: number;
  contentType: string;
  name: string | null;
  /** What it was made from; null: kept as it came. */
  origin: string | null;
}

/** One caller's batch: what the engine writes, and what the record's own parts add. */
export interface Batch extends RecordWrites {
  settlements?: Settlement[];
  media?: MediaRow[];
}

const isFinal = (status: ActionStatus): boolean => finalActionStatuses.includes(status);

/** Rows that replace the former of their key, and keys to delete; whichever came last stands. */
class Latest<Row, Gone> {
  readonly #rows = new Map<string, Row>();
  readonly #gone = new Map<string, Gone>();

  add(rows: readonly Row[] | undefined, gone: readonly Gone[] | undefined, key: (of: Row | Gone) => string): void {
    // Inside one batch deletions come first: the same key in both lists is a row that is replaced.
    for (const one of gone ?? []) {
      this.#rows.delete(key(one));
      this.#gone.set(key(one), one);
    }
    for (const row of rows ?? []) {
      this.#gone.delete(key(row));
      this.#rows.set(key(row), row);
    }
  }

  rows(): Row[] {
    return [...this.#rows.values()];
  }

  gone(): Gone[] {
    return [...this.#gone.values()];
  }
}

const byAlarmAndFile = (of: { alarmId: string; mediaId: string }): string => `${of.alarmId} ${of.mediaId}`;
const byId = (of: { id: string } | string): string => (typeof of === 'string' ? of : of.id);
const byMessage = (of: { messageId: string } | string): string => (typeof of === 'string' ? of : of.messageId);
const byGate = (of: { triggerId: string; key: string }): string => `${of.triggerId}\u0000${of.key}`;

/** Events and the pictures that follow them, in order. */
function mergeEvents(batches: readonly Batch[]): { events: DeviceEvent[]; eventPictures: Batch['eventPictures'] } {
  const events = new Map<string, DeviceEvent>();
  const pictures = new Map<string, PictureRef[]>();
  for (const batch of batches) {
    for (const event of batch.events ?? []) {
      events.set(event.id, event);
      pictures.delete(event.id);
    }
    for (const added of batch.eventPictures ?? []) {
      const event = events.get(added.eventId);
      if (event) events.set(event.id, { ...event, pictures: [...event.pictures, ...added.pictures] });
      else pictures.set(added.eventId, [...(pictures.get(added.eventId) ?? []), ...added.pictures]);
    }
  }
  return {
    events: [...events.values()],
    eventPictures: [...pictures].map(([eventId, refs]) => ({ eventId, pictures: refs })),
  };
}

/** Action rows and outcomes: the first row of a key and its first outcome stand. */
function mergeActions(batches: readonly Batch[]): Pick<Batch, 'actions' | 'settlements'> {
  const actions = new Map<string, NonNullable<Batch['actions']>[number]>();
  const settlements = new Map<string, Settlement>();
  for (const batch of batches) {
    for (const action of batch.actions ?? []) if (!actions.has(action.key)) actions.set(action.key, action);
    for (const settlement of batch.settlements ?? []) {
      const former = settlements.get(settlement.key);
      if (!former || !isFinal(former.status)) settlements.set(settlement.key, settlement);
    }
  }
  return { actions: [...actions.values()], settlements: [...settlements.values()] };
}

/**
 * Many batches as one set of rows in which each key occurs once, with the same effect as the batches one after
 * another. Empty lists are left out.
 */
export function mergeBatches(batches: readonly Batch[]): Partial<Record<keyof Batch, unknown[]>> {
  const decisions = new Latest<NonNullable<Batch['decisions']>[number], string>();
  const alarms = new Latest<NonNullable<Batch['alarms']>[number], string>();
  const audit = new Latest<NonNullable<Batch['audit']>[number], string>();
  const media = new Latest<MediaRow, string>();
  const timers = new Latest<NonNullable<Batch['timers']>[number], string>();
  const leases = new Latest<NonNullable<Batch['leases']>[number], string>();
  const outputs = new Latest<NonNullable<Batch['outputs']>[number], string>();
  const standing = new Latest<NonNullable<Batch['standing']>[number], string>();
  const messages = new Latest<NonNullable<Batch['flowMessages']>[number], string>();
  const alarmMedia = new Latest<NonNullable<Batch['alarmMedia']>[number], { alarmId: string; mediaId: string }>();
  const gates = new Latest<NonNullable<Batch['gateStates']>[number], { triggerId: string; key: string }>();
  for (const batch of batches) {
    decisions.add(batch.decisions, undefined, byId);
    alarms.add(batch.alarms, undefined, byId);
    audit.add(batch.audit, undefined, byId);
    media.add(batch.media, undefined, byId);
    alarmMedia.add(batch.alarmMedia, undefined, byAlarmAndFile);
    timers.add(batch.timers, batch.timersDeleted, byId);
    leases.add(batch.leases, batch.leasesDeleted, byId);
    outputs.add(batch.outputs, batch.outputsDeleted, byId);
    standing.add(batch.standing, batch.standingDeleted, byId);
    messages.add(batch.flowMessages, batch.flowMessagesSettled, byMessage);
    gates.add(batch.gateStates, batch.gateStatesDeleted, byGate);
  }
  const { events, eventPictures } = mergeEvents(batches);
  const lists: Partial<Record<keyof Batch, unknown[]>> = {
    ...withFiltered(events, decisions.rows()),
    eventPictures,
    ...mergeActions(batches),
    alarms: alarms.rows(),
    audit: audit.rows(),
    media: media.rows(),
    alarmMedia: alarmMedia.rows(),
    timers: timers.rows(),
    timersDeleted: timers.gone(),
    leases: leases.rows(),
    leasesDeleted: leases.gone(),
    outputs: outputs.rows(),
    outputsDeleted: outputs.gone(),
    standing: standing.rows(),
    standingDeleted: standing.gone(),
    flowMessages: messages.rows(),
    flowMessagesSettled: messages.gone(),
    gateStates: gates.rows(),
    gateStatesDeleted: gates.gone(),
  };
  return Object.fromEntries(Object.entries(lists).filter(([, rows]) => rows !== undefined && rows.length > 0));
}
