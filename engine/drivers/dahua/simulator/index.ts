import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../../clock/clock';
import { systemClock } from '../../../clock/system-clock';
import { userError } from '../../../domain/errors';
import { type Log, silentLog } from '../../../domain/log';
import { answerControl, type ControlDoor } from '../../simulated/control-door';
import { createFaultSwitches } from '../../simulated/faults';
import { serveHttp } from '../../simulated/http-server';
import { createLogin, type LoginCounts, type LoginKind } from '../../simulated/login';
import { createTurningHead } from '../../simulated/turning-head';
import { natureOf } from '../codes';
import { createConfigStore } from './config-store';
import { createEventWriter, type EventRequest, logTime } from './event-writer';
import { type FaultName, type Faults, faultNames } from './faults';
import { createHardware, type SimulatorModel } from './hardware';
import { answer, outputIsOn, type Resources } from './resources';
import { createStreams } from './streams';

export type { EventRequest } from './event-writer';
export type { FaultName, Faults } from './faults';
export { faultNames } from './faults';
export type { SimulatorModel } from './hardware';

export interface DahuaSimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  user?: string;
  password?: string;
  /** `nvr` (default): recorder of 4 channels; `camera`: with light and siren; `thermal`: channel 2 measures. */
  model?: string;
  channels?: number;
  inputs?: number;
  outputs?: number;
  presets?: number;
  /** Faults that are on from the start. */
  faults?: readonly string[];
  login?: LoginKind;
  lockAfter?: number;
  lockMs?: number;
  maxStreams?: number;
  /** Length of the second that the client's `heartbeat=` counts in; default 1,000. */
  secondMs?: number;
  /** After this the siren falls silent by itself; default 10,000. */
  sirenMs?: number;
  /** IANA zone of the device's clock. */
  timeZone?: string;
  /** Milliseconds that `slow` adds to every answer, and `slow-snapshot` to pictures. */
  slowMs?: number;
  /** Where every request is sent by a redirect instead of an answer, e.g. `https://127.0.0.1:8443`. */
  redirectTo?: string;
  /** Told of every command that changes something. */
  onCommand?(command: string): void;
  clock?: Clock;
  log?: Log;
}

/** What the device is and has done. */
export interface DahuaSimulatorState {
  model: SimulatorModel;
  /** Numbered from 0, as the device does. */
  outputs: { id: number; on: boolean; mode: string }[];
  inputs: { id: number; active: boolean }[];
  /** Mode of recording by channel: 0 auto, 1 manual, 2 off. */
  recordModes: string[];
  light: boolean;
  siren: boolean;
  sirenStarts: number;
  preset: { channel: number; preset: number } | null;
  /** What a PTZ camera does by itself, e.g. `tour 2`; null: nothing. */
  motion: string | null;
  /** Auxiliary switches that are on. */
  aux: number[];
  commands: { at: number; time: string; command: string }[];
  /** Event streams open now, and ever opened. */
  streams: number;
  streamsOpened: number;
  /** Requests so far, and their newest targets. */
  requests: number;
  targets: string[];
  logins: LoginCounts & { challenges: number };
  faults: FaultName[];
}

export interface DahuaSimulator {
  /** `http://127.0.0.1:port` */
  url: string;
  port: number;
  state(): DahuaSimulatorState;
  /** Reports an event on all streams and keeps its state for getEventIndexes. */
  fire(request: EventRequest): void;
  /** Sends any text as the body of a part, as it is. */
  fireRaw(text: string): void;
  /** Changes an alarm input, counted from 0; reports it unless told not to. */
  setInput(input: number, active: boolean, report?: boolean): void;
  setPassword(password: string): void;
  /** What the thermal channel measures from now on, °C. */
  setTemperature(celsius: number): void;
  /** Says what holds without reporting it: the active indexes of a code. */
  setActive(code: string, indexes: number[]): void;
  /** A setting of the device, as a person would change it there; false where it has none of the name. */
  setConfig(name: string, value: string): boolean;
  /** Ends every open stream; `hard` resets the connection. */
  cutStreams(hard?: boolean): void;
  unlock(): void;
  faults: Faults;
  close(): Promise<void>;
}

const MODELS: readonly SimulatorModel[] = ['nvr', 'camera', 'thermal'];
const BACKLOG = 50;

