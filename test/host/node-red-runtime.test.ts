import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Log } from '../../engine/domain/log';
import { type NodeRedHost, startNodeRed } from '../../engine/host/node-red-runtime';
import type { FlowEngine } from '../../engine/index';

const folder = mkdtempSync(join(tmpdir(), 'alarmflow-node-red-'));
const nodesDir = join(folder, 'project');
const stored = new Map<string, unknown>([['settings', { telemetryEnabled: true, kept: 1 }]]);
const lines: string[] = [];
const collect = (level: string) => (event: string, fields?: object) => {
  lines.push(`${level} ${event} ${JSON.stringify(fields ?? {})}`);
};
const log: Log = {
  debug: collect('debug'),
  info: collect('info'),
  warn: collect('warn'),
  error: collect('error'),
  with: () => log,
};
const seen: { engine?: unknown; password?: string; closed: number } = { closed: 0 };
(globalThis as { alarmflowTest?: unknown }).alarmflowTest = seen;

let host: NodeRedHost;
let server: Server;
let base: string;
let starts = 0;
const missing: string[][] = [];
const deployed: (string | null)[] = [];

const flow = [
  { id: 'tab', type: 'tab', label: 'Test' },
  { id: 'page-in', z: 'tab', type: 'http in', url: '/hello', method: 'get', wires: [['page-text']] },
  {
    id: 'page-text',
    z: 'tab',
    type: 'change',
    rules: [{ t: 'set', p: 'payload', pt: 'msg', to: 'hi', tot: 'str' }],
    wires: [['page-out']],
  },
  { id: 'page-out', z: 'tab', type: 'http response', wires: [] },
  { id: 'probe', z: 'tab', type: 'probe', x: 100, y: 100, wires: [] },
];

