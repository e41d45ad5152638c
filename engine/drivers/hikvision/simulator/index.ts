import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../../clock/clock';
import { isoTime } from '../../../clock/clock';
import { systemClock } from '../../../clock/system-clock';
import { asAlarmflowError, userError } from '../../../domain/errors';
import { type Log, silentLog } from '../../../domain/log';
import { answerControl, answerJson, type ControlDoor } from '../../simulated/control-door';
import { createFaultSwitches } from '../../simulated/faults';
import { readBody, serveHttp } from '../../simulated/http-server';
import { createLogin, type LoginCounts, type LoginKind } from '../../simulated/login';
import { createTurningHead } from '../../simulated/turning-head';
import { type AlertFormat, createAlertWriter } from './alert-writer';
import { createClockFace } from './clock-face';
import type { Resources } from './device-state';
import { type Reporter, responseStatus, xmlText } from './documents';
import { type FaultName, type Faults, faultNames } from './faults';
import { createHardware, type SimulatorModel } from './hardware';
import { createListeners, type ListenerSlot, type PushCounts } from './listeners';
import { simulatorPage } from './page';
import { createRecorder, type SimulatedCamera, type SimulatedPort } from './recorder';
import { answer } from './resources';
import { type SceneRequest, sceneOf } from './scenes';
import { createStreams } from './streams';
import { readSubscription } from './subscriptions';
import { createSwitchables, type SwitchableState } from './switchables';
import { createThermometry, type ThermalRuleState } from './thermometry';

export { faultNames } from './faults';
export { sceneNames, sceneTitles } from './scenes';
export type { FaultName, Faults, LoginKind, SceneRequest, SimulatorModel };

export interface HikvisionSimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  user?: string;
  password?: string;
  /** `thermal`: bi-spectrum camera, channel 2 is the thermal one; default. */
  model?: string;
  inputs?: number;
  outputs?: number;
  channels?: number;
  /** Of a recorder's channels, how many are analog ones in front of its cameras; default 0. */
  analogChannels?: number;
  presets?: number;
  /** Faults that are on from the start. */
  faults?: readonly string[];
  heartbeatMs?: number;
  login?: LoginKind;
  lockAfter?: number;
  lockMs?: number;
  maxStreams?: number;
  /** Has subscribeEvent; default false. */
  subscribeEvent?: boolean;
  /** The outputs switch off by themselves after this; 0: never. */
  outputPulseMs?: number;
  /** How wrong the device's clock is. */
  clockOffsetMs?: number;
  /** Time between two temperatures on their stream; default 250 ms. */
  thermometryMs?: number;
  /** IANA zone of the device's clock. */
  timeZone?: string;
  /** Milliseconds that `slow` adds to every answer. */
  slowMs?: number;
  /** Told of every command that moves an output or a preset, e.g. `output 1 on`. */
  onCommand?(command: string): void;
  clock?: Clock;
  log?: Log;
}

/** What the device is and has done. */
export interface HikvisionSimulatorState {
  model: SimulatorModel;
  outputs: { id: number; name: string; on: boolean }[];
  inputs: { id: number; name: string; active: boolean }[];
  preset: { channel: number; preset: number; at: number } | null;
  /** What a PTZ camera does by itself, e.g. `patrol 2`; null: nothing. */
  motion: string | null;
  /** Auxiliary switches that are on. */
  aux: number[];
  commands: { at: number; time: string; command: string }[];
  switches: SwitchableState;
  /** Cameras behind the recorder and their ports; empty for a camera. */
  cameras: SimulatedCamera[];
  cameraInputs: SimulatedPort[];
  cameraOutputs: SimulatedPort[];
  /** Alert streams open now, and ever opened. */
  streams: number;
  streamsOpened: number;
  /** Subscriptions among them. */
  subscriptions: { id: string; heartbeatMs: number; types: string[] | null }[];
  /** Streams of temperatures open now. */
  temperatureStreams: number;
  requests: number;
  /** Where it pushes. */
  listeners: ListenerSlot[];
  pushes: PushCounts;
  logins: LoginCounts;
  faults: FaultName[];
}