/** Starts a simulated device on a real socket. Throws `E_BAD_PARAMETER` (user) for a model it doesn't know. */
export async function startDahuaSimulator(options: DahuaSimulatorOptions = {}): Promise<DahuaSimulator> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLog;
  const model = modelOf(options.model);
  const host = options.host ?? '127.0.0.1';
  const channels = options.channels ?? { nvr: 4, camera: 1, thermal: 2 }[model];
  const outputs = options.outputs ?? 2;
  const ends = new AbortController();
  const spent = new Set<FaultName>();
  const backlog: EventRequest[] = [];
  const targets: string[] = [];
  const holding = new Map<string, Set<number>>();
  let requests = 0;
  let challenges = 0;
  let streamsOpened = 0;

  const faults = createFaultSwitches(faultNames, options.faults ?? [], (name, on) => {
    if (on) spent.clear();
    applySetting(name, on);
  });
  const config = createConfigStore({
    channels,
    inputs: options.inputs ?? 4,
    outputs,
    thermal: model === 'thermal',
    named: !faults.has('names-missing'),
  });
  const applySetting = (name: FaultName, on: boolean): void => {
    if (name === 'events-disabled') config.set([['DisableEventNotify.Enable', String(on)]]);
    // Contacts that are closed at rest, and whose state is read as it is.
    if (name === 'inverted-inputs')
      for (let i = 0; i < (options.inputs ?? 4); i++) config.set([[`Alarm[${i}].SensorType`, on ? 'NC' : 'NO']]);
    if (name === 'sensor-type-missing' && on)
      for (let i = 0; i < (options.inputs ?? 4); i++) config.drop(`Alarm[${i}].SensorType`);
    if (name === 'motion-off') config.set([['MotionDetect[0].Enable', String(!on)]]);
  };
  for (const name of faults.list()) applySetting(name, true);
  const hardware = createHardware({
    inputs: options.inputs ?? 4,
    presets: options.presets ?? 8,
    clock,
    head: createTurningHead({
      clock,
      isStuck: () => faults.has('ptz-stuck'),
      isSlow: () => faults.has('ptz-slow'),
    }),
    sirenMs: options.sirenMs,
    onCommand: options.onCommand,
  });
  const writer = createEventWriter({ faults, clock, timeZone: options.timeZone ?? null });
  const login = createLogin({
    kind: options.login ?? 'md5',
    user: options.user ?? 'admin',
    password: options.password ?? 'simulated1',
    realm: options.login === 'basic' ? 'Device_CGI' : 'Login to 6F00SIM0PAZ00001',
    lockAfter: options.lockAfter ?? 5,
    lockMs: options.lockMs ?? 30 * 60_000,
    clock,
    faults: { has: (name) => faults.list().some((f) => f === name) },
  });
  const streams = createStreams({
    faults,
    clock,
    secondMs: options.secondMs ?? 1_000,
    maxStreams: options.maxStreams ?? 4,
    backlog: () => backlog.map((request) => writer.body(request)),
  });
  const resources: Resources = {
    model,
    channels,
    outputs,
    serialNumber: '6F00SIM0PAZ00001',
    faults,
    config,
    hardware,
    writer,
    active: (code) => [...(holding.get(code) ?? [])],
    spent,
  };

  function fire(request: EventRequest): void {
    const { code, action = 'Start', index = 0 } = request;
    const indexes = holding.get(code) ?? new Set();
    if (action === 'Start') indexes.add(index);
    if (action === 'Stop') indexes.delete(index);
    holding.set(code, indexes);
    if (code === 'AlarmLocal' && index < hardware.inputs.length && action !== 'Pulse')
      hardware.inputs[index] = action === 'Start';
    // What is stored was written at its time.
    backlog.push({ ...request, at: request.at ?? clock.now() });
    if (backlog.length > BACKLOG) backlog.shift();
    streams.send(writer.body(request));
  }

  const state = (): DahuaSimulatorState => ({
    model,
    outputs: Array.from({ length: outputs }, (_, id) => ({
      id,
      on: outputIsOn(id, resources),
      mode: config.get(`AlarmOut[${id}].Mode`) ?? '',
    })),
    inputs: hardware.inputs.map((active, id) => ({ id, active })),
    recordModes: Array.from({ length: channels }, (_, i) => config.get(`RecordMode[${i}].Mode`) ?? ''),
    light: hardware.light,
    siren: hardware.siren,
    sirenStarts: hardware.sirenStarts,
    preset: hardware.preset && { channel: hardware.preset.channel, preset: hardware.preset.preset },
    motion: hardware.motion,
    aux: [...hardware.aux],
    commands: hardware.commands.map((c) => ({ ...c, time: logTime(c.at) })),
    streams: streams.count(),
    streamsOpened,
    requests,
    targets: [...targets],
    logins: { ...login.counts(), challenges },
    faults: faults.list(),
  });

  function refuse(response: ServerResponse, list: string[], counted: boolean): void {
    challenges++;
    if (counted && faults.has('authority-in-200')) {
      response.writeHead(200, { 'Content-Type': 'text/plain' }).end('Error\r\nInvalid Authority!\r\n');
      return;
    }
    const { lockedUntil } = login.counts();
    const locked = lockedUntil !== null && faults.has('lock-words');
    const left = lockedUntil === null ? 0 : Math.ceil((lockedUntil - clock.now()) / 1000);
    const body = locked ? `Error\r\nAccount is locked, remaining ${left} s\r\n` : 'Error\r\nInvalid Authority!\r\n';
    if (faults.has('drop-401-body') && response.socket) {
      // The answer announces more than it sends and leaves the connection hanging.
      response.socket.write(
        `HTTP/1.1 401 Unauthorized\r\n${list.map((c) => `WWW-Authenticate: ${c}\r\n`).join('')}` +
          `Content-Type: text/plain\r\nContent-Length: ${body.length + 500}\r\n\r\n${body}`,
      );
      return;
    }
    response.writeHead(401, { 'WWW-Authenticate': list, 'Content-Type': 'text/plain' }).end(body);
  }

  function setInput(input: number, active: boolean, report = true): void {
    if (!Number.isInteger(input) || input < 0 || input >= hardware.inputs.length)
      throw userError('E_BAD_PARAMETER', `There is no alarm input ${input}; they count from 0`);
    hardware.inputs[input] = active;
    const holds = holding.get('AlarmLocal') ?? new Set();
    if (active) holds.add(input);
    else holds.delete(input);
    holding.set('AlarmLocal', holds);
    if (report) fire({ code: 'AlarmLocal', action: active ? 'Start' : 'Stop', index: input });
  }

  const setTemperature = (celsius: number): void => {
    if (!Number.isFinite(celsius)) throw userError('E_BAD_PARAMETER', 'Give the temperature in °C as a number');
    hardware.celsius = celsius;
  };

  const orders: ControlDoor['orders'] = {
    temperature: (value) => setTemperature(Number(value.celsius)),
    fire: (value) => fire(eventOf(value)),
    input: (value) => setInput(Number(value.input), value.active === true),
    cut: (value) => streams.cut(value.hard === true),
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests++;
    const url = request.url ?? '/';
    targets.push(url);
    if (targets.length > 200) targets.shift();
    const path = url.split('?', 1)[0] ?? '/';
    if (path.startsWith('/sim/')) return answerControl(request, response, { state, faults, orders });
    // Half-open: the device is gone but nobody told the other side.
    if (faults.has('half-open')) return;
    if (options.redirectTo !== undefined) {
      response.writeHead(302, { Location: `${options.redirectTo}${url}` }).end();
      return;
    }
    if (faults.has('connection-close')) response.setHeader('Connection', 'close');
    if (faults.has('slow')) await clock.sleep(options.slowMs ?? 3_000, ends.signal);
    const verdict = login.check(request);
    if (verdict.kind === 'refused') return refuse(response, verdict.challenges, verdict.counted);
    if (verdict.kind === 'forbidden') {
      response.writeHead(403, { 'Content-Type': 'text/plain' }).end('Error\r\nForbidden\r\n');
      return;
    }
    const program = /^\/cgi-bin\/(\w{1,40})\.cgi$/.exec(path)?.[1] ?? '';
    const refused = refusesBrackets(url);
    const query = queryOf(url);
    if (program === 'eventManager' && faults.has('no-event-rights')) {
      response.writeHead(403, { 'Content-Type': 'text/plain' }).end('Error\r\nNo permission!\r\n');
      return;
    }
    if (!refused && program === 'eventManager' && query.get('action') === 'attach')
      return attach(query, request, response);
    if (program === 'snapshot' && faults.has('slow-snapshot')) await clock.sleep(options.slowMs ?? 3_000, ends.signal);
    const { status, type, body } = refused
      ? { status: 400, type: 'text/plain', body: 'Error\r\nBad Request!\r\n' }
      : answer(program, query, resources);
    response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  }

  const refusesBrackets = (url: string): boolean =>
    (faults.has('raw-brackets-only') && /%5b|%5d/i.test(url)) ||
    (faults.has('encoded-brackets-only') && /[[\]]/.test(url));

  /** Why the device serves no stream, or null. */
  function streamRefusal(query: ReadonlyMap<string, string>): [number, string] | null {
    if (faults.has('503-stream') || streams.isFull()) return [503, 'Too many connections'];
    if (faults.has('error-in-200-stream')) return [200, 'Not supported'];
    const beats = query.has('heartbeat') || query.has('keepalive');
    const unreadable = !/^\[[\w,]+\]$/.test(query.get('codes') ?? '');
    return unreadable || (beats && faults.has('refuse-heartbeat-parameter')) ? [400, 'Bad Request!'] : null;
  }

  function attach(query: ReadonlyMap<string, string>, request: IncomingMessage, response: ServerResponse): void {
    streamsOpened++;
    const refusal = streamRefusal(query);
    if (refusal) {
      response.writeHead(refusal[0], { 'Content-Type': 'text/plain' }).end(`Error\r\n${refusal[1]}\r\n`);
      return;
    }
    const alive = query.get('keepalive');
    const told = faults.has('keepalive-only') ? alive : (query.get('heartbeat') ?? alive);
    const seconds = Number(told);
    streams.open(request.socket, told !== undefined && seconds >= 1 && seconds <= 60 ? seconds : null);
  }

  const server = await serveHttp({ host, port: options.port ?? 0, answer: handle, ends: ends.signal, log });

  return {
    url: server.url,
    port: server.port,
    state,
    fire,
    fireRaw: (text) => streams.send(text),
    setInput,
    setPassword: login.setPassword,
    setTemperature,
    setActive: (code, indexes) => {
      holding.set(code, new Set(indexes));
    },
    setConfig: (name, value) => config.set([[name, value]]),
    cutStreams: (hard) => streams.cut(hard),
    unlock: () => login.unlock(),
    faults,
    async close() {
      ends.abort(userError('E_CLOSED', 'The simulated device is being stopped'));
      streams.close();
      hardware.close();
      await server.close();
    },
  };
}

