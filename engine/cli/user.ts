import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { type Command, Option } from 'commander';
import { systemClock } from '../clock/system-clock';
import { AlarmflowError, userError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import { type Auth, createAuth, roles } from '../host/auth';
import { loadConfig } from '../host/config';
import type { Role } from '../host/console-api';
import { createLog } from '../log';
import { lockDataDir, openStore } from '../store';
import { callSite, findRunningSite, type RunningSite } from './running-site';

/** The account calls that work both on a running site and on its data folder while it is stopped. */
type Accounts = Pick<Auth, 'list' | 'addUser' | 'changeUser' | 'removeUser'>;

interface UserFlags {
  data?: string;
  config?: string;
  role?: Role;
  passwordStdin?: boolean;
}

/** `alarmflow user add|list|remove|password|role`. */
export function addUserCommands(alarmflow: Command, print: (line: string) => void): void {
  const user = alarmflow.command('user').description('accounts of the console and the flow editor');
  const role = new Option('--role <role>', 'what the user may do').choices([...roles]).default('viewer');
  const command = (text: string, description: string): Command =>
    user
      .command(text)
      .description(description)
      .option('--data <folder>', 'data folder (default: ./data; ALARMFLOW_DATA)')
      .option('--config <file>', 'configuration file');

  command('add <name>', 'adds a user; the first must be an administrator')
    .addOption(role)
    .option('--password-stdin', 'read the password from standard input instead of asking')
    .action(async (name: string, flags: UserFlags) => {
      const password = await readPassword(flags);
      await withAccounts(flags, (accounts) =>
        accounts.addUser({ name, role: flags.role ?? 'viewer', password }, 'local'),
      );
      print(`User "${name}" added as ${flags.role ?? 'viewer'}.`);
    });
  command('list', 'lists users and their roles').action(async (flags: UserFlags) => {
    const list = await withAccounts(flags, (accounts) => accounts.list());
    if (list.length === 0) print('No users are set up: the console is open to this machine only.');
    for (const { name, role } of list) print(`${name}\t${role}`);
  });
  command('remove <name>', 'removes a user and ends the sessions').action(async (name: string, flags: UserFlags) => {
    await withAccounts(flags, (accounts) => accounts.removeUser(name, 'local'));
    print(`User "${name}" removed.`);
  });
  command('password <name>', 'sets a new password and ends the sessions')
    .option('--password-stdin', 'read the password from standard input instead of asking')
    .action(async (name: string, flags: UserFlags) => {
      const password = await readPassword(flags);
      await withAccounts(flags, (accounts) => accounts.changeUser(name, { password }, 'local'));
      print(`Password of "${name}" changed.`);
    });
  command('role <name>', 'changes what a user may do')
    .addOption(role)
    .action(async (name: string, flags: UserFlags) => {
      await withAccounts(flags, (accounts) => accounts.changeUser(name, { role: flags.role ?? 'viewer' }, 'local'));
      print(`User "${name}" is now ${flags.role ?? 'viewer'}.`);
    });
}

async function withAccounts<T>(flags: UserFlags, work: (accounts: Accounts) => Promise<T>): Promise<T> {
  const { data, config: file } = flags;
  const { config } = loadConfig({
    flags: { data, config: file },
    env: process.env,
    cwd: process.cwd(),
    command: 'other',
  });
  const running = await runningOrNull(config.data);
  if (running) return await work(accountsOf(running));

  const log = createLog({ level: 'warn', format: config.logFormat });
  const lock = await lockDataDir(config.data, {});
  try {
    const store = await openStore({ dataDir: config.data, databaseUrl: config.databaseUrl, clock: systemClock, log });
    try {
      const auth = await createAuth({
        users: store.users,
        settings: store,
        clock: systemClock,
        log,
        audit: (entry) =>
          store.commit({ audit: [{ id: sortableId(systemClock.now()), at: systemClock.now(), ...entry }] }),
        // The site's own: with shorter ones, ending one user's sessions would end everybody's.
        sessions: { totalMs: config.sessionHours * 3_600_000, idleMs: config.sessionIdleMinutes * 60_000 },
        cliToken: null,
      });
      return await work(auth);
    } finally {
      await store.close();
    }
  } finally {
    await lock.release();
  }
}

async function runningOrNull(dataDir: string): Promise<RunningSite | null> {
  try {
    const site = await findRunningSite(dataDir);
    await callSite(site, '/api/v1/session');
    return site;
  } catch (error) {
    // Nobody runs, or the lock is what a killed process has left: the folder can be opened here.
    if (error instanceof AlarmflowError && ['E_NOT_RUNNING', 'E_NOT_REACHED'].includes(error.code)) return null;
    throw error;
  }
}

/** The account calls over the API of a running site. */
function accountsOf(site: RunningSite): Accounts {
  const path = (name: string): string => `/api/v1/users/${encodeURIComponent(name)}`;
  const change = async (method: 'POST' | 'PATCH' | 'DELETE', where: string, body?: unknown): Promise<void> => {
    await new Response(await callSite(site, where, { method, body })).text();
  };
  return {
    async list() {
      const answer = (await new Response(await callSite(site, '/api/v1/users')).json()) as {
        users: { name: string; role: Role }[];
      };
      return answer.users;
    },
    addUser: (user) => change('POST', '/api/v1/users', user),
    changeUser: (name, changes) => change('PATCH', path(name), changes),
    removeUser: (name) => change('DELETE', path(name)),
  };
}

/** From standard input, or asked for twice at the terminal without showing it. */
async function readPassword(flags: UserFlags): Promise<string> {
  if (flags.passwordStdin || !process.stdin.isTTY) {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks)
      .toString('utf8')
      .replace(/\r?\n$/, '');
    if (text === '')
      throw userError('E_NO_PASSWORD', 'Standard input held no password: pipe it in, or run the command at a terminal');
    return text;
  }
  const first = await ask('Password: ');
  if ((await ask('Again: ')) !== first)
    throw userError('E_PASSWORDS_DIFFER', 'The two passwords differ: run the command again');
  return first;
}

async function ask(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stdout.write(question);
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stdout.write('\n');
  }
}
