/** The port of a site with everything behind it: console, editor, devices that push, health. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../clock/system-clock';
import { asAlarmflowError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { createLog } from '../log';
import { addressList } from './addresses';
import { createAnswerPages } from './answer-pages';
import { createApi } from './api';
import { type Auth, createAuth, nodeRedAuth } from './auth';
import { writeCliToken } from './cli-token';
import type { Config, LoadedConfig } from './config';
import { consoleServices, writeAudit } from './console-services';
import { readCredentialSecret } from './credential-secret';
import { type Demo, demoAlertArgument, demoDevices, isDemoSite, readDemoFlow, startDemo } from './demo';
import { flowFileStorage, type readCredentialsFile, type readFlowFile } from './flow-source';
import { createHealth } from './health';
import { createHttpServer, type HttpServer } from './http-server';
import { createIngest } from './ingest';
import { createMetrics } from './metrics';
import { type NodeRedHost, startNodeRed } from './node-red-runtime';
import { urlTowards } from './public-url';
import type { ReachSettings } from './reach';
import { createRecordHealth } from './record-health';
import { reportRestoredRecord } from './restored-record';
import type { Site, SiteOptions } from './site';

export interface ServeOptions {
  loaded: LoadedConfig;
  /** null: the editor's own flows. */
  flowFile: string | null;
  credentialsFile: string | null;
  /** Writes one line for the person at the terminal. */
  print(line: string): void;
  /** Ends the process cleanly. */
  signal: AbortSignal;
}

/** dist/engine/host → the project's root. */
const projectRoot = join(__dirname, '..', '..', '..');
const PRUNE_EVERY_MS = 3_600_000;
const EDITOR_PATH = '/editor/';

