import type { Clock } from '../../clock/clock';
import { berElement } from './agent-address';

/** RFC 3414 §2.2.3. */
const WINDOW_S = 150;
/** RFC 3414 §2.2.2: an engine that has counted so far takes nothing any more. */
const MOST_BOOTS = 2 ** 31 - 1;
const MOST_ENGINES = 5_000;
/** 2026-01-01T00:00:00Z. */
const EPOCH = 1_767_225_600_000;

/** What a version 3 message says of the engine that is the authority on its time (RFC 3414 §2.4). */
export interface EngineTime {
  /** Hexadecimal digits. */
  engineId: string;
  boots: number;
  /** Seconds since the last boot. */
  time: number;
}

/** The security parameters of a message, or null for one of another version or form. */
export function engineTimeIn(bytes: Buffer): EngineTime | null {
  const message = berElement(bytes, 0, 0x30);
  const version = message && berElement(bytes, message.start, 0x02);
  const head = version && berElement(bytes, version.end, 0x30);
  const octets = head && berElement(bytes, head.end, 0x04);
  const security = octets && berElement(bytes, octets.start, 0x30);
  const engine = security && berElement(bytes, security.start, 0x04);
  const boots = engine && berElement(bytes, engine.end, 0x02);
  const time = boots && berElement(bytes, boots.end, 0x02);
  if (!engine || !boots || !time) return null;
  const number = ({ start, end }: { start: number; end: number }): number =>
    end > start && end - start <= 5 && end <= bytes.length ? bytes.readIntBE(start, end - start) : -1;
  return {
    engineId: bytes.toString('hex', engine.start, engine.end),
    boots: number(boots),
    time: number(time),
  };
}

/**
 * Boots and time of our own engine, for informs. Nothing is kept over a restart: boots count the seconds from a fixed day
 * to the start, so that they are more with each.
 */
export function ownEngineTime(clock: Clock): () => { boots: number; time: number } {
  const startedAt = clock.monotonic();
  const boots = Math.min(MOST_BOOTS - 1, Math.max(1, Math.floor((clock.now() - EPOCH) / 1_000)));
  return () => ({ boots, time: Math.floor((clock.monotonic() - startedAt) / 1_000) % MOST_BOOTS });
}

/** Whether an inform is within the window of our own engine (RFC 3414 §3.2, 7a). */
export const isOurTime = (told: EngineTime, own: { boots: number; time: number }): boolean =>
  told.boots === own.boots && Math.abs(told.time - own.time) <= WINDOW_S;

/** What is known of the time of other engines, of whom traps come. */
export interface TimeWindows {
  /**
   * Whether a proved message is within the window of its sender (RFC 3414 §3.2, 7b); one that is carries the notion of
   * its time on. The first of a sender is believed.
   */
  takes(told: EngineTime): boolean;
}

export function createTimeWindows(clock: Clock): TimeWindows {
  const engines = new Map<string, { boots: number; time: number; latest: number; at: number }>();
  return {
    takes({ engineId, boots, time }) {
      if (boots < 0 || time < 0 || boots >= MOST_BOOTS) return false;
      const now = clock.monotonic();
      const known = engines.get(engineId);
      if (known) {
        const notion = known.time + Math.floor((now - known.at) / 1_000);
        if (boots < known.boots || (boots === known.boots && time < notion - WINDOW_S)) return false;
        if (boots === known.boots && time <= known.latest) return true;
      }
      // The one that was heard longest ago goes first.
      engines.delete(engineId);
      engines.set(engineId, { boots, time, latest: time, at: now });
      const oldest = engines.size > MOST_ENGINES ? engines.keys().next().value : undefined;
      if (oldest !== undefined) engines.delete(oldest);
      return true;
    },
  };
}
