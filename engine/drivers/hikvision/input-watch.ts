import type { Clock, Timer } from '../../clock/clock';
import { asAlarmflowError } from '../../domain/errors';
import type { EventDraft } from '../../domain/events';
import type { Log } from '../../domain/log';
import type { EventPhases } from './event-phases';

/** Within the quiet time of an alarm input, so that an input that stays active doesn't seem to have ended. */
const EVERY_MS = 4_000;

export interface InputWatchOptions {
  phases: EventPhases;
  /** State of the input, or null when the device doesn't tell it. */
  read(input: string): Promise<boolean | null>;
  deliver(draft: EventDraft): void;
  clock: Clock;
  log: Log;
}

/**
 * Many devices tell only that an alarm input became active (PROTOCOLS §1.5). While one is, its state is read: active is
 * a refresh, inactive the end that the device may never send. After a reconnection what was open is asked at once.
 */
export interface InputWatch {
  seen(draft: EventDraft): void;
  connected(): void;
  close(): void;
}

export function createInputWatch(options: InputWatchOptions): InputWatch {
  const { clock, phases } = options;
  /** Last event of each active input; what is read is told in its words. */
  const active = new Map<string, EventDraft>();
  /** Inputs whose state the device doesn't tell: they are not asked again. */
  const mute = new Set<string>();
  let timer: Timer | null = null;
  let reading = false;

  const schedule = (ms: number): void => {
    if (timer || active.size === 0) return;
    timer = clock.after(
      ms,
      () => {
        timer = null;
        readAll();
      },
      { background: true },
    );
  };

  function readAll(): void {
    if (reading) return;
    reading = true;
    Promise.all([...active].map(([input, draft]) => readOne(input, draft))).finally(() => {
      reading = false;
      schedule(EVERY_MS);
    });
  }

  async function readOne(input: string, last: EventDraft): Promise<void> {
    let state: boolean | null;
    try {
      state = await options.read(input);
    } catch (thrown) {
      // The quiet time ends the condition if the device stays away.
      options.log.debug('hikvision.input-not-read', { input, reason: asAlarmflowError(thrown).message });
      return;
    }
    // The device has spoken for itself meanwhile.
    if (active.get(input) !== last) return;
    if (state === null) {
      mute.add(input);
      active.delete(input);
      return;
    }
    const report = {
      type: last.type,
      life: 'lasting' as const,
      state: state ? ('active' as const) : ('inactive' as const),
      continuing: false,
      input,
      ruleKey: false,
      quietMs: last.quietMs,
      at: clock.monotonic(),
    };
    const phase = phases.decide(report);
    if (!state) active.delete(input);
    const { repeat: _repeat, picturesAnnounced: _pictures, ...kept } = last;
    options.deliver({
      ...kept,
      phase,
      deviceTime: null,
      deviceAt: null,
      description: `Alarm input ${input} read: ${state ? 'active' : 'inactive'}`,
      raw: `Status of alarm input ${input}: ${state ? 'active' : 'inactive'}`,
    });
  }

  return {
    seen(draft) {
      if (draft.type !== 'digital-input' || draft.input === undefined || mute.has(draft.input)) return;
      if (draft.phase === 'stop') active.delete(draft.input);
      else active.set(draft.input, draft);
      if (active.size > 64) active.clear();
      if (mute.size > 1_000) mute.clear();
      schedule(EVERY_MS);
    },
    connected() {
      timer?.cancel();
      timer = null;
      schedule(0);
    },
    close() {
      timer?.cancel();
      active.clear();
    },
  };
}
