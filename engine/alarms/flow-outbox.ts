import type { Clock, Timer } from '../clock/clock';
import type { AlarmMessage } from '../domain/alarms';
import { asAlarmflowError } from '../domain/errors';
import { jsonCopy } from '../domain/json-copy';
import type { Log } from '../domain/log';
import type { FlowMessageRow, RecordWriter } from '../domain/record';

/** A message counts as had by its action nodes when the process has lived this long after the delivery. */
export const SETTLE_AFTER_MS = 1_000;
/** Settlements that fall this close together share one write. */
const GATHER_MS = 50;
/** Between the deliveries of a message whose consequence did not reach the disk: twice as long each time, up to this. */
const LONGEST_PAUSE_MS = 30_000;
/** About an hour: what its nodes could not put on disk by then, they will not. */
const MOST_DELIVERIES = 120;

interface Outgoing {
  row: FlowMessageRow;
  committed: boolean;
  /** Monotonic time of the delivery; null while it waits. */
  deliveredAt: number | null;
  /** How often its nodes could not put on disk what it asks of them. */
  failures: number;
}

/**
 * Messages on their way into the flow. Each is on disk before it is delivered and stays there until it is settled, so
 * a crash in between sends it again, with the same id.
 */
export interface FlowOutbox {
  /** A message that is decided; its row is on the way to the disk. */
  expect(row: FlowMessageRow): void;
  /** It is on disk: delivered now, or as soon as its trigger can take it. */
  committed(row: FlowMessageRow): void;
  /** It did not reach the disk and is not to be sent. */
  cancel(row: FlowMessageRow): void;
  /** Whether a message that says "on" may not have reached its action nodes. */
  isOpen(alarmId: string): boolean;
  /**
   * A node could not put on disk what a message of this alarm asks of it. What was delivered lately is delivered again
   * a while later, with the same ids, so that what its other nodes have done is not done twice.
   */
  sendAgain(alarmId: string): void;
  /** The trigger's node is closed: what it was given lately has to be given to its successor. */
  detached(triggerId: string): void;
  /** Delivers, in order, whatever is not settled and can be taken. */
  deliverAll(): void;
  /** Ids of a trigger's messages that are not settled. */
  idsOf(triggerId: string): string[];
  /** These rows are gone from the disk: nobody has to have them any more. */
  settle(messageIds: readonly string[]): void;
  /** Forgets a trigger's messages. */
  drop(triggerId: string): void;
  close(): void;
}

