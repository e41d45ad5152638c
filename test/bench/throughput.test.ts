import { describe, expect } from 'vitest';
import { postgresMissing, startPostgres } from '../support/postgres';
import { redisMissing, startRedis } from '../support/redis';
import { serverTest } from '../support/server-test';
import { freshSetting } from './servers';
import { measureThroughput } from './site';

describe('the throughput of a site', () => {
  serverTest(
    'is measured again and again on the same servers, with every action done',
    () => postgresMissing() ?? redisMissing(),
    async () => {
      const postgres = await startPostgres();
      const redis = await startRedis({ aof: true });
      try {
        const servers = { postgresUrl: postgres.url, redisUrl: redis.url };
        for (let turn = 0; turn < 2; turn++)
          expect(await measureThroughput(await freshSetting(servers), 100)).toMatchObject({ lost: 0 });
        const used = await freshSetting(servers);
        await measureThroughput(used, 10);
        await expect(measureThroughput(used, 10)).rejects.toThrow(/10 live alarms/);
      } finally {
        await redis.stop();
        await postgres.stop();
      }
    },
    300_000,
  );
});
