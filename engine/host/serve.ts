/** One process of alarmflow, from its configuration to its end: `alarmflow start` and `alarmflow run`. */
import { systemClock } from '../clock/system-clock';
import { asAlarmflowError } from '../domain/errors';
import { createLog } from '../log';
import { type DatabaseLock, lockDatabase, lockDataDir, openStore } from '../store';
import { readCredentialsFile, readFlowFile } from './flow-source';
import type { ServeOptions } from './server';
import type { Site } from './site';

/** SIGTERM to the last line: 5 s; what is not done by then is left to the next start, which is made for that. */
const STOP_LIMIT_MS = 4_700;
const WATCH_EVERY_MS = 2_000;
/** The folder is looked at and the thread started by then. */
const THREAD_BEGINS_MS = 20;

/** Runs until the signal aborts. Rejects with what kept it from starting. */
export async function serve(options: ServeOptions): Promise<void> {
  const { config, warnings } = options.loaded;
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  for (const url of [config.databaseUrl, config.redisUrl]) rememberPassword(url, log);
  for (const warning of warnings) log.warn('config.warning', { text: warning });
  const flow = options.flowFile === null ? null : await readFlowFile(options.flowFile);
  const credentials = options.credentialsFile === null ? null : await readCredentialsFile(options.credentialsFile);

  /** What has been opened, in this order; closed the other way round. */
  const opened: { name: string; close(): Promise<void> }[] = [];
  const closeAll = async (): Promise<void> => {
    for (const part of opened.reverse()) {
      try {
        await part.close();
      } catch (error) {
        log.error('stop.part-failed', { part: part.name, error: asAlarmflowError(error).message });
      }
    }
  };

  try {
    const lock = await lockDataDir(config.data, {});
    opened.push({ name: 'data folder', close: () => lock.release() });
    const databaseLock = config.databaseUrl === null ? null : await lockDatabase(config.databaseUrl, systemClock, log);
    if (databaseLock) opened.push({ name: 'database lock', close: () => databaseLock.release() });
    const recordOptions = { dataDir: config.data, databaseUrl: config.databaseUrl, clock: systemClock, log };
    const opening = openStore(recordOptions);
    // What fails is told where the site waits for it.
    opening.catch(() => undefined);
    // The database opens in a thread of its own or on a server: time enough to load the rest of the program, which
    // leaves nobody else a turn. So the thread is given the moment to begin in.
    await Promise.race([opening, systemClock.sleep(THREAD_BEGINS_MS)]);
    const { demoOf, greet, openDoors, siteSettings } = await import('./server.js');
    const { openSite } = await import('./site.js');
    const { loadNodeRed } = await import('./node-red-runtime.js');
    // Loaded again where it is started, with whatever failed here.
    loadNodeRed().catch(() => undefined);
    const site = await openSite({ ...siteSettings(config), ...recordOptions }, opening);
    opened.push({ name: 'site', close: () => site.close() });
    const demo = await demoOf(options.loaded, site, log);
    if (demo) opened.push({ name: 'demo', close: () => demo.close() });
    const server = await openDoors(options, site, demo, log);
    opened.push({ name: 'http', close: () => server.close() });
    await lock.update({ url: server.url });
    opened.push({ name: 'flows', close: () => server.stopFlows() });
    if (!options.signal.aborted) await server.startFlows(flow, credentials);
    if (!options.signal.aborted) await greet(options, site, demo, server.url);
    await untilStopped(options.signal, site, databaseLock);
    log.info('stop.begins', {});
  } catch (error) {
    await closeAll();
    throw error;
  }
  const limit = systemClock.after(STOP_LIMIT_MS, () => {
    log.error('stop.too-slow', { limitMs: STOP_LIMIT_MS });
    process.exit(0);
  });
  await closeAll();
  limit.cancel();
}

/**
 * Resolves when the process is told to stop. Rejects when it cannot do its work any more: the embedded database has
 * aborted, or another engine has taken this one's database. Started again, it takes up where the record ends.
 */
function untilStopped(signal: AbortSignal, site: Site, databaseLock: DatabaseLock | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      watch.cancel();
      resolve();
    };
    const watch = systemClock.every(WATCH_EVERY_MS, () => {
      const reason = site.store.broken() ?? databaseLock?.lost();
      if (!reason) return;
      watch.cancel();
      signal.removeEventListener('abort', end);
      reject(reason);
    });
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

function rememberPassword(url: string | null, log: { addSecret(value: string): void }): void {
  if (url === null) return;
  const { password } = new URL(url);
  if (password !== '') log.addSecret(decodeURIComponent(password));
}
