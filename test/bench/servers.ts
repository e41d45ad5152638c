import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import type { SiteSetting } from './site';

/** The servers that a site is measured with; nothing for the embedded databases. */
export interface Servers {
  postgresUrl?: string;
  redisUrl?: string;
}

/**
 * Databases that no site has used: a record keeps the alarms of the former measurement, and what is active already
 * raises nothing when it is reported again.
 */
export async function freshSetting({ postgresUrl, redisUrl }: Servers): Promise<SiteSetting> {
  const env: Record<string, string> = {};
  if (postgresUrl !== undefined) {
    const name = `bench_${randomBytes(5).toString('hex')}`;
    const client = new Client({ connectionString: postgresUrl });
    await client.connect();
    try {
      await client.query(`CREATE DATABASE ${name} TEMPLATE template0`);
    } finally {
      await client.end();
    }
    const url = new URL(postgresUrl);
    url.pathname = `/${name}`;
    env.DATABASE_URL = url.href;
  }
  if (redisUrl !== undefined) {
    const redis = new Redis(redisUrl);
    await redis.flushall();
    await redis.quit();
    env.REDIS_URL = redisUrl;
  }
  return { env };
}
