/** Node-RED inside our process: one runtime, our storage, our log, our login, nothing that calls home. */
import { EventEmitter } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import type { Clock } from '../clock/clock';
import { systemClock } from '../clock/system-clock';
import { bugError, operationalError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import { engineSetting, type FlowEngine } from '../index';
import type { NodeRedAuth } from './auth';
import { checkFlows, type FlowNode, typesWithout } from './flow-file';
import { type FlowTraffic, type NodeRedHooks, watchTraffic } from './flow-traffic';
import type { EditorPart } from './http-server';
import { movesNodes } from './moved-nodes';
import { nodeRedLogHandler } from './node-red-log';
import { createNodeRedStorage, type FlowStorage } from './node-red-storage';

/** Both of Node-RED's servers are Express applications. */
interface ExpressSettings {
  set(name: 'env', value: 'production'): unknown;
}

/** The part of node-red that we use; its own types describe settings as if all were required. */
interface NodeRed {
  init(server: EventEmitter, settings: Record<string, unknown>): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly events: EventEmitter;
  readonly hooks: NodeRedHooks;
  readonly nodes: { getNode(id: string): { receive?(message: Record<string, unknown>): void } | null | undefined };
  readonly httpAdmin: RequestListener & ExpressSettings;
  readonly httpNode: RequestListener & ExpressSettings;
  readonly runtime: {
    flows: {
      getFlows(options: object): Promise<{ flows: FlowNode[]; rev: string } | null>;
      setFlows(options: {
        flows: { flows: FlowNode[]; credentials?: Record<string, unknown> };
        deploymentType: string;
        user?: { username: string };
      }): Promise<{ rev: string }>;
    };
    _: { telemetry?: { enable?: () => void; disable?: () => void } };
  };
}

/** The part of @node-red/registry that we use: it knows which types the installed modules provide. */
interface NodeRegistry {
  /** The constructor of a type; null or undefined where no module that works provides it. */
  get(type: string): unknown;
}

export interface NodeRedOptions {
  /** false: no editor, no admin API. */
  editor: boolean;
  /** Working folder of Node-RED; made when missing. */
  userDir: string;
  /** Folder whose package.json names our nodes in its `node-red` section. */
  nodesDir: string;
  storage: FlowStorage;
  /** Encrypts credentials; losing it loses them. */
  credentialSecret: string;
  /** From `nodeRedAuth`; undefined while no users are set up. */
  adminAuth: NodeRedAuth | undefined;
  /** Handed to the nodes. */
  engine: FlowEngine;
  log: Log;
  /** All nodes of a deploy have been made. Also after a deploy that changed nothing. */
  onFlowsStarted(): void;
  /** The flow uses types that no module provides; nothing of it runs. */
  onMissingTypes(types: string[]): void;
  /** A deploy has been saved; who is null for our own. */
  onDeployed?(who: string | null): Promise<void>;
  /** Default: the real time. */
  clock?: Clock;
}

export type FlowState = 'starting' | 'started' | 'missing-types' | 'stopped';

export interface NodeRedHost {
  /** For the HTTP server; null when headless. */
  editor: EditorPart | null;
  /** Pages that flows serve, mounted at `/flow/`. */
  flow: RequestListener;
  state(): FlowState;
  /** Types of these nodes that no installed module provides. */
  missingTypes(flows: readonly FlowNode[]): string[];
  /**
   * Saves and starts a flow; resolves when its nodes have been made. `E_FLOW_FILE`, `E_UNKNOWN_NODE_TYPES` (user);
   * the flow that ran before then goes on. `credentials` by node id, for flows that we make ourselves.
   */
  deploy(
    flows: unknown,
    options?: { credentials?: Record<string, Record<string, string>>; who?: string },
  ): Promise<void>;
  flows(): Promise<FlowNode[]>;
  /** Follows every message from node to node; for the simulation. `stopsAt` as with `watchTraffic`. */
  watchTraffic(stopsAt: (nodeId: string) => boolean): FlowTraffic;
  /** Hands a message to a node's input; false when no such node runs. */
  receive(nodeId: string, message: Record<string, unknown>): boolean;
  /** Closes the nodes. The runtime is one per process: start it again only after this. */
  stop(): Promise<void>;
}

/** A node that does not close by then is left behind: the whole process has 5 s to stop. */
const NODE_CLOSE_MS = 2_500;
/** Node-RED swallows some errors of a start; a deploy must not wait for ever because of one. */
const DEPLOY_MS = 30_000;
const PALETTE = [
  'alarmflow triggers',
  'alarmflow logic',
  'alarmflow actions',
  'subflows',
  'common',
  'function',
  'network',
  'sequence',
  'parser',
  'storage',
];

let running = false;

export async function startNodeRed(options: NodeRedOptions): Promise<NodeRedHost> {
  if (running) throw bugError('E_NODE_RED_TWICE', 'Node-RED runs already: it exists once in a process');
  running = true;
  try {
    return await start(options);
  } catch (error) {
    running = false;
    throw error;
  }
}

/** What moves nodes is deployed as a whole, whatever the editor's deploy button is set to. */
function deployMovesWhole({ flows }: NodeRed['runtime']): void {
  const { setFlows } = flows;
  flows.setFlows = async (deploy) => {
    const deployed: unknown = deploy.flows?.flows;
    if (!Array.isArray(deployed) || deploy.deploymentType === 'full') return await setFlows(deploy);
    const running = (await flows.getFlows({}))?.flows ?? [];
    return await setFlows(movesNodes(running, deployed) ? { ...deploy, deploymentType: 'full' } : deploy);
  };
}

/** Loads Node-RED, which takes a third of a second: the earlier, the better, while others are waited for. */
export async function loadNodeRed(): Promise<{ red: NodeRed; registry: NodeRegistry }> {
  const [red, registry] = await Promise.all([import('node-red'), import('@node-red/registry')]);
  return { red: red.default as unknown as NodeRed, registry: registry.default as unknown as NodeRegistry };
}

async function start(options: NodeRedOptions): Promise<NodeRedHost> {
  const { log } = options;
  await mkdir(options.userDir, { recursive: true });
  await keepPackageFile(options.userDir);
  const { red, registry } = await loadNodeRed();

  const storage = createNodeRedStorage(options.storage, async (_flows, user) => await options.onDeployed?.(user), log);
  // Node-RED hangs its sockets on a server. It gets one that never listens, and only sockets that passed our checks.
  const relay = new EventEmitter();
  red.init(relay, settingsOf(options, storage));
  silenceTelemetry(red);
  deployMovesWhole(red.runtime);

  let state: FlowState = 'starting';
  const first = Promise.withResolvers<void>();
  const onStarted = (): void => {
    state = 'started';
    first.resolve();
    options.onFlowsStarted();
  };
  const onRuntimeEvent = (event: RuntimeEvent): void => {
    const { payload } = event;
    if (event.id !== 'runtime-state' || payload?.type !== 'warning') return;
    if (payload.error === 'missing-types') {
      state = 'missing-types';
      log.error('flow.missing-types', { types: payload.types ?? [] });
      options.onMissingTypes(payload.types ?? []);
      first.resolve();
    } else if (payload.error === 'credentials_load_failed') {
      // The flows start all the same, their nodes without passwords.
      log.error('flow.credentials-unreadable', {
        text: 'The passwords of the nodes cannot be decrypted with the secret of this data folder: restore its secret, or enter them again in the editor',
      });
    } else {
      log.error('flow.not-started', { reason: payload.error ?? 'the flows cannot be read', text: payload.text });
      first.reject(
        operationalError(
          'E_FLOWS_NOT_READ',
          'Node-RED cannot read its flows from the record; the lines above tell why',
        ),
      );
    }
  };
  red.events.on('flows:started', onStarted);
  red.events.on('runtime-event', onRuntimeEvent);
  const unhook = (): void => {
    red.events.off('flows:started', onStarted);
    red.events.off('runtime-event', onRuntimeEvent);
  };
  // It may fail before anybody waits for it.
  first.promise.catch(() => undefined);
  try {
    await red.start();
    await first.promise;
  } catch (error) {
    unhook();
    await red.stop();
    throw error;
  }

  // Else Express shows anybody who sends broken JSON, before any login, a stack with the paths of this machine.
  for (const app of options.editor ? [red.httpAdmin, red.httpNode] : [red.httpNode]) app.set('env', 'production');

  const missingTypes = (flows: readonly FlowNode[]): string[] =>
    typesWithout(flows, (type) => Boolean(registry.get(type)));
  /** One deploy after another: each waits for the event that ends it. */
  let deploying: Promise<unknown> = Promise.resolve();

  async function deploy(
    flows: FlowNode[],
    extra: { credentials?: Record<string, unknown>; who?: string },
  ): Promise<void> {
    const ended = nextEnd(red.events, options.clock ?? systemClock);
    try {
      await red.runtime.flows.setFlows({
        flows: { flows, ...(extra.credentials ? { credentials: extra.credentials } : {}) },
        deploymentType: 'full',
        ...(extra.who ? { user: { username: extra.who } } : {}),
      });
      await ended.promise;
    } finally {
      ended.forget();
    }
  }

  return {
    editor: options.editor
      ? {
          handle: red.httpAdmin,
          ownsLogin: options.adminAuth !== undefined,
          upgrade: (request, socket, head) => void relay.emit('upgrade', request, socket, head),
        }
      : null,
    flow: red.httpNode,
    state: () => state,
    missingTypes,
    async deploy(value, extra = {}) {
      const flows = structuredClone(checkFlows(value));
      const missing = missingTypes(flows);
      if (missing.length > 0)
        throw userError(
          'E_UNKNOWN_NODE_TYPES',
          `The flow uses node types that nobody provides: ${missing.join(', ')}. Install the modules that have them, or take these nodes out`,
        );
      const next = deploying.then(() => deploy(flows, extra));
      deploying = next.catch(() => undefined);
      await next;
    },
    flows: async () => (await red.runtime.flows.getFlows({}))?.flows ?? [],
    watchTraffic: (stopsAt) => watchTraffic(red.hooks, stopsAt),
    receive(nodeId, message) {
      const node = red.nodes.getNode(nodeId);
      if (!node?.receive) return false;
      node.receive(message);
      return true;
    },
    async stop() {
      if (state === 'stopped') return;
      state = 'stopped';
      unhook();
      await red.stop();
      relay.removeAllListeners();
      running = false;
    },
  };
}

interface RuntimeEvent {
  id?: string;
  payload?: { type?: string; error?: string; types?: string[]; text?: string };
}

/** Waits for the end of the deploy that begins now. */
function nextEnd(events: EventEmitter, clock: Clock): { promise: Promise<void>; forget(): void } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onRuntimeEvent = ({ id, payload }: RuntimeEvent): void => {
    if (id === 'runtime-state' && payload?.type === 'warning')
      reject(
        userError('E_FLOW_NOT_STARTED', `Node-RED did not start the flow (${payload.error}): see its log lines above`),
      );
  };
  const onStarted = (): void => resolve();
  const limit = clock.after(DEPLOY_MS, () =>
    reject(operationalError('E_DEPLOY_TIMEOUT', `The flow did not start within ${DEPLOY_MS / 1000} s`)),
  );
  // Whoever deploys may have failed before it waits for this.
  promise.catch(() => undefined);
  events.on('flows:started', onStarted);
  events.on('runtime-event', onRuntimeEvent);
  return {
    promise,
    forget() {
      limit.cancel();
      events.off('flows:started', onStarted);
      events.off('runtime-event', onRuntimeEvent);
    },
  };
}

