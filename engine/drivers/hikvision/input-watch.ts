import type { Clock, Timer } from '../../clock/clock';
import { asAlarmflowError } from '../../domain/errors';
import type { EventDraft } from '../../domain/events';
import type { Log } from '../../domain/log';
import { childrenOf, type DocumentNode, findNode, textOf } from './document';
import type { EventPhases } from './event-phases';
import { INPUT_QUIET_MS } from './names';

/** Within the quiet time of an alarm input, so that an input that stays active doesn't seem to have ended. */
const EVERY_MS = 4_000;
const MOST_WATCHED = 64;
const MOST_KNOWN = 1_000;

export interface InputWatchOptions {
  phases: EventPhases;
  /** State of the input, or null when the device doesn't tell it. */
  read(input: string): Promise<boolean | null>;
  /** States of all inputs that the device tells. */
  readAll(): Promise<ReadonlyMap<string, boolean>>;
  deliver(draft: EventDraft): void;
  clock: Clock;
  log: Log;
}

/**
 * Many devices tell only that an alarm input became active (PROTOCOLS §1.5). While one is, its state is read: active is
 * a refresh, inactive the end that the device may never send. An input whose state can be read has no quiet time: it
 * goes on while the device is away, and is read when that is back. One that can't be read is left to its quiet time.
 */
export interface InputWatch {
  seen(draft: EventDraft): void;
  /** Whether the state of an input is read, so that no silence ends it. */
  reads(input: string | undefined): boolean;
  /** The connection is new: what was open is read at once. */
  connected(): void;
  /** It is known what the device is: what holds at its other inputs is told as snapshots. */
  survey(): void;
  close(): void;
}

export function createInputWatch(options: InputWatchOptions): InputWatch {
  const { clock, phases } = options;
  /** Last event of each active input; what is read is told in its words. */
  const active = new Map<string, EventDraft>();
  /** Inputs whose state the device doesn't tell: they are not asked again. */
  const mute = new Set<string>();
  const readable = new Set<string>();
  let timer: Timer | null = null;
  let reading = false;
  let surveyed = false;
  let closed = false;

  const schedule = (ms: number): void => {
    if (timer || closed || active.size === 0) return;
    timer = clock.after(
      ms,
      () => {
        timer = null;
        readActive();
      },
      { background: true },
    );
  };

  function readActive(): void {
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
      const error = asAlarmflowError(thrown);
      options.log.debug('hikvision.input-not-read', { input, reason: error.message });
      // A device that is away or busy is asked again; a user without the right is told the same each time.
      if (error.family !== 'user') return;
      state = null;
    }
    // The device has spoken for itself meanwhile.
    if (closed || active.get(input) !== last) return;
    if (state === null) {
      mute.add(input);
      active.delete(input);
      // It had no quiet time as long as it could be read.
      if (readable.delete(input)) tell(input, true, last, 'can no longer be read', INPUT_QUIET_MS);
      return;
    }
    readable.add(input);
    if (!state) active.delete(input);
    tell(input, state, last, `read: ${state ? 'active' : 'inactive'}`);
  }

  function tell(input: string, state: boolean, last: EventDraft, words: string, quietMs?: number): void {
    const report = {
      type: last.type,
      vendorType: last.vendorType,
      life: 'lasting' as const,
      state: state ? ('active' as const) : ('inactive' as const),
      continuing: false,
      input,
      ruleKey: false,
      quietMs,
      at: clock.monotonic(),
    };
    const phase = phases.decide(report);
    const { repeat: _repeat, picturesAnnounced: _pictures, quietMs: _quiet, ...kept } = last;
    options.deliver({
      ...kept,
      // Nobody saw it begin: a state, no edge (§0.5).
      phase: phase === 'start' ? 'snapshot' : phase,
      deviceTime: null,
      deviceAt: null,
      description: `Alarm input ${input} ${words}`,
      ...(quietMs === undefined ? {} : { quietMs }),
      raw: `Status of alarm input ${input}: ${words}`,
    });
  }

  async function surveyInputs(): Promise<void> {
    const askedAt = clock.monotonic();
    const states = await options.readAll();
    if (closed) return;
    const open = new Map(phases.open().flatMap((c) => (c.type === 'digital-input' && c.input ? [[c.input, c]] : [])));
    for (const [input, state] of [...states].slice(0, MOST_WATCHED)) {
      if (readable.size < MOST_KNOWN) readable.add(input);
      // What is open is read by itself, in the words of its event.
      if (active.has(input) || (open.get(input)?.seenAt ?? Number.NEGATIVE_INFINITY) >= askedAt) continue;
      const draft = stateDraft(input);
      if (state) active.set(input, draft);
      // The end of what an earlier run of ours may have left open is told once.
      if (state || !surveyed) tell(input, state, draft, `read: ${state ? 'active' : 'inactive'}`);
    }
    surveyed = true;
    schedule(EVERY_MS);
  }

  return {
    seen(draft) {
      if (draft.type !== 'digital-input' || draft.input === undefined || mute.has(draft.input)) return;
      if (draft.phase === 'stop') active.delete(draft.input);
      else active.set(draft.input, draft);
      if (active.size > MOST_WATCHED) active.clear();
      if (mute.size > MOST_KNOWN) mute.clear();
      schedule(EVERY_MS);
    },
    reads: (input) => input !== undefined && readable.has(input) && active.size < MOST_WATCHED,
    connected() {
      timer?.cancel();
      timer = null;
      schedule(0);
    },
    survey() {
      surveyInputs().catch((thrown: unknown) => {
        options.log.debug('hikvision.inputs-not-read', { reason: asAlarmflowError(thrown).message });
      });
    },
    close() {
      closed = true;
      timer?.cancel();
      active.clear();
    },
  };
}

const stateDraft = (input: string): EventDraft => ({
  type: 'digital-input',
  vendorType: 'IO',
  phase: 'snapshot',
  input,
  deviceTime: null,
  deviceAt: null,
  raw: '',
});

/** The device's own inputs in an `IOPortStatusList`; a device with one port may send its state alone. */
export function inputStatesIn(root: DocumentNode): Map<string, boolean> {
  const list = findNode(root, 'IOPortStatusList') ?? { ...root, children: [root] };
  const states = new Map<string, boolean>();
  for (const node of childrenOf(list, 'IOPortStatus').slice(0, 512)) {
    const id = textOf(node, 'ioPortID', 'id');
    const state = textOf(node, 'ioState')?.toLowerCase();
    const isInput = textOf(node, 'ioPortType')?.toLowerCase() === 'input';
    if (!isInput || id === undefined || !/^\d{1,5}$/.test(id)) continue;
    if (state === 'active' || state === 'inactive') states.set(id, state === 'active');
  }
  return states;
}
