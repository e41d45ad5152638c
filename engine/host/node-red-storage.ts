import { asAlarmflowError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import { circlesIn } from './flow-circles';

/** Where flows, credentials and settings of Node-RED lie; the store implements it. */
export interface FlowStorage {
  /** `flows`, `credentials`, `settings`, `library:<type>`; null when there is none. */
  read(what: string): Promise<unknown | null>;
  write(what: string, value: unknown): Promise<void>;
}

/** Node-RED's storage API (NODE-RED.md §4). */
export interface NodeRedStorage {
  init(settings: unknown, runtime: unknown): Promise<void>;
  getFlows(): Promise<unknown[]>;
  saveFlows(flows: unknown[], user?: { username?: string } | null): Promise<void>;
  getCredentials(): Promise<Record<string, unknown>>;
  saveCredentials(credentials: Record<string, unknown>): Promise<void>;
  getSettings(): Promise<Record<string, unknown>>;
  saveSettings(settings: Record<string, unknown>): Promise<void>;
  getLibraryEntry(type: string, path: string): Promise<unknown>;
  saveLibraryEntry(type: string, path: string, meta: Record<string, unknown>, body: string): Promise<void>;
}

interface LibraryEntry {
  meta: Record<string, unknown>;
  body: string;
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** What a user can switch on in the editor and we never want: a consent to telemetry goes before every setting. */
function withoutConsent(settings: Record<string, unknown>): Record<string, unknown> {
  const { telemetryEnabled: _consent, ...rest } = settings;
  return rest;
}

/**
 * Node-RED's storage over ours: a plain object, for Node-RED looks for own properties. Credentials are kept as it
 * encrypts them. Sessions are not kept: the editor's logins are ours (`nodeRedAuth`).
 */
export function createNodeRedStorage(
  storage: FlowStorage,
  onSaved: (flows: unknown[], user: string | null) => Promise<void>,
  log: Log,
): NodeRedStorage {
  let writing: Promise<unknown> = Promise.resolve();

  /** One write after another: the library is one value that two saves change. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = writing.then(work, work);
    writing = next.catch(() => undefined);
    return next;
  }

  const library = async (type: string): Promise<Map<string, LibraryEntry>> =>
    new Map(Object.entries(asObject(await storage.read(`library:${type}`)) as Record<string, LibraryEntry>));

  return {
    init: async () => {},
    async getFlows() {
      const stored = await storage.read('flows');
      const flows = Array.isArray(stored) ? stored : [];
      // Saved before this was checked: the editor is needed to mend it, so the start goes on.
      for (const text of circlesIn(flows)) log.error('flow.circle', { text });
      return flows;
    },
    async saveFlows(flows, user) {
      const circles = circlesIn(flows);
      // Node-RED would stop what runs, start nothing and say that all is well.
      if (circles.length > 0)
        throw userError('E_FLOW_CIRCLE', `The flow cannot start: ${circles.slice(0, 10).join('; ')}`);
      await inTurn(() => storage.write('flows', flows));
      try {
        await onSaved(flows, user?.username ?? null);
      } catch (error) {
        log.error('flow.save-not-told', { error: asAlarmflowError(error).message });
      }
    },
    getCredentials: async () => asObject(await storage.read('credentials')),
    saveCredentials: (credentials) => inTurn(() => storage.write('credentials', credentials)),
    getSettings: async () => withoutConsent(asObject(await storage.read('settings'))),
    saveSettings: (settings) => inTurn(() => storage.write('settings', withoutConsent(settings))),
    async getLibraryEntry(type, path) {
      const entries = await library(type);
      const wanted = plainPath(path);
      const entry = entries.get(wanted);
      if (entry) return entry.body;
      const below = wanted === '' ? '' : `${wanted}/`;
      const folders = new Set<string>();
      const files: Record<string, unknown>[] = [];
      for (const [name, { meta }] of entries) {
        if (!name.startsWith(below)) continue;
        const [first = '', ...deeper] = name.slice(below.length).split('/');
        if (deeper.length > 0) folders.add(first);
        else files.push({ ...meta, fn: first });
      }
      if (wanted !== '' && folders.size === 0 && files.length === 0)
        throw Object.assign(new Error(`The library has no "${wanted}"`), { code: 'not_found', status: 404 });
      return [...folders, ...files];
    },
    saveLibraryEntry: (type, path, meta, body) =>
      inTurn(async () => {
        const entries = await library(type);
        entries.set(plainPath(path), { meta, body });
        await storage.write(`library:${type}`, Object.fromEntries(entries));
      }),
  };
}

const plainPath = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