function modelOf(name: string | undefined): SimulatorModel {
  const model = MODELS.find((m) => m === (name ?? 'nvr'));
  if (model) return model;
  throw userError('E_BAD_PARAMETER', `There is no model "${name}"; the simulated device can be: ${MODELS.join(', ')}`);
}

/** Names and values of a request target; the first of a name counts. */
function queryOf(url: string): Map<string, string> {
  const query = new Map<string, string>();
  const at = url.indexOf('?');
  if (at < 0) return query;
  for (const pair of url.slice(at + 1).split('&')) {
    const equals = pair.indexOf('=');
    const name = unescaped(equals < 0 ? pair : pair.slice(0, equals));
    if (name !== '' && !query.has(name)) query.set(name, unescaped(equals < 0 ? '' : pair.slice(equals + 1)));
  }
  return query;
}

/** Unlike a form, the device takes a plus sign for one. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray percent sign stands for itself.
    return text;
  }
}

function eventOf(value: Record<string, unknown>): EventRequest {
  const code = String(value.code ?? '');
  if (!/^\w{1,100}$/.test(code))
    throw userError('E_BAD_PARAMETER', `"${code}" is no code; e.g. ${natureOf('VideoMotion').family}`);
  const action = (['Start', 'Stop', 'Pulse', 'State'] as const).find((a) => a === value.action);
  const data = value.data;
  return {
    code,
    action: action ?? 'Start',
    index: Number(value.index ?? 0),
    ...(typeof data === 'object' && data !== null && !Array.isArray(data) ? { data: { ...data } } : {}),
  };
}
