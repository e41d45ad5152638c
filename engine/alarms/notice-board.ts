import type { Clock } from '../clock/clock';
import type { TriggerNotice } from './notice';

/** What nodes show may be this late; the first change after a pause is told at once. */
const NOTICE_GAP_MS = 100;

/** Tells nodes what they are to show, when that has changed. */
export interface NoticeBoard {
  /** These nodes' notices may have changed. */
  noticed(nodeIds: Iterable<string>): void;
  onNotice(callback: (nodeId: string) => void): void;
  /** A node is gone. */
  forget(nodeId: string): void;
}

export function createNoticeBoard(clock: Clock, noticeOf: (nodeId: string) => TriggerNotice): NoticeBoard {
  const noticeCallbacks: ((nodeId: string) => void)[] = [];
  const shownNotices = new Map<string, string>();
  /** A look goes through all conditions of a trigger: in an alarm storm it must not follow every commit. */
  const toNotice = new Set<string>();
  let noticesToldAt = Number.NEGATIVE_INFINITY;
  const noticed = (nodeIds: Iterable<string>): void => {
    if (toNotice.size === 0) {
      const waitMs = noticesToldAt + NOTICE_GAP_MS - clock.monotonic();
      if (waitMs > 0) clock.after(waitMs, tellNotices, { background: true });
      else setImmediate(tellNotices);
    }
    for (const id of nodeIds) toNotice.add(id);
  };
  const tellNotices = (): void => {
    noticesToldAt = clock.monotonic();
    const ids = [...toNotice];
    toNotice.clear();
    for (const id of ids) {
      const { state, text } = noticeOf(id);
      const shown = `${state}:${text}`;
      if (shownNotices.get(id) === shown) continue;
      shownNotices.set(id, shown);
      for (const callback of noticeCallbacks) callback(id);
    }
  };

  return {
    noticed,
    onNotice(callback) {
      noticeCallbacks.push(callback);
    },
    forget(nodeId) {
      shownNotices.delete(nodeId);
    },
  };
}