export interface HikvisionSimulator {
  /** `http://127.0.0.1:port` */
  url: string;
  port: number;
  state(): HikvisionSimulatorState;
  /** Reports an event on all streams and to all listeners; resolves when the streams have it and the posts are done. */
  fire(request: SceneRequest): Promise<void>;
  /** Sends any text as an alert, as it is. */
  fireRaw(text: string, pictures?: Buffer[]): void;
  /** Sends alerts to this address as well (HTTP listening). */
  addListener(url: string, format?: AlertFormat): void;
  /** Changes an alarm input without reporting it. */
  setInput(input: number, active: boolean): void;
  setPassword(password: string): void;
  /** Takes a camera of the recorder away, or brings it back. */
  setCamera(channel: number, online: boolean, reason?: string): void;
  /** What a measuring rule of the thermal camera sees, °C. */
  setTemperature(rule: number, values: Partial<Omit<ThermalRuleState, 'id'>>): void;
  /** Ends the streams of temperatures. */
  cutTemperatures(): void;
  /** Deletes a camera from the recorder. */
  removeCamera(channel: number): void;
  /** Ends every open stream; `hard` resets the connection. */
  cutStreams(hard?: boolean): void;
  unlock(): void;
  faults: Faults;
  close(): Promise<void>;
}

const MODELS: readonly SimulatorModel[] = ['thermal', 'camera', 'nvr'];
const BACKLOG = 50;

