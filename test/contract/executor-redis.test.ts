import { skipWithoutRedis, startRedis } from '../support/redis';
import { executorContract } from './executor-contract';

executorContract('Redis', skipWithoutRedis(), async () => {
  const redis = await startRedis();
  return { choice: { kind: 'redis', url: redis.url }, stop: () => redis.stop() };
});
