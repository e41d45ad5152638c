import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { openStore } from '../../engine/store';
import { recordContract } from '../contract/record-contract';
import { type PostgresServer, postgresMissing, startPostgres } from '../support/postgres';
import { temporaryFolder } from '../support/temporary-folder';

const missing = postgresMissing();
let server: PostgresServer | undefined;
const running = async (): Promise<PostgresServer> => {
  server ??= await startPostgres();
  return server;
};
afterAll(() => server?.stop());

if (missing && process.env.ALARMFLOW_REQUIRE_ALL !== '1') {
  describe.skip(`record on PostgreSQL (skipped: ${missing})`, () => {
    it('is not tested here', () => {});
  });
} else {
  recordContract('PostgreSQL', async () => (await running()).url);
}

describe('a database that cannot be reached', () => {
  const open = async (databaseUrl: string) =>
    openStore({ dataDir: await temporaryFolder(), databaseUrl, clock: systemClock, log: silentLog });

  it('is an operational error with host and remedy but no password', async () => {
    const error = await open('postgres://ann:s3cret-word@127.0.0.1:9/site').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'E_DATABASE_UNREACHABLE', family: 'operational' });
    expect(String(error)).toMatch(/127\.0\.0\.1:9\/site.*start the server there/);
    expect(JSON.stringify(error) + String(error)).not.toContain('s3cret');
  });

  it('names an address that is none, without repeating it', async () => {
    const error = await open('not an address s3cret').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'E_DATABASE_URL', family: 'user' });
    expect(String(error)).not.toContain('s3cret');
  });
});

describe.skipIf(missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1')('a database that goes away', () => {
  it('is an operational error for those who ask as well', async () => {
    const own = await startPostgres();
    const store = await openStore({
      dataDir: await temporaryFolder(),
      databaseUrl: own.url,
      clock: systemClock,
      log: silentLog,
    });
    try {
      await own.kill();
      const away = { code: 'E_DATABASE_UNREACHABLE', family: 'operational' };
      await expect(store.alarms({ live: true, limit: 1 })).rejects.toMatchObject(away);
      await expect(store.resume()).rejects.toMatchObject(away);
      await expect(store.users.list()).rejects.toMatchObject(away);
    } finally {
      await store.close();
      await own.stop();
    }
  }, 180_000);
});
