/** Puts inputs into a loaded flow, each at its time, and lets time go on after the last. */
import { AlarmflowError, asAlarmflowError, userError } from '../domain/errors';
import { namesOf } from './names';
import { createReplay } from './replay';
import type { SimulationResult } from './report';
import type { LoadedFlow, LoadOptions, SimulationRuntime } from './runtime';
import { eventOf, type Order, type SimulationInput } from './steps';

/** Who gives the orders of an event file. */
const WHO = 'simulation';
const PROGRESS_EVERY = 2_000;

export interface Player {
  /** Turns the clock to the input's time and puts it in; resolves when all that it set off has run. */
  put(input: SimulationInput): Promise<void>;
  /** Which recorded orders were not given again and why, a sentence for each reason. */
  notes(): string[];
}

/** @throws E_UNKNOWN_NAME (user) for names that the flow does not have */
export function createPlayer(flow: LoadedFlow): Player {
  const { site } = flow;
  const { alarms, outputs, collector } = site;
  const names = namesOf(flow);
  const replay = createReplay(site);
  /** Names are looked up once. */
  const devices = new Map<string, string>();
  let made = 0;

  const deviceId = (text: string): string => {
    const known = devices.get(text) ?? names.device(text);
    devices.set(text, known);
    return known;
  };
  const newId = (): string => `simulated-${String(++made).padStart(9, '0')}`;

  /** Live alarms of a trigger, by its name; or all. */
  const alarmsOf = (subject: string): string[] => {
    if (subject === 'all') return alarms.live().map(({ id }) => id);
    const trigger = names.trigger(subject);
    return alarms
      .live()
      .filter(({ triggerId }) => triggerId === trigger)
      .map(({ id }) => id);
  };

  /** Looks the names up, which may throw, and returns what is to be done. */
  function orderWork(order: Order): () => Promise<void> {
    switch (order.kind) {
      case 'arm':
      case 'disarm': {
        const subject = names.armable(order.subject);
        const armed = order.kind === 'arm';
        return () => alarms.orderArming({ subject, armed, how: order.how, source: 'user', who: WHO, forMs: null });
      }
      case 'acknowledge':
      case 'reset': {
        const ids = alarmsOf(order.subject);
        const work = order.kind === 'reset' ? alarms.reset : alarms.acknowledge;
        return async () => {
          for (const id of ids) await work(id, WHO);
        };
      }
      case 'output': {
        const id = names.output(order.subject);
        return () => outputs.setMode(id, order.mode, WHO);
      }
      case 'reset-outputs':
        return () => outputs.resetAll(WHO);
      case 'send': {
        const id = names.node(order.node);
        const { payload, topic } = order;
        return async () => {
          flow.inject(id, {
            _msgid: newId(),
            payload: structuredClone(payload),
            ...(topic === undefined ? {} : { topic }),
          });
        };
      }
      case 'shelve': {
        const { scope, id } = names.armable(order.subject);
        if (scope !== 'area' && scope !== 'trigger' && scope !== 'device')
          throw userError(
            'E_UNKNOWN_NAME',
            `"${order.subject}" cannot be shelved: name an area, a trigger or a device`,
          );
        const { forMs } = order;
        return async () => void (await alarms.shelving.shelve({ scope, id, forMs, reason: WHO }, WHO));
      }
      case 'unshelve': {
        const { id } = names.armable(order.subject);
        return async () => {
          for (const shelf of alarms.shelving.list())
            if (shelf.subject === id) await alarms.shelving.unshelve(shelf.id, WHO);
        };
      }
    }
  }

  /** What the site refuses is part of the report: an area that is open is not armed. */
  async function give(order: Order): Promise<void> {
    const work = orderWork(order);
    try {
      await work();
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      if (error.family !== 'user') throw error;
      collector.complained(error.message);
    }
  }

  return {
    async put(input) {
      await site.turnTo(input.at);
      collector.from(input.line);
      switch (input.kind) {
        case 'event':
          collector.event();
          await site.accept(eventOf(input.step, deviceId(input.step.device), newId(), input.at));
          break;
        case 'recorded':
          collector.event();
          if (input.event.id === '') input.event.id = newId();
          await site.accept(input.event);
          break;
        case 'order':
          collector.order();
          await give(input.order);
          await site.quiet();
          break;
        case 'replayed':
          await replay.give(input.row);
          await site.quiet();
      }
      collector.from(null);
      flow.check();
    },
    notes: () => replay.notes(),
  };
}

/** Lets time go on until nothing is under way any more, at most until `limit`. */
export async function runOn(flow: LoadedFlow, limit: number): Promise<void> {
  const { site } = flow;
  while (site.underWay()) {
    const next = site.clock.nextAt();
    if (next === null || next > limit) {
      await site.turnTo(limit);
      break;
    }
    await site.turnTo(next);
  }
  flow.check();
}

export interface SimulateOptions extends Omit<LoadOptions, 'start'> {
  runtime: SimulationRuntime;
  /** A flow as the editor exports it. */
  flows: unknown;
  inputs: AsyncIterable<SimulationInput> | Iterable<SimulationInput>;
  /** Where the clock stands at first; absent: at the first input. */
  start?: number;
  /** How long time goes on after the last input while something is under way, in ms; default 1 h. */
  runOnMs?: number;
  /** Told now and then how many inputs have been worked on, and the time at which the simulation is. */
  onProgress?(done: number, at: number): void;
}

/**
 * Runs a flow over inputs in their order and tells what it would have done. Nothing is sent.
 *
 * @throws E_FLOW_FILE, E_UNKNOWN_NODE_TYPES, E_UNKNOWN_NAME (user); whatever `inputs` throws
 */
export async function simulate(options: SimulateOptions): Promise<SimulationResult> {
  const { runtime, flows, inputs, start, runOnMs = 3_600_000, onProgress, ...load } = options;
  const iterator = Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
  let next = await iterator.next();
  const flow = await runtime.load(flows, { ...load, start: start ?? (next.done ? 0 : next.value.at) });
  try {
    const player = createPlayer(flow);
    let done = 0;
    while (!next.done) {
      await putNamed(player, next.value);
      done++;
      if (done % PROGRESS_EVERY === 0) onProgress?.(done, next.value.at);
      next = await iterator.next();
    }
    await runOn(flow, flow.site.clock.now() + runOnMs);
    onProgress?.(done, flow.site.clock.now());
    const result = flow.result();
    result.warnings.push(...player.notes());
    return options.beginning ? { ...result, beginning: options.beginning.words } : result;
  } finally {
    await flow.unload();
  }
}

/** An input that names what the flow does not have is told with its line. */
async function putNamed(player: Player, input: SimulationInput): Promise<void> {
  try {
    await player.put(input);
  } catch (error) {
    if (input.line === null || !(error instanceof AlarmflowError) || error.code !== 'E_UNKNOWN_NAME') throw error;
    throw userError('E_EVENT_LINE', `Line ${input.line} of the events: ${error.message}`);
  }
}
