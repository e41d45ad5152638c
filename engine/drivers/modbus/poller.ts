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
  /** @param refusal why outputs can't be read, though the board answers; null: they can */
  onAnswer(refusal: AlarmflowError | null): void;
  onFailure(error: AlarmflowError): void;
}

/** Reads a board again and again; that is its keep-alive as well (boards have watch-dogs, PROTOCOLS §7). */
export interface Poller {
  start(): void;
  close(): Promise<void>;
}

/** The board has answered, and will answer the same; a gateway that speaks for a board that is gone has not. */
const isRefusal = ({ code, facts }: AlarmflowError): boolean =>
  facts?.exception !== undefined && ['E_NOT_SUPPORTED', 'E_BAD_PARAMETER', 'E_DEVICE_ERROR'].includes(code);

export function createPoller(options: PollerOptions): Poller {
  const { board, settings, clock } = options;
  const closing = new AbortController();
  const debouncer = createDebouncer(settings.samples);
  const readsOutputs = settings.outputs.count > 0 && settings.outputs.readBack;
  let outputsDue = 0;
  let running: Promise<void> = Promise.resolve();

  let refusal: AlarmflowError | null = null;

  async function once(): Promise<void> {
    if (settings.inputs.count > 0) options.onInputs(debouncer.sample(await board.readInputs(closing.signal)));
    const now = clock.monotonic();
    if (settings.inputs.count > 0 && (!readsOutputs || now < outputsDue)) return;
    outputsDue = now + OUTPUTS_EVERY_MS;
    try {
      options.onOutputs(await board.readOutputs(closing.signal));
      refusal = null;
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      // A refusal is an answer, and tells that the board is there. Inputs that can be read are not to be given up for it.
      const refused = settings.inputs.count > 0 ? isRefusal(error) : error.family === 'user' && !readsOutputs;
      if (!refused) throw error;
      refusal = readsOutputs ? error : null;
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
        options.onAnswer(refusal);
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
