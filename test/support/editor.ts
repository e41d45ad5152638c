/** The flow editor with our nodes, embedded in the test's process, for tests in a browser. */
import { execFile } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { FlowEngine } from '../../engine/index';
import { withScripts } from '../../scripts/editor-page.mjs';
import { removeFolder } from './remove-folder';

const root = resolve(__dirname, '../..');

/** Types of the one thing that the tests use of Node-RED; the package's own types need its editor's DOM types. */
interface NodeRed {
  init(server: unknown, settings: Record<string, unknown>): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  httpAdmin(request: unknown, response: unknown): void;
  events: { once(event: string, listener: () => void): void };
}

export interface Editor {
  url: string;
  /** What Node-RED logged as warning or error. */
  complaints: string[];
  /** The flows as last deployed. */
  flows(): unknown[];
  stop(): Promise<void>;
}

/** Compiles the nodes alone into a package of their own, so that other parts and a stale dist do not matter. */
async function buildNodePackage(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'alarmflow-nodes-'));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        rootDir: root,
        outDir: join(folder, 'dist'),
        typeRoots: [join(root, 'node_modules/@types')],
        sourceMap: false,
        noEmitOnError: false,
      },
      include: [join(root, 'nodes')],
      exclude: [],
    }),
  );
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', folder]).catch((failed) => {
    throw new Error(`the nodes do not compile:\n${failed.stdout}${failed.stderr}`);
  });
  for (const file of globSync('nodes/**/*.{html,json,svg}', { cwd: root })) {
    mkdirSync(dirname(join(folder, 'dist', file)), { recursive: true });
    cpSync(join(root, file), join(folder, 'dist', file));
  }
  const page = 'nodes/plugins/editor/editor.html';
  writeFileSync(
    join(folder, 'dist', page),
    withScripts(readFileSync(join(root, page), 'utf8'), join(root, 'resources')),
  );
  cpSync(join(root, 'resources'), join(folder, 'resources'), { recursive: true });
  const { name, version, 'node-red': nodeRed } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version, type: 'commonjs', 'node-red': nodeRed }));
  return folder;
}

export async function startEditor(options: { engine: FlowEngine; flows: unknown[] }): Promise<Editor> {
  const packageFolder = await buildNodePackage();
  const userDir = mkdtempSync(join(tmpdir(), 'alarmflow-user-'));
  writeFileSync(join(userDir, 'package.json'), '{}');
  let flows = options.flows;
  let credentials: unknown = {};
  let settings: unknown = {};
  const complaints: string[] = [];
  const { default: RED } = (await import('node-red')) as unknown as { default: NodeRed };
  const server = createServer((request, response) => RED.httpAdmin(request, response));
  RED.init(server, {
    userDir,
    nodesDir: [packageFolder],
    httpAdminRoot: '/',
    httpNodeRoot: false,
    credentialSecret: 'only for this test',
    storageModule: {
      init: async () => undefined,
      getFlows: async () => flows,
      saveFlows: async (saved: unknown[]) => {
        flows = saved;
      },
      getCredentials: async () => credentials,
      saveCredentials: async (saved: unknown) => {
        credentials = saved;
      },
      getSettings: async () => settings,
      saveSettings: async (saved: unknown) => {
        settings = saved;
      },
      getSessions: async () => null,
      saveSessions: async () => undefined,
    },
    alarmflowEngine: options.engine,
    telemetry: { enabled: false, updateNotification: false },
    diagnostics: { enabled: false, ui: false },
    externalModules: { palette: { allowInstall: false }, modules: { allowInstall: false } },
    editorTheme: { tours: false, palette: { catalogues: [] } },
    logging: {
      test: {
        level: 'warn',
        handler: () => (line: { msg: unknown; level: number }) => {
          complaints.push(String(line.msg));
        },
      },
    },
  });
  const started = new Promise<void>((done) => RED.events.once('flows:started', done));
  await RED.start();
  await started;
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    complaints,
    flows: () => flows,
    async stop() {
      await RED.stop();
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
      await removeFolder(packageFolder);
      await removeFolder(userDir);
    },
  };
}