beforeAll(async () => {
  const { mkdirSync } = await import('node:fs');
  mkdirSync(nodesDir);
  writeFileSync(
    join(nodesDir, 'package.json'),
    JSON.stringify({ name: 'probe-nodes', version: '1.0.0', 'node-red': { nodes: { probe: 'probe.js' } } }),
  );
  writeFileSync(
    join(nodesDir, 'probe.js'),
    `module.exports = (RED) => {
      function Probe(config) {
        RED.nodes.createNode(this, config);
        globalThis.alarmflowTest.engine = RED.settings.alarmflowEngine;
        globalThis.alarmflowTest.password = this.credentials && this.credentials.password;
        this.log('probe speaks');
        this.on('close', () => { globalThis.alarmflowTest.closed++; });
      }
      RED.nodes.registerType('probe', Probe, { credentials: { password: { type: 'password' } } });
    };`,
  );
  writeFileSync(join(nodesDir, 'probe.html'), '<script type="text/javascript"></script>');
  host = await startNodeRed({
    editor: true,
    userDir: join(folder, 'user'),
    nodesDir,
    storage: {
      read: async (what) => stored.get(what) ?? null,
      write: async (what, value) => void stored.set(what, structuredClone(value)),
    },
    credentialSecret: 'secret of the test',
    adminAuth: undefined,
    engine: { name: 'the engine' } as unknown as FlowEngine,
    log,
    onFlowsStarted: () => starts++,
    onMissingTypes: (types) => missing.push(types),
    onDeployed: async (who) => void deployed.push(who),
  });
  server = createServer((request, response) => {
    const prefix = request.url!.startsWith('/flow') ? '/flow' : '/editor';
    Object.assign(request, { originalUrl: request.url, baseUrl: prefix, url: request.url!.slice(prefix.length) });
    (prefix === '/flow' ? host.flow : host.editor!.handle)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await host.stop();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('Node-RED in our process', () => {
  it('starts with an empty flow', () => {
    expect(host.state()).toBe('started');
    expect(starts).toBeGreaterThanOrEqual(1);
  });

  it('deploys a flow, tells of its start and serves its pages', async () => {
    const before = starts;
    await host.deploy(flow, { credentials: { probe: { password: 'device password' } }, who: 'anna' });
    expect(starts).toBe(before + 1);
    expect(deployed).toEqual(['anna']);
    expect(await (await fetch(`${base}/flow/hello`)).text()).toBe('hi');
    expect((await host.flows()).map((node) => node.id)).toEqual(flow.map((node) => node.id));
  });

  it('hands nodes the engine and their credentials', () => {
    expect(seen.engine).toEqual({ name: 'the engine' });
    expect(seen.password).toBe('device password');
  });

  it('keeps credentials encrypted and out of the flow', () => {
    expect(JSON.stringify(stored.get('flows'))).not.toContain('device password');
    const credentials = stored.get('credentials') as Record<string, string>;
    expect(Object.keys(credentials)).toEqual(['$']);
    expect(JSON.stringify(credentials)).not.toContain('device password');
  });

  it('refuses a flow with unknown types and lets the old one run', async () => {
    await expect(host.deploy([...flow, { id: 'x', type: 'no-such-node', z: 'tab', wires: [] }])).rejects.toMatchObject({
      code: 'E_UNKNOWN_NODE_TYPES',
      family: 'user',
      message: expect.stringContaining('no-such-node'),
    });
    expect(host.state()).toBe('started');
    expect((await fetch(`${base}/flow/hello`)).status).toBe(200);
  });

  it('refuses a flow of the editor whose config nodes wait for themselves, with the reason, and lets the old one run', async () => {
    const response = await fetch(`${base}/editor/flows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([...flow, { id: 'cam1', type: 'probe', name: 'cam1' }]),
    });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { message: string }).message).toContain('has its own id "cam1" as "name"');
    expect((await host.flows()).map((node) => node.id)).toEqual(flow.map((node) => node.id));
    expect((await fetch(`${base}/flow/hello`)).status).toBe(200);
  });

  it('knows missing types, subflows and groups included', () => {
    const types = host.missingTypes([
      { id: 't', type: 'tab' },
      { id: 'g', type: 'group' },
      { id: 'j', type: 'junction' },
      { id: 's', type: 'subflow' },
      { id: 'i', type: 'subflow:s' },
      { id: 'k', type: 'subflow:gone' },
      { id: 'a', type: 'nobody-has-this' },
      { id: 'b', type: 'nobody-has-this' },
      { id: 'p', type: 'probe' },
    ]);
    expect(types).toEqual(['subflow:gone', 'nobody-has-this']);
  });

  it('tells of unknown types that a deploy in the editor brings', async () => {
    const revision = createHash('sha256')
      .update(JSON.stringify(await host.flows()))
      .digest('hex');
    const response = await fetch(`${base}/editor/flows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'node-red-api-version': 'v2' },
      body: JSON.stringify({ rev: revision, flows: [...flow, { id: 'x', type: 'no-such-node', z: 'tab', wires: [] }] }),
    });
    expect(response.status).toBe(200);
    await vi.waitFor(() => expect(missing).toEqual([['no-such-node']]), 15_000);
    expect(host.state()).toBe('missing-types');
    await host.deploy(flow);
    expect(host.state()).toBe('started');
  });

  it.each(['nodes', 'flows'])('ends what a deploy of modified %s moves into a subflow', async (deployment) => {
    await host.deploy(flow);
    const before = seen.closed;
    const probe = flow.find(({ type }) => type === 'probe')!;
    const tab = flow.find(({ type }) => type === 'tab')!.id;
    const revision = createHash('sha256')
      .update(JSON.stringify(await host.flows()))
      .digest('hex');
    const flows = [
      ...flow.filter((node) => node !== probe),
      { id: 'sub', type: 'subflow', name: '', info: '', in: [], out: [] },
      { ...probe, z: 'sub' },
      { id: 'instance', type: 'subflow:sub', z: tab, x: 1, y: 1, wires: [] },
    ];
    const response = await fetch(`${base}/editor/flows`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'node-red-api-version': 'v2',
        'node-red-deployment-type': deployment,
      },
      body: JSON.stringify({ rev: revision, flows }),
    });
    expect(response.status).toBe(200);
    await vi.waitFor(() => expect(seen.closed).toBe(before + 1), 15_000);
    await host.deploy(flow);
  });

  it('serves the editor with its title, and no catalogue, telemetry or projects', async () => {
    const page = await (await fetch(`${base}/editor/`)).text();
    expect(page).toContain('<title>alarmflow</title>');
    const settings = (await (await fetch(`${base}/editor/settings`)).json()) as Record<string, never>;
    expect(settings).toMatchObject({
      telemetryEnabled: false,
      editorTheme: { tours: false, palette: { catalogues: [] }, projects: { enabled: false } },
    });
    expect((await fetch(`${base}/editor/diagnostics`)).status).toBe(403);
  });

  it('does not let a user switch telemetry on', async () => {
    await fetch(`${base}/editor/settings/user`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ telemetryEnabled: true }),
    });
    const settings = (await (await fetch(`${base}/editor/settings`)).json()) as { telemetryEnabled: boolean };
    expect(settings.telemetryEnabled).toBe(false);
    expect(JSON.stringify(stored.get('settings'))).not.toContain('telemetryEnabled');
  });

  it.each(['/editor/flows', '/hello'])('answers broken JSON at %s without a stack', async (path) => {
    const response = await fetch(`${base}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(await response.text()).not.toContain('node_modules');
  });

  it('lets nobody install modules from the editor', async () => {
    const response = await fetch(`${base}/editor/nodes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ module: 'node-red-contrib-nothing' }),
    });
    expect(response.status).toBeGreaterThanOrEqual(400);
  });

  it('keeps library entries', async () => {
    await fetch(`${base}/editor/library/local/functions/site/door`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'return msg;' }),
    });
    const folderList = await (await fetch(`${base}/editor/library/local/functions/`)).json();
    expect(folderList).toEqual(['site']);
    expect(await (await fetch(`${base}/editor/library/local/functions/site/door`)).text()).toContain('return msg;');
  });

  it('speaks through our log only, nodes by name and quiet about its own start', () => {
    expect(lines.some((line) => line.startsWith('info flow.node') && line.includes('probe speaks'))).toBe(true);
    const loud = lines.filter((line) => /^(warn|error|info)/.test(line) && !line.includes('probe speaks'));
    expect(
      loud.filter(
        (line) => !line.includes('cam1') && !line.includes('no-such-node') && !line.includes('nodes.install'),
      ),
    ).toEqual([]);
  });

  it('refuses a second runtime in the same process', async () => {
    await expect(startNodeRed({} as never)).rejects.toMatchObject({ code: 'E_NODE_RED_TWICE' });
  });

  it('closes its nodes when it stops', async () => {
    const before = seen.closed;
    await host.stop();
    expect(seen.closed).toBe(before + 1);
    expect(host.state()).toBe('stopped');
  });
});
