import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Log } from '../../engine/domain/log';
import { type NodeRedHost, type NodeRedOptions, startNodeRed } from '../../engine/host/node-red-runtime';
import type { FlowEngine } from '../../engine/index';

const folder = mkdtempSync(join(tmpdir(), 'alarmflow-starts-'));
writeFileSync(
  join(folder, 'package.json'),
  JSON.stringify({ name: 'none', version: '1.0.0', 'node-red': { nodes: {} } }),
);
let stored = new Map<string, unknown>();
let errors: string[] = [];
let missing: string[][] = [];
let host: NodeRedHost | null = null;
const log: Log = { debug() {}, info() {}, warn() {}, error: (event) => void errors.push(event), with: () => log };

async function start(options: Partial<NodeRedOptions> = {}): Promise<NodeRedHost> {
  host = await startNodeRed({
    editor: false,
    userDir: join(folder, 'user'),
    nodesDir: folder,
    storage: {
      read: async (what) => stored.get(what) ?? null,
      write: async (what, value) => void stored.set(what, structuredClone(value)),
    },
    credentialSecret: 'secret',
    adminAuth: undefined,
    engine: {} as FlowEngine,
    log,
    onFlowsStarted() {},
    onMissingTypes: (types) => void missing.push(types),
    ...options,
  });
  return host;
}
afterEach(async () => {
  await host?.stop();
  host = null;
  stored = new Map();
  errors = [];
  missing = [];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = [
  { id: 'tab', type: 'tab' },
  { id: 'in', z: 'tab', type: 'http in', url: '/hello', method: 'get', x: 1, y: 1, wires: [['out']] },
  { id: 'out', z: 'tab', type: 'http response', statusCode: '204', x: 1, y: 1, wires: [] },
];
const broker = {
  id: 'm',
  type: 'mqtt-broker',
  name: 'Broker',
  broker: '127.0.0.1',
  port: '1',
  autoConnect: false,
};

describe('Node-RED', () => {
  it('runs headless: pages of flows, no editor', async () => {
    const { editor, flow, deploy } = await start();
    expect(editor).toBeNull();
    await deploy(page);
    const server = createServer((request, response) => flow(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect((await fetch(`http://127.0.0.1:${port}/hello`)).status).toBe(204);
    expect((await fetch(`http://127.0.0.1:${port}/flows`)).status).toBe(404);
    server.closeAllConnections();
    server.close();
  });

  it('starts again with what was deployed before', async () => {
    const first = await start();
    await first.deploy([...page, broker], { credentials: { m: { user: 'u', password: 'p' } } });
    const kept = stored;
    await first.stop();
    stored = kept;
    const second = await start();
    expect(second.state()).toBe('started');
    expect((await second.flows()).map(({ id }) => id)).toEqual(['tab', 'in', 'out', 'm']);
  });

  it('starts without passwords when the secret is another one, and says so', async () => {
    const first = await start();
    await first.deploy([...page, broker], { credentials: { m: { user: 'u', password: 'p' } } });
    await first.stop();
    const second = await start({ credentialSecret: 'another' });
    expect(second.state()).toBe('started');
    expect(errors).toEqual(['flow.credentials-unreadable']);
  });

  it('comes up with a flow that it does not know all types of, and says which', async () => {
    stored.set('flows', [...page, { id: 'x', type: 'gone', z: 'tab', x: 1, y: 1, wires: [] }]);
    const running = await start();
    expect(running.state()).toBe('missing-types');
    expect(missing).toEqual([['gone']]);
    await running.deploy(page);
    expect(running.state()).toBe('started');
  });

  it('does not start when its flows cannot be read, and can be started later', async () => {
    const storage = { read: () => Promise.reject(new Error('disk')), write: async () => {} };
    const broken = start({
      storage: { ...storage, read: (what) => (what === 'flows' ? storage.read() : Promise.resolve(null)) },
    });
    await expect(broken).rejects.toMatchObject({ code: 'E_FLOWS_NOT_READ', family: 'operational' });
    expect((await start()).state()).toBe('started');
  });
});
