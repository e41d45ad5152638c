/** Messages that QoS 1 delivers twice (MQTT 3.1.1 §4.3.2). */
export interface Repeats {
  /** Whether this is the second delivery of a message that has just been taken. */
  isRepeat(topic: string, payload: string, dup: boolean, at: number): boolean;
}

const WITHIN_MS = 10_000;
const MOST = 500;

export function createRepeats(): Repeats {
  const seen = new Map<string, number>();
  return {
    isRepeat(topic, payload, dup, at) {
      const key = `${topic}\n${payload.length > 2_000 ? payload.slice(0, 2_000) : payload}`;
      const before = seen.get(key);
      seen.delete(key);
      seen.set(key, at);
      const oldest = seen.size > MOST ? seen.keys().next().value : undefined;
      if (oldest !== undefined) seen.delete(oldest);
      // The sender's own repeats are not marked: only a marked one is the same message again.
      return dup && before !== undefined && at - before < WITHIN_MS;
    },
  };
}
