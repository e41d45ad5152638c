import { type BackendFactory, createRedisBackend, type IQueueBackend } from 'bullmq';
import { Redis } from 'ioredis';
import {
  type BackendContext,
  CONNECT_TIMEOUT_MS,
  type OpenBackend,
  refused,
  shownServer,
  unreachable,
} from './backend';
import { createLink } from './link';

const RECONNECT_FIRST_MS = 100;
const RECONNECT_MOST_MS = 2_000;

/** Value of one field of Redis' INFO. */
const infoField = (info: string, name: string): string | null =>
  new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;

/** What the operator should change on this server; from INFO, which hosted servers allow where CONFIG is closed. */
export function redisWarnings(info: string): string[] {
  const warnings: string[] = [];
  const policy = infoField(info, 'maxmemory_policy');
  if (policy !== null && policy !== 'noeviction')
    warnings.push(`Redis may throw jobs away when memory is short (maxmemory-policy ${policy}): set it to noeviction`);
  if (infoField(info, 'aof_enabled') === '0')
    warnings.push('Redis keeps jobs in memory only (appendonly no): set appendonly yes, or accept slower recovery');
  const hz = Number(infoField(info, 'configured_hz') ?? infoField(info, 'hz') ?? Number.NaN);
  if (hz < 100) warnings.push(`Redis wakes up ${hz} times a second (hz ${hz}), retries may be late: set hz 100`);
  return warnings;
}

/** Connects to Redis or Valkey. Throws `E_QUEUE_UNREACHABLE`, `E_QUEUE_REFUSED`, `E_BAD_QUEUE_URL`. */
export async function openRedisBackend(url: string, { clock, log }: BackendContext): Promise<OpenBackend> {
  const server = shownServer('Redis', url, ['redis:', 'rediss:'], 6379);
  const link = createLink(log, server);
  let connected = false;

  function client(options: { maxRetriesPerRequest: number | null; enableOfflineQueue: boolean }): Redis {
    const redis = new Redis(url, {
      ...options,
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // The first connection either comes or is reported; later ones are tried for ever.
      retryStrategy: (times) =>
        connected ? Math.min(RECONNECT_MOST_MS, RECONNECT_FIRST_MS * 2 ** Math.min(times, 10)) : null,
    });
    redis.on('error', (error) => {
      lastError = error;
      if (connected) link.lost(error);
    });
    return redis;
  }

  let lastError: unknown;
  // Workers wait for the server to come back. Whoever adds must not: its rows are on disk, it tries again later.
  const working = client({ maxRetriesPerRequest: null, enableOfflineQueue: true });
  const adding = client({ maxRetriesPerRequest: 0, enableOfflineQueue: false });
  let info: string;
  try {
    await Promise.all([working.connect(), adding.connect()]);
    info = await adding.info();
  } catch (thrown) {
    working.disconnect();
    adding.disconnect();
    // ioredis rejects with "Connection is closed"; the error event before it has the reason.
    const cause = lastError ?? thrown;
    throw /NOAUTH|WRONGPASS|NOPERM|invalid password|DB index/i.test(String(cause) + String(thrown))
      ? refused(server, 'REDIS_URL', cause)
      : unreachable(server, 'REDIS_URL', cause);
  }
  connected = true;

  adding.on('close', () => link.lost(lastError ?? 'connection closed'));
  adding.on('ready', () => {
    link.back();
    // Its settings may be others after a restart.
    adding.info().then(
      (text) => warnings.splice(0, warnings.length, ...redisWarnings(text)),
      (thrown: unknown) => log.debug('settings of Redis could not be read', { reason: String(thrown) }),
    );
  });
  const warnings = redisWarnings(info);
  for (const warning of warnings) log.warn('queue server setting', { server, warning });

  let closing: Promise<void> | null = null;
  return {
    server,
    link,
    factory: createRedisBackend as unknown as BackendFactory<IQueueBackend, unknown>,
    queueConnection: adding,
    workerConnection: working,
    warnings,
    bulkFrom: 2,
    jobsFinished() {},
    close() {
      closing ??= (async () => {
        adding.removeAllListeners('close');
        working.disconnect();
        adding.disconnect();
        // The sockets end in the next turns of the loop.
        await clock.sleep(0);
      })();
      return closing;
    },
  };
}
