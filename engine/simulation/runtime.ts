/**
 * Node-RED for simulations: the real runtime with the real nodes, headless, in a folder of its own that is removed at
 * the end. It exists once in a process; flows are loaded one after another, each into an engine of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../clock/system-clock';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import { checkFlows, type FlowNode } from '../host/flow-file';
import type { FlowTraffic } from '../host/flow-traffic';
import { startNodeRed } from '../host/node-red-runtime';
import type { FlowEngine } from '../index';
import type { Beginning } from './beginning';
import { censusOf, type FlowCensus } from './flow-census';
import type { ReportEntry, SimulationResult } from './report';
import { createSimulatedSite, type SimulatedSite } from './simulated-site';

/** dist/engine/simulation → the project's root. */
const projectRoot = join(__dirname, '..', '..', '..');

/** Real time after which a node that has not said that it is done is no longer waited for. */
const NODE_LIMIT_MS = 1_000;
const NODE_POLL_MS = 2;
/** Turns within which a node that waits for nothing of the machine has answered. */
const PROMPT_TURNS = 50;
const MOST_COMPLAINTS = 50;

export interface LoadOptions {
  /** Where the clock stands at first, in wall milliseconds. */
  start: number;
  armed?: boolean;
  /** What stood before the first input, as far as a record tells; `armed: false` overrules it for the site. */
  beginning?: Beginning | null;
  siteName?: string;
  /** Types of nodes that run although nobody here knows them. */
  allow?: ReadonlySet<string>;
  /** Gets every entry as it happens; null or absent: only the summary is wanted. */
  onEntry?: ((entry: ReportEntry) => void) | null;
}

/** A flow that runs in simulated time. */
export interface LoadedFlow {
  readonly site: SimulatedSite;
  readonly nodes: readonly FlowNode[];
  readonly census: FlowCensus;
  /** What the nodes have told the engine. */
  readonly defined: readonly Defined[];
  /** Hands a message to any node of the flow, as a wire would; false when no such node runs. */
  inject(nodeId: string, message: Record<string, unknown>): boolean;
  /** The report so far. The clock may be turned on afterwards. */
  result(): SimulationResult;
  /** Throws the first error that happened out of anybody's sight. */
  check(): void;
  unload(): Promise<void>;
}

export interface SimulationRuntime {
  /**
   * Deploys a flow into a new engine. Only one is loaded at a time: unload it before the next.
   *
   * @throws E_FLOW_FILE, E_UNKNOWN_NODE_TYPES (user)
   */
  load(flows: unknown, options: LoadOptions): Promise<LoadedFlow>;
  close(): Promise<void>;
}

/** One thing that a node has defined: its kind as the engine's call names it (`device`, `trigger`, `area` …). */
export interface Defined {
  kind: string;
  id: string;
  name: string;
}

function noteDefinition(defined: Defined[], call: string, definition: unknown): void {
  const { id, nodeId, name } = (definition ?? {}) as { id?: unknown; nodeId?: unknown; name?: unknown };
  const own = id ?? nodeId;
  if (typeof own !== 'string') return;
  const kind = call.slice('define'.length).toLowerCase();
  defined.push({ kind, id: own, name: typeof name === 'string' && name !== '' ? name : own });
}

