import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addUserCommands } from '../../engine/cli/user';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { type Auth, createAuth } from '../../engine/host/auth';
import { openStore } from '../../engine/store';
import { temporaryFolder } from '../support/temporary-folder';

async function withAuth<T>(dataDir: string, work: (auth: Auth) => Promise<T>): Promise<T> {
  const store = await openStore({ dataDir, databaseUrl: null, clock: systemClock, log: silentLog });
  try {
    return await work(
      await createAuth({
        users: store.users,
        settings: store,
        clock: systemClock,
        log: silentLog,
        audit: async () => {},
        sessions: { totalMs: 3_600_000, idleMs: 3_600_000 },
        cliToken: null,
        // What a login costs is not looked at here.
        passwordCost: { ln: 4, r: 1, p: 1 },
      }),
    );
  } finally {
    await store.close();
  }
}

describe('a user command on a stopped site', () => {
  it('ends the sessions of its user and of nobody else', async () => {
    const dataDir = await temporaryFolder();
    const [anna, bob] = await withAuth(dataDir, async (auth) => {
      await auth.addUser({ name: 'anna', role: 'administrator', password: 'correct-horse-9' }, 'local');
      await auth.addUser({ name: 'bob', role: 'viewer', password: 'battery-staple-7' }, 'local');
      const sessions = [];
      for (const [name, password] of [
        ['anna', 'correct-horse-9'],
        ['bob', 'battery-staple-7'],
      ] as const)
        sessions.push((await auth.login(name, password, '127.0.0.1')).token);
      return sessions;
    });
    const alarmflow = new Command();
    addUserCommands(alarmflow, () => {});
    await alarmflow.parseAsync(['user', 'role', 'bob', '--role', 'operator', '--data', dataDir], { from: 'user' });
    await withAuth(dataDir, async (auth) => {
      expect((await auth.identifyToken(anna!))?.name).toBe('anna');
      expect(await auth.identifyToken(bob!)).toBeNull();
    });
  });
});
