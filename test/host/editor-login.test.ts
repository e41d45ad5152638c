import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../engine/domain/log';
import { type Auth, nodeRedAuth } from '../../engine/host/auth';
import type { HttpServer } from '../../engine/host/http-server';
import { type NodeRedHost, startNodeRed } from '../../engine/host/node-red-runtime';
import type { FlowEngine } from '../../engine/index';
import { addEveryRole, CLI_TOKEN, memoryAuth, openDoor, PASSWORD } from '../support/host-door';

const folder = mkdtempSync(join(tmpdir(), 'alarmflow-editor-'));
const stored = new Map<string, unknown>();
let auth: Auth;
let host: NodeRedHost;
let server: HttpServer;
let url: string;
const deployedBy: (string | null)[] = [];

beforeAll(async () => {
  ({ auth } = await memoryAuth());
  await addEveryRole(auth);
  ({ server, url } = await openDoor(auth));
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'none', version: '1.0.0', 'node-red': { nodes: {} } }),
  );
  host = await startNodeRed({
    editor: true,
    userDir: join(folder, 'user'),
    nodesDir: folder,
    storage: {
      read: async (what) => stored.get(what) ?? null,
      write: async (what, value) => void stored.set(what, structuredClone(value)),
    },
    credentialSecret: 'secret',
    adminAuth: nodeRedAuth(auth, silentLog, () => server.currentAddress()),
    engine: {} as FlowEngine,
    log: silentLog,
    onFlowsStarted() {},
    onMissingTypes() {},
    onDeployed: async (who) => void deployedBy.push(who),
  });
  server.mount({ editor: host.editor, flow: host.flow });
});
afterAll(async () => {
  await host.stop();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const cookieOf = async (name: string) => ({
  cookie: `alarmflow_session=${(await auth.login(name, PASSWORD, null)).token}`,
});
const get = (path: string, headers: Record<string, string> = {}) => fetch(`${url}/editor/${path}`, { headers });
const deploy = (headers: Record<string, string>) =>
  fetch(`${url}/editor/flows`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify([{ id: 't', type: 'tab', label: 'x' }]),
  });
const askForToken = (username: string, password: string) =>
  fetch(`${url}/editor/auth/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'node-red-editor', grant_type: 'password', scope: '', username, password }),
  });

/** Opens the editor's socket and resolves to its first message after `first` was sent, or to how it closed. */
function comms(headers: Record<string, string>, first: object | null): Promise<string> {
  return new Promise((resolve) => {
    const Socket = WebSocket as unknown as new (url: string, options: object) => WebSocket;
    const socket = new Socket(`${url.replace('http', 'ws')}/editor/comms`, { headers });
    socket.onopen = () => socket.send(JSON.stringify(first ?? { subscribe: 'notification/#' }));
    socket.onmessage = ({ data }) => {
      // Beats go to all, also to those who have asked for nothing yet.
      if (/"topic":"hb"/.test(String(data))) return;
      resolve(String(data));
      socket.close();
    };
    socket.onerror = () => resolve('error');
    socket.onclose = () => resolve('closed');
  });
}

describe('the editor behind a login', () => {
  it('shows its page and asks for a login', async () => {
    expect((await get('')).status).toBe(200);
    expect(await (await get('auth/login')).json()).toMatchObject({ type: 'credentials' });
    expect((await get('flows')).status).toBe(401);
    expect((await get('settings')).status).toBe(401);
  });

  it('knows who is logged in to the console', async () => {
    expect(await (await get('settings', await cookieOf('anna'))).json()).toMatchObject({
      user: { username: 'anna', permissions: '*' },
    });
  });

  it('lets administrators deploy, and tells who did', async () => {
    expect((await deploy(await cookieOf('anna'))).status).toBe(204);
    expect(deployedBy).toEqual(['anna']);
  });

  it.each(['otto', 'vera'])('lets %s look, not deploy', async (name) => {
    const headers = await cookieOf(name);
    expect((await get('flows', headers)).status).toBe(200);
    expect((await deploy(headers)).status).toBe(401);
  });

  it('takes a login of its own, whose token is a session of ours', async () => {
    const { access_token: token } = (await (await askForToken('anna', PASSWORD)).json()) as { access_token: string };
    const headers = { authorization: `Bearer ${token}` };
    expect((await get('flows', headers)).status).toBe(200);
    await auth.changeUser('anna', { role: 'administrator' }, 'test');
    expect((await get('flows', headers)).status).toBe(401);
    expect(stored.has('sessions')).toBe(false);
  });

  it('refuses the command line token as a session, and wrong passwords', async () => {
    expect((await askForToken('anna', 'wrong')).status).toBe(403);
    expect((await get('flows', { authorization: 'Bearer nonsense-nonsense-nonsense' })).status).toBe(401);
    expect((await get('flows', { 'x-alarmflow-session': CLI_TOKEN })).status).toBe(401);
  });

  it('refuses a deploy from a foreign page although the cookie is right', async () => {
    expect((await deploy({ ...(await cookieOf('anna')), origin: 'http://evil.example' })).status).toBe(403);
  });

  it('opens its socket for whoever is logged in', async () => {
    expect(await comms(await cookieOf('vera'), null)).toContain('notification/');
    expect(await comms({}, null)).toContain('"auth":"fail"');
    const { token } = await auth.login('vera', PASSWORD, null);
    expect(await comms({}, { auth: token })).toContain('"auth":"ok"');
    expect(await comms({ ...(await cookieOf('vera')), origin: 'http://evil.example' }, null)).toBe('error');
  });

  it('counts failed logins with those of the console, by user and by address', async () => {
    for (let i = 0; i < 4; i++) await askForToken('otto', 'wrong');
    // The first one of this address was in the test before.
    await expect(auth.login('vera', PASSWORD, '127.0.0.1')).rejects.toMatchObject({ code: 'E_LOGIN_LOCKED' });
    await expect(auth.login('vera', PASSWORD, '192.0.2.1')).resolves.toMatchObject({ name: 'vera' });
  });
});