/** Starts a simulated ISAPI device on a real socket. Throws `E_BAD_PARAMETER` (user) for a model it doesn't know. */
export async function startHikvisionSimulator(options: HikvisionSimulatorOptions = {}): Promise<HikvisionSimulator> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLog;
  const model = modelOf(options.model);
  const host = options.host ?? '127.0.0.1';
  let port = options.port ?? 0;
  let requests = 0;
  let streamsOpened = 0;
  const spent = new Set<string>();
  const backlog: { request: SceneRequest; at: number }[] = [];
  const repeats = new Map<string, number>();
  const ends = new AbortController();

  const faults = createFaultSwitches(faultNames, options.faults ?? [], (name, on) => {
    if (on) spent.clear();
    if (name === 'no-heartbeat' || name === 'fast-heartbeat') streams.heartbeatChanged();
  });
  const hardware = createHardware({
    outputs: options.outputs ?? 2,
    inputs: options.inputs ?? 2,
    presets: options.presets ?? (model === 'nvr' ? 0 : 16),
    pulseMs: options.outputPulseMs ?? 0,
    onCommand: options.onCommand,
    clock,
    head: createTurningHead({
      clock,
      isStuck: () => faults.has('ptz-stuck'),
      isSlow: () => faults.has('ptz-slow'),
    }),
  });
  const login = createLogin({
    kind: options.login ?? 'md5',
    user: options.user ?? 'admin',
    password: options.password ?? 'simulated1',
    realm: 'IP Camera(SIM01)',
    lockAfter: options.lockAfter ?? 5,
    lockMs: options.lockMs ?? 30 * 60_000,
    clock,
    faults,
  });
  const listeners = createListeners(faults, clock, log);
  const channels = options.channels ?? { thermal: 2, camera: 1, nvr: 8 }[model];
  const serialNumber = `SIM-${model.toUpperCase()}20260101AAWR000000001`;
  const macAddress = '02:00:5e:00:53:01';

  const recorder =
    model === 'nvr' ? createRecorder(channels - (options.analogChannels ?? 0), options.analogChannels ?? 0) : null;
  const channelName = (channel: number): string =>
    recorder?.cameras.find((c) => c.channel === channel)?.name ??
    (model === 'thermal' && channel === 2 ? 'Thermal' : `Camera ${channel}`);

  const reporter = (): Reporter => ({
    ipAddress: host,
    port,
    macAddress,
    serialNumber,
    channelName: (channel) => (faults.has('no-channel-name') ? '' : channelName(channel)),
    thermalChannel: model === 'thermal' ? 2 : 1,
    channelNumbers(channel) {
      // Behind analog channels the first camera is 33.
      const number = faults.has('ip-channels-from-33') ? channel - (recorder?.analog ?? 0) + 32 : channel;
      if (faults.has('dyn-channel-only')) return { channelID: '', dynChannelID: number };
      return { dynChannelID: model === 'thermal' && channel === 2 ? channel : undefined, channelID: number };
    },
    cameraInputsFrom: recorder ? 101 : undefined,
  });

  const face = createClockFace(clock, faults, options.timeZone ?? null, options.clockOffsetMs ?? 0);
  const writer = createAlertWriter({ faults, face, eol: model === 'nvr' ? '\n' : '\r\n', reporter });

  const streams = createStreams({
    faults,
    clock,
    heartbeatMs: options.heartbeatMs ?? 10_000,
    maxStreams: options.maxStreams ?? 3,
    heartbeat: writer.heartbeat,
    backlog: () => backlog.map(({ request, at }) => writer.alert({ ...request, at }, 1)),
    dateHeader: face.httpDate,
  });

  const thermometry =
    model === 'thermal' ? createThermometry(faults, clock, options.thermometryMs ?? 250, face.httpDate) : null;

  const switchables = createSwitchables(channels, clock);

  function setInput(id: number, active: boolean): void {
    const ofCamera = recorder?.inputs.find((p) => p.id === id);
    if (ofCamera) ofCamera.on = active;
    else hardware.setInput(id, active);
  }

  function emit(request: SceneRequest): Promise<void> {
    const scene = sceneOf(request.scene);
    const key = `${scene?.eventType}:${request.channel}:${request.input}:${request.rule}`;
    const state = request.state ?? 'active';
    const count = request.repeat ?? (repeats.get(key) ?? 0) + (state === 'active' ? 1 : 0);
    const alert = writer.alert(request, count);
    if (state === 'active') repeats.set(key, count);
    else repeats.delete(key);
    if (scene?.body === 'input') setInput(request.input ?? 1, state === 'active');
    backlog.push({ request, at: request.at ?? clock.now() });
    if (backlog.length > BACKLOG) backlog.shift();
    streams.send(alert, scene?.eventType);
    return listeners.postAll((slot) => writer.alert(request, count, slot.format), scene?.eventType ?? request.scene);
  }

  async function fire(request: SceneRequest): Promise<void> {
    if (request.lastMs === undefined) return emit(request);
    const { lastMs, ...once } = request;
    const posts = [emit({ ...once, state: 'active' })];
    for (let left = Math.min(lastMs, 3_600_000); left > 0; left -= 1_000) {
      await clock.sleep(Math.min(1_000, left), ends.signal);
      if (left > 1_000) posts.push(emit({ ...once, state: 'active', pictures: 0 }));
    }
    posts.push(emit({ ...once, state: 'inactive', pictures: 0 }));
    await Promise.all(posts);
  }

  const resources: Resources = {
    model,
    channels,
    serialNumber,
    macAddress,
    hardware,
    recorder,
    thermometry,
    switchables,
    subscribes: options.subscribeEvent === true,
    channelName,
    command: hardware.command,
    faults,
    listeners,
    spent,
    localTime: () => face.text(),
    setTime: face.set,
    test: (slot: ListenerSlot) => {
      listeners.post(slot, writer.heartbeat(), 'videoloss').catch((error: unknown) => {
        log.warn('simulator.listener-test-failed', { reason: asAlarmflowError(error).message });
      });
    },
  };

  const state = (): HikvisionSimulatorState => ({
    model,
    outputs: hardware.outputs.map((o) => ({ ...o })),
    inputs: hardware.inputs.map((i) => ({ ...i })),
    preset: hardware.preset,
    motion: hardware.motion,
    aux: [...hardware.aux],
    switches: structuredClone({
      siren: switchables.siren,
      lights: switchables.lights,
      external: switchables.external,
      recording: switchables.recording,
      hubSirens: switchables.hubSirens,
    }),
    cameras: recorder?.cameras.map((c) => ({ ...c })) ?? [],
    cameraInputs: recorder?.inputs.map((p) => ({ ...p })) ?? [],
    cameraOutputs: recorder?.outputs.map((p) => ({ ...p })) ?? [],
    commands: hardware.commands.map((c) => ({ ...c, time: isoTime(c.at).slice(11, 19) })),
    streams: streams.count(),
    subscriptions: streams.subscriptions().map(({ id, heartbeatMs, types }) => ({ id, heartbeatMs, types })),
    temperatureStreams: thermometry?.streams() ?? 0,
    streamsOpened,
    requests,
    listeners: listeners.slots(),
    pushes: listeners.counts(),
    logins: login.counts(),
    faults: faults.list(),
  });

  const orders: ControlDoor['orders'] = {
    fire: (value) => fire({ ...value, scene: String(value.scene) } as SceneRequest),
    cut: (value) => streams.cut(value.hard === true),
  };

  function refuse(response: ServerResponse, challenges: string[], path: string): void {
    const { lockedUntil } = login.counts();
    const body = /userCheck$/.test(path)
      ? xmlText('userCheck', {
          statusValue: 401,
          statusString: 'Unauthorized',
          lockStatus: lockedUntil === null ? 'unlock' : 'lock',
          unlockTime: lockedUntil === null ? 0 : Math.ceil((lockedUntil - clock.now()) / 1000),
          retryLoginTime: login.remainingTries(),
        })
      : responseStatus(path, 4, 'Invalid Operation', 'badAuthorization');
    if (faults.has('drop-401-body') && response.socket) {
      // The answer announces more than it sends and leaves the connection hanging.
      response.socket.write(
        `HTTP/1.1 401 Unauthorized\r\n${challenges.map((c) => `WWW-Authenticate: ${c}\r\n`).join('')}` +
          `Content-Type: application/xml\r\nContent-Length: ${body.length + 500}\r\n\r\n${body}`,
      );
      return;
    }
    response.writeHead(401, { 'WWW-Authenticate': challenges, 'Content-Type': 'application/xml' }).end(body);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests++;
    response.sendDate = false;
    if (!faults.has('no-date-header')) response.setHeader('Date', face.httpDate());
    const url = request.url ?? '/';
    const path = url.split('?', 1)[0] ?? '/';
    if (!path.startsWith('/sim/') && (faults.has('not-isapi') || faults.has('isapi-off'))) {
      const own = faults.has('isapi-off');
      const page = own
        ? '<html><script src="/doc/script/lib/seajs/config/sea-config.js"></script></html>'
        : '<html>Router</html>';
      response.setHeader('Content-Type', 'text/html');
      if (own && path === '/') response.writeHead(302, { Location: '/doc/page/login.asp' }).end();
      else response.writeHead(own && path.startsWith('/ISAPI') ? 404 : 200).end(page);
      return;
    }
    if (path === '/' && request.method === 'GET') {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(simulatorPage(model));
      return;
    }
    if (path === '/sim/tick') {
      await clock.sleep(1_000, ends.signal);
      return answerJson(response, 200, {});
    }
    if (path.startsWith('/sim/')) return answerControl(request, response, { state, faults, orders });
    // Half-open: the device is gone but nobody told the other side.
    if (faults.has('half-open')) return;
    const body = await readBody(request);
    if (faults.has('slow')) await clock.sleep(options.slowMs ?? 3_000, ends.signal);
    const verdict = login.check(request);
    if (verdict.kind === 'refused') return refuse(response, verdict.challenges, path);
    if (verdict.kind === 'forbidden') {
      response
        .writeHead(403, { 'Content-Type': 'application/xml' })
        .end(responseStatus(url, 4, 'Invalid Operation', 'badAuthorization'));
      return;
    }
    const streamPath = faults.has('old-path')
      ? '/Event/notification/alertStream'
      : '/ISAPI/Event/notification/alertStream';
    if (path === streamPath && request.method === 'GET') return openStream(url, request, response);
    if (options.subscribeEvent && path === '/ISAPI/Event/notification/subscribeEvent' && request.method === 'POST') {
      subscribe(url, body, request, response);
      return;
    }
    const thermal = /^\/ISAPI\/Thermal\/channels\/(\d+)\/thermometry\/realTimethermometry\/rules$/.exec(path);
    if (thermal && request.method === 'GET') return openTemperatures(Number(thermal[1]), url, request, response);
    const result = answer({ method: request.method ?? 'GET', path, url, body }, resources);
    response.writeHead(result.status, {
      'Content-Type': result.type,
      'Content-Length': Buffer.byteLength(result.body),
    });
    response.end(result.body);
  }

  function openStream(url: string, request: IncomingMessage, response: ServerResponse): void {
    streamsOpened++;
    if (faults.has('stream-401')) {
      refuse(response, [`Digest qop="auth", realm="door", nonce="d00r${streamsOpened}"`], url);
      return;
    }
    if (faults.has('no-right-to-events')) {
      response
        .writeHead(403, { 'Content-Type': 'application/xml' })
        .end(responseStatus(url, 4, 'Invalid Operation', 'lowPrivilege'));
      return;
    }
    if (faults.has('503-stream') || streams.isFull()) {
      response
        .writeHead(503, { 'Content-Type': 'application/xml' })
        .end(responseStatus(url, 2, 'Device Busy', 'deviceBusy'));
      return;
    }
    if (faults.has('error-in-200-stream')) {
      response
        .writeHead(200, { 'Content-Type': 'application/xml' })
        .end(responseStatus(url, 4, 'Invalid Operation', 'notSupport'));
      return;
    }
    streams.open(request.socket);
  }

  function subscribe(url: string, body: Buffer, request: IncomingMessage, response: ServerResponse): void {
    streamsOpened++;
    const no = (http: number, code: number, sub: string): void => {
      response.writeHead(http, { 'Content-Type': 'application/xml' }).end(responseStatus(url, code, 'Refused', sub));
    };
    const wanted = readSubscription(body);
    if (faults.has('subscribe-refused')) no(403, 4, 'notSupport');
    else if (faults.has('subscribe-error-in-200')) no(200, 4, 'notSupport');
    else if (faults.has('subscribe-busy') || streams.isFull()) no(503, 2, 'deviceBusy');
    else if (!wanted) no(400, 6, 'badXmlContent');
    else subscribed(wanted, request);
  }

  function subscribed(wanted: NonNullable<ReturnType<typeof readSubscription>>, request: IncomingMessage): void {
    const id = String(streamsOpened);
    if (faults.has('subscribe-barren')) {
      request.socket.end('HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=boundary\r\n\r\n');
      return;
    }
    const first = xmlText('SubscribeEventResponse', { id });
    streams.open(request.socket, {
      id,
      ...wanted,
      first: { text: first, contentType: 'application/xml', pictures: [] },
      heartbeat: writer.subscriptionHeartbeat,
    });
  }

  function openTemperatures(channel: number, url: string, request: IncomingMessage, response: ServerResponse): void {
    const works = !faults.has('no-thermometry-stream') && !faults.has('thermometry-error-in-200');
    if (thermometry?.has(channel) && works) {
      thermometry.open(request.socket);
      return;
    }
    response
      .writeHead(faults.has('thermometry-error-in-200') ? 200 : 403, { 'Content-Type': 'application/xml' })
      .end(responseStatus(url, 4, 'Invalid Operation', 'notSupport'));
  }

  const server = await serveHttp({ host, port, answer: handle, ends: ends.signal, log });
  port = server.port;

  return {
    url: server.url,
    port,
    state,
    fire,
    fireRaw(text, pictures = []) {
      const contentType = /^\s*[[{]/.test(text) ? 'application/json' : 'application/xml';
      streams.send({ text, contentType, pictures });
    },
    addListener(url, format = 'XML') {
      const { hostname, port: listenerPort, pathname, search } = new URL(url);
      const slots = listeners.slots();
      const slot = {
        id: slots.length + 1,
        host: hostname,
        port: Number(listenerPort || 80),
        path: pathname + search,
        format,
      };
      listeners.set([...slots, slot]);
    },
    setInput,
    setPassword: login.setPassword,
    setCamera(channel, online, reason = 'netUnreachable') {
      const camera = recorder?.cameras.find((c) => c.channel === channel);
      if (camera) Object.assign(camera, { online, reason });
    },
    setTemperature(rule, values) {
      Object.assign(thermometry?.rules.find((r) => r.id === rule) ?? {}, values);
    },
    cutTemperatures: () => thermometry?.cut(),
    removeCamera(channel) {
      if (recorder) recorder.cameras = recorder.cameras.filter((c) => c.channel !== channel);
    },
    cutStreams: (hard) => streams.cut(hard),
    unlock: () => login.unlock(),
    faults,
    async close() {
      ends.abort(userError('E_CLOSED', 'The simulated device is being stopped'));
      streams.close();
      thermometry?.close();
      switchables.close();
      hardware.close();
      await server.close();
    },
  };
}

function modelOf(name: string | undefined): SimulatorModel {
  const model = MODELS.find((m) => m === (name ?? 'thermal'));
  if (model) return model;
  throw userError('E_BAD_PARAMETER', `There is no model "${name}"; the simulated device can be: ${MODELS.join(', ')}`);
}
