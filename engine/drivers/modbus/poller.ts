import { type Clock, sleepOrStop } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError } from '../../domain/errors';
import type { Board } from './board';
import { createDebouncer } from './debounce';
import type { BoardSettings } from './settings';

/** Outputs are read less often: they tell what switched them off, and keep a board without inputs awake. */
const OUTPUTS_EVERY_MS = 1_000;

export interface PollerOptions {
  board: Board;
  settings: BoardSettings;
  clock: Clock;
  backoff(failures: number): number;
  /** Settled states; null where a contact has not settled. */
  onInputs(states: (boolean | null)[]): void;
  onOutputs(states: (boolean | null)[]): void;
  onAnswer(): void;
  onFailure(error: AlarmflowError): void;
}

/** Reads a board again and again; that is its keep-alive as well (boards have watch-dogs, PROTOCOLS §7). */
export interface Poller {
  start(): void;
  close(): Promise<void>;
}

export function createPoller(options: PollerOptions): Poller {
  const { board, settings, clock } = options;
  const closing = new AbortController();
  const debouncer = createDebouncer(settings.samples);
  const readsOutputs = settings.outputs.count > 0 && settings.outputs.readBack;
  let outputsDue = 0;
  let running: Promise<void> = Promise.resolve();

  async function once(): Promise<void> {
    if (settings.inputs.count > 0) options.onInputs(debouncer.sample(await board.readInputs(closing.signal)));
    const now = clock.monotonic();
    if (settings.inputs.count > 0 && (!readsOutputs || now < outputsDue)) return;
    outputsDue = now + OUTPUTS_EVERY_MS;
    try {
      options.onOutputs(await board.readOutputs(closing.signal));
    } catch (thrown) {
      // A board that is only written to is asked all the same; a refusal is an answer, and tells that it is there.
      if (readsOutputs || asAlarmflowError(thrown).family !== 'user') throw thrown;
    }
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!closing.signal.aborted) {
      const began = clock.monotonic();
      let pause = settings.inputs.count > 0 ? settings.pollMs : OUTPUTS_EVERY_MS;
      try {
        await once();
        failures = 0;
        options.onAnswer();
      } catch (thrown) {
        if (closing.signal.aborted) return;
        const error = asAlarmflowError(thrown);
        // No answer is no state: what had not settled begins anew.
        debouncer.gap();
        outputsDue = 0;
        options.onFailure(error);
        // The first failure is followed up at once: a board that merely closed its side is back within the grace.
        pause = error.retryAfterMs ?? (failures === 0 ? 0 : options.backoff(failures - 1));
        failures++;
      }
      const left = pause - (failures > 0 ? 0 : clock.monotonic() - began);
      await sleepOrStop(clock, Math.max(failures > 0 ? 50 : 1, left), closing.signal);
    }
  }

  return {
    start() {
      running = run();
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}
