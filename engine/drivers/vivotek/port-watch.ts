import type { Clock } from '../../clock/clock';
import { userError } from '../../domain/errors';
import type { EventDraft, EventPhase } from '../../domain/events';
import type { VivotekOptions } from './options';
import { createPortChanges } from './port-changes';
import type { PortKind, PortStates } from './ports';

export interface PortWatchOptions {
  settings: VivotekOptions;
  clock: Clock;
  read(kind: PortKind, numbers: readonly string[]): Promise<PortStates>;
  deliver(draft: EventDraft): void;
  signal: AbortSignal;
}

/** Turns readings of inputs and outputs into events. */
export interface PortWatch {
  /** Reads once, with the debounce where something has changed. Throws what the reading throws. */
  poll(inputs: readonly string[], outputs: readonly string[]): Promise<void>;
  reconnected(): void;
}

/** Outputs change by our own doing mostly: every fourth reading is enough. */
const OUTPUTS_EVERY = 4;

export function createPortWatch(options: PortWatchOptions): PortWatch {
  const { settings, clock, signal } = options;
  const changes = { di: createPortChanges(), do: createPortChanges() };
  let turn = 0;

  const upright = (kind: PortKind, states: PortStates): PortStates =>
    kind === 'do' ? states : new Map([...states].map(([number, on]) => [number, on !== settings.inverted.has(number)]));

  async function look(kind: PortKind, numbers: readonly string[]): Promise<void> {
    const first = upright(kind, await options.read(kind, numbers));
    // An input that can't be read must not seem to be at rest.
    if (kind === 'di' && first.size === 0)
      throw userError('E_NOT_SUPPORTED', "The camera's answer tells the state of none of its inputs");
    let differing = changes[kind].differing(first);
    if (differing.length === 0) return;
    let settled = first;
    if (kind === 'di' && settings.debounceMs > 0) {
      await clock.sleep(settings.debounceMs, signal);
      settled = upright(kind, await options.read(kind, differing));
      // A contact that bounces reads differently the second time: it is judged at the next reading.
      differing = differing.filter((number) => settled.get(number) === first.get(number));
    }
    for (const number of differing) {
      const active = settled.get(number);
      if (active === undefined) continue;
      const phase = changes[kind].take(number, active);
      if (phase) options.deliver(draftOf(kind, number, active, phase));
    }
  }

  return {
    async poll(inputs, outputs) {
      if (inputs.length > 0) await look('di', inputs);
      if (settings.watchOutputs && outputs.length > 0 && turn++ % OUTPUTS_EVERY === 0) await look('do', outputs);
    },
    reconnected() {
      changes.di.reconnected();
      changes.do.reconnected();
      turn = 0;
    },
  };
}

function draftOf(kind: PortKind, number: string, active: boolean, phase: EventPhase): EventDraft {
  const state = active ? 'active' : 'inactive';
  return {
    type: kind === 'di' ? 'digital-input' : 'relay-state',
    vendorType: kind === 'di' ? 'getdi' : 'getdo',
    phase,
    ...(kind === 'di' ? { input: number } : { output: number }),
    description: `${kind === 'di' ? 'Input' : 'Output'} ${number} read: ${state}`,
    deviceTime: null,
    deviceAt: null,
    raw: `GET /cgi-bin/dido/get${kind}.cgi?${kind}${number}: ${state}`,
  };
}