export function createFlowOutbox(options: {
  writer: RecordWriter;
  clock: Clock;
  log: Log;
  /** The node's callback, or null while it cannot take messages. */
  recipient(triggerId: string): ((message: AlarmMessage) => void) | null;
  /** Called after messages of these alarms have been settled. */
  settled(alarmIds: Set<string>): void;
}): FlowOutbox {
  const { writer, clock, log } = options;
  const outgoing = new Map<string, Outgoing>();
  const open = new Map<string, Set<string>>();
  let timer: Timer | null = null;
  let wakeAt = 0;
  let settling = false;
  let closed = false;

  const forget = (row: FlowMessageRow): void => {
    outgoing.delete(row.messageId);
    const ids = open.get(row.alarmId);
    ids?.delete(row.messageId);
    if (ids?.size === 0) open.delete(row.alarmId);
  };

  const deliver = (entry: Outgoing): void => {
    const recipient = entry.committed ? options.recipient(entry.row.triggerId) : null;
    if (recipient === null) return;
    try {
      // The flow may change what it is given; what has to be sent again must not change with it.
      recipient(jsonCopy(entry.row.message));
    } catch (thrown) {
      // Another delivery would fail the same way; the message counts as delivered, the fault is on record.
      const error = asAlarmflowError(thrown);
      log.error('alarm.message-failed', { message: entry.row.messageId, trigger: entry.row.triggerId, error });
    }
    entry.deliveredAt = clock.monotonic();
    wake(SETTLE_AFTER_MS + GATHER_MS);
  };

  const wake = (ms: number): void => {
    const at = clock.monotonic() + ms;
    // While a settlement is being written, the next one is set by it. A message delivered meanwhile must not put it off
    // by a second: what had gathered by then would end at one blow, and hold up the alarms behind it.
    if (closed || settling || (timer !== null && wakeAt <= at)) return;
    timer?.cancel();
    wakeAt = at;
    timer = clock.after(
      ms,
      () => {
        timer = null;
        settling = true;
        void settle().then((written) => {
          settling = false;
          const nextMs = written ? untilNext() : SETTLE_AFTER_MS;
          if (nextMs !== null) wake(nextMs);
        });
      },
      { background: true },
    );
  };

  const repeat = (entry: Outgoing): void => {
    const { messageId, triggerId } = entry.row;
    if (++entry.failures >= MOST_DELIVERIES) {
      log.error('alarm.message-given-up', { message: messageId, trigger: triggerId, deliveries: entry.failures });
      return;
    }
    // Not delivered: it is not settled meanwhile, and a crash sends it again.
    entry.deliveredAt = null;
    const pause = Math.min(LONGEST_PAUSE_MS, SETTLE_AFTER_MS * 2 ** (entry.failures - 1));
    clock.after(
      pause,
      () => {
        if (!closed && outgoing.get(messageId) === entry && entry.deliveredAt === null) deliver(entry);
      },
      { background: true },
    );
  };

  /** Milliseconds until there is something to settle; null: nothing has been delivered. */
  const untilNext = (): number | null => {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { deliveredAt } of outgoing.values()) if (deliveredAt !== null) oldest = Math.min(oldest, deliveredAt);
    if (oldest === Number.POSITIVE_INFINITY) return null;
    return Math.max(0, oldest + SETTLE_AFTER_MS - clock.monotonic()) + GATHER_MS;
  };

  /** Never rejects. @returns whether it is on disk */
  const settle = async (): Promise<boolean> => {
    const now = clock.monotonic();
    const due: Outgoing[] = [];
    for (const entry of outgoing.values())
      if (entry.deliveredAt !== null && entry.deliveredAt + SETTLE_AFTER_MS <= now) due.push(entry);
    if (due.length > 0) {
      const deliveries = due.map((entry) => entry.deliveredAt);
      try {
        await writer.commit({ flowMessagesSettled: due.map((entry) => entry.row.messageId) });
      } catch (thrown) {
        log.warn('alarm.settle-failed', { messages: due.length, error: asAlarmflowError(thrown) });
        return false;
      }
      const alarmIds = new Set<string>();
      due.forEach((entry, index) => {
        // One that was taken back or sent again during the write is not settled by it in memory;
        // its row is gone, which only means that the last delivery is not repeated after a crash.
        if (entry.deliveredAt !== deliveries[index]) return;
        forget(entry.row);
        alarmIds.add(entry.row.alarmId);
      });
      if (!closed && alarmIds.size > 0) options.settled(alarmIds);
    }
    return true;
  };

  return {
    expect(row) {
      outgoing.set(row.messageId, { row, committed: false, deliveredAt: null, failures: 0 });
      if (!row.message.payload) return;
      const ids = open.get(row.alarmId) ?? new Set();
      open.set(row.alarmId, ids.add(row.messageId));
    },
    committed(row) {
      const entry = outgoing.get(row.messageId);
      if (entry === undefined) return;
      entry.committed = true;
      deliver(entry);
    },
    cancel: forget,
    isOpen: (alarmId) => open.has(alarmId),
    sendAgain(alarmId) {
      for (const entry of [...outgoing.values()]) {
        if (entry.row.alarmId === alarmId && entry.deliveredAt !== null) repeat(entry);
      }
    },
    detached(triggerId) {
      for (const entry of outgoing.values()) if (entry.row.triggerId === triggerId) entry.deliveredAt = null;
    },
    deliverAll() {
      for (const entry of [...outgoing.values()]) deliver(entry);
    },
    idsOf: (triggerId) =>
      [...outgoing.values()].filter((entry) => entry.row.triggerId === triggerId).map((entry) => entry.row.messageId),
    settle(messageIds) {
      const entries = messageIds.map((id) => outgoing.get(id)).filter((entry) => entry !== undefined);
      for (const { row } of entries) forget(row);
      if (!closed && entries.length > 0) options.settled(new Set(entries.map(({ row }) => row.alarmId)));
    },
    drop(triggerId) {
      for (const entry of [...outgoing.values()]) if (entry.row.triggerId === triggerId) forget(entry.row);
    },
    close() {
      closed = true;
      timer?.cancel();
      timer = null;
    },
  };
}