function settingsOf(options: NodeRedOptions, storage: object): Record<string, unknown> {
  return {
    httpAdminRoot: options.editor ? '/editor/' : false,
    httpNodeRoot: '/flow/',
    disableEditor: !options.editor,
    userDir: options.userDir,
    nodesDir: [options.nodesDir],
    storageModule: storage,
    credentialSecret: options.credentialSecret,
    contextStorage: { default: { module: 'memory' } },
    ...(options.adminAuth ? { adminAuth: options.adminAuth } : {}),
    [engineSetting]: options.engine,
    nodeCloseTimeout: NODE_CLOSE_MS,
    inboundWebSocketTimeout: 2_000,
    fileWorkingDirectory: options.userDir,
    functionGlobalContext: {},
    functionExternalModules: false,
    externalModules: {
      autoInstall: false,
      palette: { allowInstall: false, allowUpdate: false, allowUpload: false },
      modules: { allowInstall: false },
    },
    telemetry: { enabled: false, updateNotification: false },
    diagnostics: { enabled: false, ui: false },
    runtimeState: { enabled: false, ui: false },
    exportGlobalContextKeys: false,
    logging: {
      alarmflow: { level: 'debug', metrics: false, audit: false, handler: () => nodeRedLogHandler(options.log) },
    },
    editorTheme: {
      page: { title: 'alarmflow' },
      header: { title: 'alarmflow', url: '/' },
      tours: false,
      projects: { enabled: false },
      multiplayer: { enabled: false },
      palette: { catalogues: [], categories: PALETTE },
      menu: { 'menu-item-help': { label: 'Operator console', url: '/' } },
      codeEditor: { lib: 'monaco' },
    },
  };
}

/** The editor's user settings can switch telemetry on for the running process; here that switch does nothing. */
function silenceTelemetry(red: NodeRed): void {
  const { telemetry } = red.runtime._;
  if (telemetry?.enable) telemetry.enable = () => {};
}

/** Node-RED complains at each start about a working folder without one. */
async function keepPackageFile(userDir: string): Promise<void> {
  const content = {
    name: 'alarmflow-flows',
    description: 'Working folder of Node-RED',
    version: '0.0.1',
    private: true,
  };
  try {
    await writeFile(join(userDir, 'package.json'), `${JSON.stringify(content, null, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
