import { afterAll, beforeAll, describe, expect } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { lockDatabase } from '../../engine/store';
import { postgresMissing, startPostgres } from '../support/postgres';
import { serverTest } from '../support/server-test';

let server: Awaited<ReturnType<typeof startPostgres>> | null = null;
beforeAll(async () => {
  if (postgresMissing() === null) server = await startPostgres();
});
afterAll(() => server?.stop());

const take = () => lockDatabase(server!.url, systemClock, silentLog);

describe('the lock of a database on a server', () => {
  serverTest('refuses a second engine and names the one that runs', postgresMissing, async () => {
    const first = await take();
    await expect(take()).rejects.toMatchObject({
      code: 'E_DATABASE_IN_USE',
      family: 'user',
      message: expect.stringContaining(String(process.pid)),
    });
    expect(first.lost()).toBeNull();
    await first.release();
  });

  serverTest('is free again after its release', postgresMissing, async () => {
    await (await take()).release();
    await (await take()).release();
  });
});
