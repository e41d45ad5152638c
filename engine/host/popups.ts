/** The pop-ups that stand before the consoles: rows that outlive the process, closed by people, their alarm or time. */
import type { Clock, Timer } from '../clock/clock';
import type { Alarm } from '../domain/alarms';
import type { Announce } from '../domain/announcements';
import { asAlarmflowError, userError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import { type Popup, type PopupBoard, popupLevels } from '../domain/popups';
import type { AuditRow, RecordWriter, RecordWrites, StandingRow } from '../domain/record';

const KIND = 'popup';
/** More than these nobody looks at; what is over goes first, then the least severe. */
const MOST_OPEN = 100;
/** How long a closed one is remembered: an action that a crash has interrupted must not open it again. */
const REMEMBERED_MS = 2 * 3_600_000;
const MOST_REMEMBERED = 1_000;
const RETRY_MS = 5_000;

/** What a row of the record holds. */
interface PopupDoc {
  popup: Popup;
  /** Keys of the actions that it has spoken for, the newest last. */
  keys: string[];
  closed: { at: number; by: string; why: string } | null;
}

const MOST_KEYS = 20;

export interface PopupsOptions {
  writer: RecordWriter;
  clock: Clock;
  log: Log;
  announce: Announce;
  /** An alarm as it is now, also one that is over; null: there is none. */
  alarm(id: string): Promise<Alarm | null>;
  /** Somebody has closed one by hand. Absent: nobody wants to know. */
  dismissed?(popup: Popup, who: string): void;
}

export interface Popups extends PopupBoard {
  /** Takes up what the last run has left. Once, before anything else. */
  resume(rows: readonly StandingRow[]): void;
  /**
   * Closes what alarms, as they are now, have made pointless, and begins to count the time of the others.
   * @param alarm an alarm of the record; null: it holds none of this id
   */
  start(alarm: (id: string) => Promise<Alarm | null>): Promise<void>;
  /** The open ones, the most severe first, of one level the oldest first. */
  list(): Popup[];
  /** @throws E_UNKNOWN_POPUP (user) */
  find(id: string): Popup;
  /** Closes one for everybody; says so in the audit trail. @throws E_UNKNOWN_POPUP (user) */
  dismiss(id: string, who: string): Promise<void>;
  /** An alarm is another than it was. */
  alarmChanged(alarm: Alarm): void;
  /** Stops the timer. */
  close(): void;
}

/** Pure: the order in which pop-ups are to be seen: what lives before what is over, then the most severe. */
export const bySeverity = (a: Popup, b: Popup): number =>
  Number(a.endedAt !== undefined) - Number(b.endedAt !== undefined) ||
  popupLevels.indexOf(b.level) - popupLevels.indexOf(a.level) ||
  a.shownAt - b.shownAt ||
  (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** Pure: why an alarm as it is now closes a pop-up, or null. */
export function closedBy({ goesWhen }: Popup, alarm: Alarm): { by: string; why: string } | null {
  if (alarm.acknowledgedAt !== null)
    return { by: alarm.acknowledgedBy ?? 'somebody', why: 'the alarm was acknowledged' };
  if (goesWhen === 'cleared' && alarm.clearedAt !== null) return { by: 'alarmflow', why: 'the alarm has cleared' };
  if (goesWhen === 'ended' && alarm.endedAt !== null) return { by: 'alarmflow', why: 'the alarm is over' };
  return null;
}

/** New words for one that stands; the same alarm does not live again. */
const renewed = (popup: Popup, before: Popup): Popup => ({
  ...popup,
  shownAt: before.shownAt,
  ...(before.endedAt === undefined ? {} : { endedAt: before.endedAt }),
});

export function createPopups(options: PopupsOptions): Popups {
  const { writer, clock, log, announce, alarm: alarmNow } = options;
  const docs = new Map<string, PopupDoc>();
  let timer: Timer | null = null;
  let started = false;
  let queue: Promise<unknown> = Promise.resolve();

  /** One change after another: two actions of one alarm may run at once. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = queue.then(work, work);
    queue = next.catch(() => undefined);
    return next;
  }

  const open = (): PopupDoc[] => [...docs.values()].filter(({ closed }) => closed === null);
  const list = (): Popup[] =>
    open()
      .map(({ popup }) => popup)
      .sort(bySeverity);

  const rowOf = (doc: PopupDoc): StandingRow => ({ id: `${KIND}:${doc.popup.id}`, kind: KIND, doc });

  /** Writes, and then has it so; forgets what was closed long ago on the way. */
  async function put(changed: PopupDoc[], audit: AuditRow[] = []): Promise<void> {
    const now = clock.now();
    const closed = [...docs.values()]
      .filter((doc) => doc.closed !== null && !changed.some(({ popup }) => popup.id === doc.popup.id))
      .sort((a, b) => b.closed!.at - a.closed!.at);
    const old = closed.filter((doc, at) => at >= MOST_REMEMBERED || now - doc.closed!.at > REMEMBERED_MS);
    const writes: RecordWrites = {
      standing: changed.map(rowOf),
      ...(old.length > 0 ? { standingDeleted: old.map((doc) => rowOf(doc).id) } : {}),
      ...(audit.length > 0 ? { audit } : {}),
    };
    await writer.commit(writes);
    for (const { popup } of old) docs.delete(popup.id);
    for (const doc of changed) docs.set(doc.popup.id, doc);
    watch();
    announce({ kind: 'popups', data: { popups: list() } });
  }

  const closing = (doc: PopupDoc, by: string, why: string): PopupDoc => ({
    ...doc,
    closed: { at: clock.now(), by, why },
  });

  /** Closes those for which there is a reason by the time it is their turn. */
  function closeThose(reason: (popup: Popup) => { by: string; why: string } | null): Promise<void> {
    return inTurn(async () => {
      const gone = open().flatMap((doc) => {
        const found = reason(doc.popup);
        return found === null ? [] : [closing(doc, found.by, found.why)];
      });
      if (gone.length > 0) await put(gone);
    });
  }

  const timeIsOver = (popup: Popup): { by: string; why: string } | null =>
    popup.goesAt !== null && popup.goesAt <= clock.now() ? { by: 'alarmflow', why: 'its time was over' } : null;

  function watch(retryMs = 0): void {
    timer?.cancel();
    timer = null;
    if (!started) return;
    const next = Math.min(...open().map(({ popup }) => popup.goesAt ?? Number.POSITIVE_INFINITY));
    if (next === Number.POSITIVE_INFINITY) return;
    timer = clock.after(
      Math.max(retryMs, next - clock.now(), 0),
      () => {
        closeThose(timeIsOver).catch((error: unknown) => {
          log.warn('popup.not-closed', { error: asAlarmflowError(error).message });
          watch(RETRY_MS);
        });
      },
      { background: true },
    );
  }

  function find(id: string): PopupDoc {
    const doc = docs.get(id);
    if (!doc || doc.closed !== null)
      throw userError(
        'E_UNKNOWN_POPUP',
        'This message is not open any more: somebody has closed it, or its alarm is over',
      );
    return doc;
  }

  /** One that its alarm's end does not close says that it is over, and makes room for those that live. */
  function markThose(endOf: (popup: Popup) => number | null): Promise<void> {
    return inTurn(async () => {
      const marked = open().flatMap((doc) => {
        const endedAt = doc.popup.endedAt === undefined ? endOf(doc.popup) : null;
        return endedAt === null ? [] : [{ ...doc, popup: { ...doc.popup, endedAt } }];
      });
      if (marked.length > 0) await put(marked);
    });
  }

  function alarmChanged(alarm: Alarm): void {
    const failed = (error: unknown): void => {
      // At the next start, if not before, the alarm is asked again.
      log.warn('popup.not-closed', { alarm: alarm.id, error: asAlarmflowError(error).message });
    };
    const ofIt = open().filter(({ popup }) => popup.alarmId === alarm.id);
    if (ofIt.some(({ popup }) => closedBy(popup, alarm) !== null))
      closeThose((popup) => (popup.alarmId === alarm.id ? closedBy(popup, alarm) : null)).catch(failed);
    if (alarm.endedAt !== null && ofIt.some(({ popup }) => popup.endedAt === undefined))
      markThose((popup) => (popup.alarmId === alarm.id ? alarm.endedAt : null)).catch(failed);
  }

  /** Of a message that speaks of the end itself: it is shown, so nothing closes it. */
  function markEnded(alarmId: string, endedAt: number): void {
    markThose((popup) => (popup.alarmId === alarmId ? endedAt : null)).catch((error: unknown) => {
      log.warn('popup.not-marked', { alarm: alarmId, error: asAlarmflowError(error).message });
    });
  }

  return {
    resume(rows) {
      for (const row of rows) if (row.kind === KIND) docs.set((row.doc as PopupDoc).popup.id, row.doc as PopupDoc);
    },
    async start(alarm) {
      started = true;
      const alarms = new Map<string, Alarm>();
      for (const { popup } of open()) {
        const found = popup.alarmId === null ? null : await alarm(popup.alarmId);
        if (found) alarms.set(found.id, found);
      }
      await closeThose((popup) => {
        const known = popup.alarmId === null ? undefined : alarms.get(popup.alarmId);
        return timeIsOver(popup) ?? (known ? closedBy(popup, known) : null);
      });
      await markThose((popup) => (popup.alarmId === null ? null : (alarms.get(popup.alarmId)?.endedAt ?? null)));
      watch();
    },
    list,
    find: (id) => find(id).popup,
    show: (popup, key, onlyOpen) =>
      inTurn(async () => {
        const known = docs.get(popup.id);
        if (known?.keys.includes(key)) return known.closed === null ? 'shown' : 'closed';
        const stands = known !== undefined && known.closed === null;
        if (!stands && onlyOpen) return 'closed';
        const doc: PopupDoc = {
          popup: stands ? renewed(popup, known.popup) : popup,
          keys: [...(known?.keys ?? []), key].slice(-MOST_KEYS),
          closed: null,
        };
        const surplus = stands ? [] : [...list(), popup].sort(bySeverity).slice(MOST_OPEN);
        const crowded = surplus.flatMap(({ id }) => {
          const other = docs.get(id);
          return other && other.closed === null ? [closing(other, 'alarmflow', 'too many messages were open')] : [];
        });
        if (surplus.length > 0)
          log.warn('popup.too-many', { open: MOST_OPEN, left: surplus.map(({ title }) => title).join('; ') });
        const itself = surplus.some(({ id }) => id === popup.id);
        await put([...crowded, itself ? closing(doc, 'alarmflow', 'too many messages were open') : doc]);
        // It may have been acknowledged, or have ended, while this was being written, when there was nothing to be closed yet.
        if (popup.alarmId !== null) {
          const alarm = await alarmNow(popup.alarmId);
          if (alarm && popup.phase !== 'clear' && popup.phase !== 'end') alarmChanged(alarm);
          else if (alarm && alarm.endedAt !== null) markEnded(alarm.id, alarm.endedAt);
        }
        return itself ? 'closed' : stands ? 'renewed' : 'shown';
      }),
    dismiss: (id, who) =>
      inTurn(async () => {
        const doc = find(id);
        const at = clock.now();
        await put(
          [closing(doc, who, 'closed by hand')],
          [
            {
              id: sortableId(at),
              at,
              who,
              action: 'popup.close',
              subject: doc.popup.alarmId ?? id,
              detail: doc.popup.title,
            },
          ],
        );
        options.dismissed?.(doc.popup, who);
      }),
    alarmChanged,
    close() {
      started = false;
      timer?.cancel();
    },
  };
}
