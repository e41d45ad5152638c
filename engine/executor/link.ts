import type { Log } from '../domain/log';

/**
 * Whether the queue's server answers. Everything that notices tells it here,
 * so that an outage is one line in the log and its end another, not one per retry.
 */
export interface Link {
  lost(reason: unknown): void;
  back(): void;
  /** Why it is lost, for people; null while it answers. */
  trouble(): string | null;
  /** Called each time the server answers again after an outage. */
  onBack(callback: () => void): void;
}

export function createLink(log: Log, server: string): Link {
  const callbacks: (() => void)[] = [];
  let trouble: string | null = null;
  return {
    lost(reason) {
      if (trouble !== null) return;
      trouble = reason instanceof Error ? reason.message : String(reason);
      log.warn('queue server lost; what is due waits on disk', { server, reason: trouble });
    },
    back() {
      if (trouble === null) return;
      trouble = null;
      log.info('queue server is back', { server });
      for (const callback of callbacks) callback();
    },
    trouble: () => trouble,
    onBack(callback) {
      callbacks.push(callback);
    },
  };
}