/** The port with everything behind it. The doors open first and answer "starting", so that a wrong port fails early. */
export async function openDoors(
  options: ServeOptions,
  site: Site,
  demo: Demo | null,
  log: ReturnType<typeof createLog>,
) {
  const { config } = options.loaded;
  const version = (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version;
  const headless = options.flowFile !== null;
  const cliToken = await writeCliToken(config.data);
  log.addSecret(cliToken.value);
  const auth: Auth = await createAuth({
    users: site.store.users,
    settings: site.store,
    clock: systemClock,
    log,
    audit: (entry) => writeAudit(site, systemClock, entry),
    sessions: { totalMs: config.sessionHours * 3_600_000, idleMs: config.sessionIdleMinutes * 60_000 },
    cliToken: cliToken.value,
    cookieName: `alarmflow_session_${config.port}`,
  });
  const http: HttpServer = createHttpServer({
    host: config.host,
    port: config.port,
    tls: config.tlsCert && config.tlsKey ? { certFile: config.tlsCert, keyFile: config.tlsKey } : null,
    trustedProxies: config.trustedProxies,
    uiDir: join(projectRoot, 'dist', 'ui'),
    auth,
    clock: systemClock,
    log,
  });
  const { url, port } = await http.listen();
  const { publicUrl, host } = config;
  site.reachedBy((deviceHost) => urlTowards(deviceHost, { publicUrl, host, port, tls: config.tlsCert !== null }));

  const metrics = createMetrics({
    version,
    liveAlarms: () => site.alarms.live().length,
    outputs: () => site.outputs.list().map((output) => ({ ...output, dryRun: site.flow.outputIsDry(output.id) })),
    dryRun: () => site.dryRun.isOn(),
    deviceLinks: () => site.flow.devices().map(({ id }) => site.devices.status(id)?.link ?? 'connecting'),
    queue: () => site.executor.health(),
    recordWritable: () => (site.store.broken() ?? site.store.trouble()) === null,
    allowed: addressList(config.metricsFrom),
    log,
  });
  const unsubscribe = site.subscribe((announcement) => metrics.observe(announcement));
  site.onEventKept((seconds) => metrics.observeCommit(seconds));
  let flows: NodeRedHost | null = null;
  let accepting = true;
  let missing: string[] = [];
  /** Whoever was told that the site is well must not be sent away by its editor or a flow's own address. */
  let whole = false;

  const api = createApi({
    services: consoleServices({
      site,
      demo,
      version,
      editorPath: headless ? null : EDITOR_PATH,
      flows: async () => (await flows?.flows()) ?? [],
      clock: systemClock,
    }),
    auth,
    clock: systemClock,
    log,
    sessionMs: config.sessionHours * 3_600_000,
  });
  const ingest = createIngest({
    resolve(token) {
      const deviceId = site.tokens.resolve(token);
      const device = deviceId === null ? undefined : site.flow.device(deviceId);
      return device ? { deviceId: device.id, pushFrom: device.pushFrom, rules: site.pushRules(device.id) } : null;
    },
    push: (deviceId, request) => site.push(deviceId, request),
    ready: () => accepting && site.isLive(),
    maxBytes: config.ingestMaxBytes,
    ratePerSecond: config.ingestRatePerSecond,
    clock: systemClock,
    log,
    answered: (answer) => metrics.ingestAnswered(answer),
  });
  const health = createHealth({
    version,
    clock: systemClock,
    parts: {
      flows: () =>
        missing.length > 0
          ? { ok: false, detail: `The flow has nodes of unknown types: ${missing.join(', ')}` }
          : { ok: whole, detail: whole ? 'running' : 'starting' },
      queue: async () => {
        const { warnings, answers, ...facts } = await site.executor.health();
        return { ok: answers, detail: warnings.join('. ') || 'running', facts };
      },
      record: createRecordHealth(site.store, systemClock, log),
      // Meant, so no failure; whoever watches the site must still see that nothing is done.
      actions: () => {
        const { on, who, since, held } = site.dryRun.state();
        const detail = on ? 'dry run: nothing is sent and nothing driven' : 'acting';
        return { ok: true, detail, facts: { dryRun: on, ...(on ? { since, who, held } : {}) } };
      },
    },
  });
  http.mount({
    api: api.handle,
    answer: createAnswerPages({ links: site.reach.answers, siteName: config.siteName, clock: systemClock, log }),
    ingest: (request, response, { peer }) => ingest.handle(request, response, peer),
    health,
    metrics: metrics.handle,
  });

  const limits = {
    eventDays: config.retentionEventDays,
    maxEvents: config.retentionMaxEvents,
    mediaDays: config.retentionMediaDays,
    mediaBytes: config.retentionMediaBytes,
  };
  const pruning = systemClock.every(
    PRUNE_EVERY_MS,
    () => {
      site.store
        .prune(limits)
        .catch((error: unknown) => log.error('prune.failed', { error: asAlarmflowError(error).message }));
    },
    { background: true },
  );

  return {
    url,
    auth,
    /** Starts Node-RED with the editor's flows, or those of a file; resolves when the site is alive. */
    async startFlows(
      fileFlow: Awaited<ReturnType<typeof readFlowFile>> | null,
      credentials: Awaited<ReturnType<typeof readCredentialsFile>> | null,
    ): Promise<void> {
      Object.assign(process.env, demo?.environment);
      const stored = site.store.flowStorage;
      let alive: Promise<void> = Promise.resolve();
      const host = await startNodeRed({
        editor: !headless,
        userDir: join(config.data, 'node-red'),
        nodesDir: projectRoot,
        storage: fileFlow
          ? flowFileStorage(stored, fileFlow, demo || credentials ? { ...demo?.credentials, ...credentials } : null)
          : stored,
        credentialSecret: await readCredentialSecret(config.data),
        adminAuth: nodeRedAuth(auth, log, () => http.currentAddress()),
        engine: site.flow,
        log,
        onFlowsStarted() {
          missing = [];
          alive = site.flowsStarted();
          alive.catch((error: unknown) => log.error('flow.start-failed', { error: asAlarmflowError(error).message }));
        },
        onMissingTypes(types) {
          missing = types;
        },
        onDeployed: (who) =>
          writeAudit(site, systemClock, { who: who ?? 'local', action: 'flow.deploy', subject: 'flows', detail: '' }),
      });
      flows = host;
      const unknown = fileFlow ? host.missingTypes(fileFlow) : [];
      if (unknown.length > 0)
        throw userError(
          'E_UNKNOWN_NODE_TYPES',
          `The flow file ${options.flowFile} uses node types that nobody provides: ${unknown.join(', ')}. Install the modules that have them, or take these nodes out`,
        );
      const first = demo && !fileFlow && (await stored.read('flows')) === null;
      if (first) await host.deploy(await readDemoFlow(projectRoot), { credentials: demo.credentials });
      await alive;
      http.mount({ editor: host.editor, flow: host.flow });
      whole = true;
      await reportRestoredRecord(site, systemClock, log);
    },
    /** Devices are asked to come again; the nodes are closed while the engine can still keep what they ask for. */
    async stopFlows(): Promise<void> {
      accepting = false;
      await flows?.stop();
    },
    async close(): Promise<void> {
      pruning.cancel();
      unsubscribe();
      api.close();
      await http.close();
      await cliToken.remove();
    },
  };
}

/** What the configuration says of a site, but for its record. */
export function siteSettings(config: Config): Omit<SiteOptions, 'dataDir' | 'databaseUrl' | 'clock' | 'log'> {
  return {
    redisUrl: config.redisUrl,
    siteName: config.siteName,
    dryRun: config.dryRun,
    player: {
      command: config.playerCommand,
      arguments: config.playerArguments,
      sounds: config.playerSounds,
      repeat: config.playerRepeat,
    },
    uploads: {
      folders: config.uploadFolders,
      queueBytes: config.uploadQueueBytes,
      queueDays: config.uploadQueueDays,
    },
    recording: { ffmpegPath: config.ffmpegPath, mostBytes: config.recordingBytes },
    reach: reachSettings(config),
  };
}

/** What reaches people outside the console, as the configuration has it. */
function reachSettings({ publicUrl, pushContact, ...config }: Config): ReachSettings {
  const base = publicUrl?.replace(/\/+$/, '') ?? null;
  const contact = pushContact ?? (base?.startsWith('https:') ? base : null);
  return {
    answers:
      config.answerLinks && base !== null
        ? {
            publicUrl: base,
            validMs: config.answerLinkHours * 3_600_000,
            snoozeMinutes: config.answerSnoozeMinutes,
          }
        : null,
    pushContact: contact === null || contact.startsWith('https:') ? contact : `mailto:${contact}`,
  };
}

/** A demo by the person's word, or because the first start made this folder one. */
export async function demoOf(loaded: LoadedConfig, site: Site, log: Log): Promise<Demo | null> {
  const wanted = loaded.config.demo || (loaded.sources.demo === 'default' && (await isDemoSite(site.store)));
  if (!wanted) return null;
  return await startDemo({ store: site.store, announce: (message) => site.announce(message), clock: systemClock, log });
}

export async function greet(options: ServeOptions, site: Site, demo: Demo | null, url: string): Promise<void> {
  const { print } = options;
  print('');
  print(`  Console      ${url}/`);
  if (options.flowFile === null) print(`  Flow editor  ${url}${EDITOR_PATH}`);
  if (site.dryRun.isOn()) print('  DRY RUN      actions and outputs are written down and not done');
  if (demo) {
    const hall = site.flow.device(demoDevices.hall);
    print('');
    print('  Demo site: open the console and click "Thermal alarm", or push one as a camera does:');
    if (hall)
      print(
        `    curl -X POST --data-binary ${demoAlertArgument(projectRoot, process.cwd())} ${url}${await site.flow.ingestPath(demoDevices.hall)}`,
      );
  }
  print('');
  print('  Ctrl-C stops it.');
}