/** What nodes may ask for at their start; connections are never opened with it. */
const anyLogin = {
  user: 'simulated',
  password: 'simulated',
  community: 'simulated',
  authKey: 'simulated',
  privacyKey: 'simulated',
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * @param options.nodesDir folder whose package.json names the nodes; default: alarmflow's own
 * @throws E_NODE_RED_TWICE (bug) when Node-RED runs in this process already
 */
export async function startSimulationRuntime(options: { nodesDir?: string } = {}): Promise<SimulationRuntime> {
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-simulation-'));
  /** The engine that nodes speak to: that of the flow that is loaded. */
  let current: SimulatedSite | null = null;
  const defined: Defined[] = [];
  const engine = new Proxy({} as FlowEngine, {
    get(_target, name) {
      const site = current;
      const method: unknown = site === null ? undefined : Reflect.get(site.flow, name);
      if (site === null || typeof method !== 'function') return undefined;
      // Nobody looks at what nodes show.
      if (name === 'watchNode') return async () => {};
      return (...words: unknown[]): unknown => {
        if (typeof name === 'string' && name.startsWith('define')) noteDefinition(defined, name, words[0]);
        return Reflect.apply(method, site.flow, words);
      };
    },
  });

  let hear: (text: string) => void = () => {};
  const complain = (_event: string, fields: { text?: unknown; node?: unknown; error?: unknown } = {}): void => {
    const { text, node, error } = fields;
    const what = text ?? (error === undefined ? _event : asAlarmflowError(error).message);
    hear(`${node === undefined ? '' : `${String(node)}: `}${String(what)}`);
  };
  const log: Log = { debug() {}, info() {}, warn: complain, error: complain, with: () => log };

  const host = await startNodeRed({
    editor: false,
    userDir: join(folder, 'node-red'),
    nodesDir: options.nodesDir ?? projectRoot,
    storage: { read: async () => null, write: async () => {} },
    credentialSecret: 'simulated',
    adminAuth: undefined,
    engine,
    log,
    onFlowsStarted() {},
    onMissingTypes() {},
  }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });

  async function load(given: unknown, wanted: LoadOptions): Promise<LoadedFlow> {
    const nodes = checkFlows(given);
    const census = censusOf(nodes, wanted.allow);
    const warnings = [...census.warnings];
    let traffic: FlowTraffic | null = null;
    let atRest = 0;

    async function flowQuiet(): Promise<void> {
      if (traffic === null || (traffic.steps() === atRest && traffic.busy().size === 0)) return;
      let seen = -1;
      let stuckSince: number | null = null;
      for (let waits = 0; ; ) {
        if (traffic.moving() === 0 && traffic.busy().size === 0) {
          // Whoever sends a message on after it has said that it is done does so at once.
          if (traffic.steps() === seen) break;
          seen = traffic.steps();
        } else if (traffic.steps() !== seen) {
          seen = traffic.steps();
          waits = 0;
          stuckSince = null;
        } else if (++waits > PROMPT_TURNS) {
          // Its work may wait for something of the machine: real time has to pass, within limits.
          stuckSince ??= systemClock.monotonic();
          if (systemClock.monotonic() - stuckSince < NODE_LIMIT_MS) await systemClock.sleep(NODE_POLL_MS);
          else giveUp(traffic);
        }
        await turn();
      }
      atRest = traffic.steps();
    }

    function giveUp(stuck: FlowTraffic): void {
      for (const name of stuck.busy().values())
        warnings.push(
          `"${name}" did not say within ${NODE_LIMIT_MS / 1_000} s that it was done with a message; it is not waited for any more, and what it sends comes at any time`,
        );
      stuck.giveUp([...stuck.busy().keys()]);
    }

    const site = createSimulatedSite({
      start: wanted.start,
      armed: wanted.armed ?? true,
      beginning: wanted.beginning ?? null,
      siteName: wanted.siteName ?? 'site',
      log,
      onEntry: wanted.onEntry ?? null,
      flowQuiet,
    });
    let complaints = 0;
    hear = (text) => {
      if (++complaints <= MOST_COMPLAINTS) warnings.push(text);
      site.collector.complained(text);
    };
    current = site;
    defined.length = 0;
    traffic = host.watchTraffic((nodeId) => {
      const node = census.leftOut.get(nodeId);
      if (node) site.collector.reached(node);
      return node !== undefined;
    });
    const unload = async (): Promise<void> => {
      await host.deploy([]);
      traffic?.stop();
      site.close();
      current = null;
      hear = () => {};
    };
    try {
      const credentials = Object.fromEntries(
        census.runnable.filter(({ type }) => type.startsWith('alarmflow-')).map(({ id }) => [id, anyLogin]),
      );
      await host.deploy(census.runnable, { credentials });
      await site.begin();
      site.check();
    } catch (error) {
      await unload();
      throw error;
    }
    return {
      site,
      nodes,
      census,
      defined: [...defined],
      inject: (nodeId, message) => host.receive(nodeId, message),
      result: () => site.collector.result(site.clock.now(), warnings),
      check: () => site.check(),
      unload,
    };
  }

  return {
    load,
    async close() {
      await host.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
