/** Takes a contact for changed only after N equal samples in a row (PROTOCOLS §7). */
export interface Debouncer {
  /** The settled state of each input, or null while it is not settled; in the order of the samples. */
  sample(states: readonly boolean[]): (boolean | null)[];
  /** A sample is missing: what was not settled begins anew. */
  gap(): void;
}

/** @param samples equal ones that make a state, from 1 */
export function createDebouncer(samples: number): Debouncer {
  const inputs: { settled: boolean | null; candidate: boolean; count: number }[] = [];
  return {
    sample: (states) =>
      states.map((state, at) => {
        inputs[at] ??= { settled: null, candidate: state, count: 0 };
        const input = inputs[at];
        if (input.candidate !== state) {
          input.candidate = state;
          input.count = 0;
        }
        input.count = Math.min(samples, input.count + 1);
        if (input.count >= samples) input.settled = state;
        return input.settled;
      }),
    gap() {
      for (const input of inputs) {
        input.settled = null;
        input.count = 0;
      }
    },
  };
}
