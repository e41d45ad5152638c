import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import { type Log, silentLog } from '../../engine/domain/log';
import { type AuditEntry, type Auth, createAuth, type UserAccount } from '../../engine/host/auth';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../engine/host/http-server';
import { memorySettings } from './memory-settings';
import { temporaryFolder } from './temporary-folder';

/** A login whose accounts live in memory, with hashes that cost next to nothing. */
export async function memoryAuth(
  options: {
    clock?: Clock;
    log?: Log;
    settings?: ReturnType<typeof memorySettings>;
    accounts?: Map<string, UserAccount>;
  } = {},
) {
  const accounts = options.accounts ?? new Map<string, UserAccount>();
  const audit: AuditEntry[] = [];
  const settings = options.settings ?? memorySettings();
  const auth = await createAuth({
    users: {
      list: async () => [...accounts.values()],
      add: async (user) => accounts.set(user.name, user),
      update: async (name, changes) => accounts.set(name, { ...accounts.get(name)!, ...changes }),
      remove: async (name) => accounts.delete(name),
    },
    settings,
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
    audit: async (entry) => void audit.push(entry),
    sessions: { totalMs: 12 * 3_600_000, idleMs: 2 * 3_600_000 },
    cliToken: CLI_TOKEN,
    passwordCost: { ln: 4, r: 1, p: 1 },
  });
  return { auth, accounts, audit, settings };
}

export const CLI_TOKEN = 'the-token-of-this-machine-0123456789';
export const PASSWORD = 'Correct horse 7';

/** Accounts of each role; all have `PASSWORD`. */
export async function addEveryRole(auth: Auth): Promise<void> {
  await auth.addUser({ name: 'anna', role: 'administrator', password: PASSWORD }, 'test');
  await auth.addUser({ name: 'otto', role: 'operator', password: PASSWORD }, 'test');
  await auth.addUser({ name: 'vera', role: 'viewer', password: PASSWORD }, 'test');
}

/** A folder like the built console. */
export async function consoleFolder(): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>console</title>');
  writeFileSync(join(folder, 'assets', 'main-Ab12Cd34.js'), 'export {};');
  writeFileSync(join(folder, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  return folder;
}

/** An HTTP server on a free port of this machine. */
export async function openDoor(
  auth: Auth,
  options: Partial<HttpServerOptions> = {},
): Promise<{ server: HttpServer; url: string; port: number }> {
  const server = createHttpServer({
    host: '127.0.0.1',
    port: 0,
    tls: null,
    trustedProxies: [],
    uiDir: options.uiDir ?? (await consoleFolder()),
    auth,
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  return { server, ...(await server.listen()) };
}
