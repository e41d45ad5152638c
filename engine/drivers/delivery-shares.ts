import type { Clock } from '../clock/clock';

/** Events of one device that are handed on without waiting for their outcome: alone, among others, in a flood. */
const ALONE_UNDER_WAY = 64;
const SHARED_UNDER_WAY = 16;
const FLOOD_UNDER_WAY = 4;
/** Events that a device may send at once before it counts as flooding. */
const BURST = 100;
/** Events per second that a device may send for as long as it likes. */
const PER_SECOND = 50;
/** A flooding device waits for so many times what its events took. */
const WAIT_FACTOR = 3;

/** What one device may take of the record's time. */
export interface DeliveryShare {
  /** An event is handed on. Whether its device floods, and so has to go slowly. */
  taken(): boolean;
  /** Events that may be under way at once: those of one group are waited for by whoever comes next. */
  underWay(): number;
  /** @param tookMs what the last events of a flooding device took @returns milliseconds until its next */
  waitMs(tookMs: number): number;
  close(): void;
}

/**
 * Shares out the record's time among devices. All events of a site go to disk one group after another: an event of a
 * quiet device waits for the group that is on its way, and the flood of another must neither fill that group nor follow
 * it with the next at once. A device that is the only one has nobody to give way to.
 */
export interface DeliveryShares {
  open(): DeliveryShare;
}

export function createDeliveryShares(clock: Clock): DeliveryShares {
  let devices = 0;
  const flooding = new Set<DeliveryShare>();

  return {
    open() {
      devices++;
      let left = BURST;
      let at = clock.monotonic();
      const share: DeliveryShare = {
        taken() {
          const now = clock.monotonic();
          left = Math.min(BURST, left + ((now - at) / 1000) * PER_SECOND) - 1;
          at = now;
          // What it has sent too much of it need not pay back: it is quiet as soon as it sends slowly.
          const floods = left < 0;
          if (floods) left = 0;
          if (floods) flooding.add(share);
          else if (left > BURST / 4) flooding.delete(share);
          return flooding.has(share) && devices > 1;
        },
        underWay() {
          if (devices === 1) return ALONE_UNDER_WAY;
          return flooding.has(share) ? FLOOD_UNDER_WAY : SHARED_UNDER_WAY;
        },
        // Two that flood have to share what one would get.
        waitMs: (tookMs) => tookMs * ((WAIT_FACTOR + 1) * Math.max(1, flooding.size) - 1),
        close() {
          devices--;
          flooding.delete(share);
        },
      };
      return share;
    },
  };
}
