/** Lets at most `size` tasks run at a time, in the order in which they asked. */
export interface Turns {
  /** Resolves with the call that gives the turn back (harmless twice); rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<() => void>;
  /** Whether the next one would have to wait. */
  busy(): boolean;
}

export function createTurns(size: number): Turns {
  let free = size;
  const waiting = new Set<() => void>();

  const turn = (): (() => void) => {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const [next] = waiting;
      if (!next) free++;
      else {
        waiting.delete(next);
        next();
      }
    };
  };

  return {
    busy: () => free === 0,
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (free > 0) {
        free--;
        return Promise.resolve(turn());
      }
      return new Promise((resolve, reject) => {
        const start = (): void => {
          signal.removeEventListener('abort', leave);
          resolve(turn());
        };
        const leave = (): void => {
          waiting.delete(start);
          reject(signal.reason);
        };
        waiting.add(start);
        signal.addEventListener('abort', leave, { once: true });
      });
    },
  };
}
