import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Clock } from '../../../clock/clock';
import { systemClock } from '../../../clock/system-clock';
import { AlarmflowError, operationalError, userError } from '../../../domain/errors';
import { type Log, silentLog } from '../../../domain/log';
import { answerControl, type ControlDoor } from '../../simulated/control-door';
import { createFaultSwitches } from '../../simulated/faults';
import { readBody, type SimulatedServer, serveHttp } from '../../simulated/http-server';
import { createTurningHead } from '../../simulated/turning-head';
import { child, type XmlElement } from '../../wire';
import { parseSoap } from '../answer';
import { createEventService, type EventCounts } from './events';
import { type OnvifFaultName, type OnvifFaults, onvifFaultNames } from './faults';
import { createOnvifHardware } from './hardware';
import { createOnvifLogin, type OnvifLoginKind } from './login';
import { brokenNotification, notificationXml, type OnvifMessage } from './messages';
import { answerResource } from './resources';
import { notAuthorized, type SimulatedAnswer, simulatedEnvelope } from './soap';

export type { OnvifFaultName, OnvifFaults } from './faults';
export { onvifFaultNames } from './faults';
export type { OnvifLoginKind } from './login';
export type { OnvifMessage } from './messages';

export interface OnvifSimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  user?: string;
  password?: string;
  model?: string;
  faults?: readonly string[];
  /** Default `both`. */
  login?: OnvifLoginKind;
  channels?: number;
  relays?: number;
  inputs?: number;
  presets?: number;
  /** Fall-back time of a monostable relay. */
  relayDelayMs?: number;
  /** Subscriptions at a time; default 4. */
  slots?: number;
  /** Longest life of a subscription; default 60,000 ms. */
  longestMs?: number;
  clockOffsetMs?: number;
  slowMs?: number;
  onCommand?(command: string): void;
  clock?: Clock;
  log?: Log;
}

/** What the device is and has done. */
export interface OnvifSimulatorState {
  relays: { token: string; on: boolean }[];
  inputs: { token: string; active: boolean }[];
  position: { channel: number; preset: string } | null;
  /** What a PTZ camera does by itself, e.g. `tour Tour_2`; null: nothing. */
  motion: string | null;
  wiper: boolean;
  recording: boolean;
  lamp: boolean;
  commands: string[];
  subscriptions: number;
  /** Where the standing subscriptions that notify do so. */
  consumers: string[];
  events: EventCounts;
  /** Requests by the name of their SOAP body. */
  requests: Record<string, number>;
  logins: { accepted: number; refused: number };
  webLogins: { accepted: number; refused: number };
  pushes: { ok: number; failed: number };
  faults: OnvifFaultName[];
}

export interface OnvifSimulator {
  /** `http://127.0.0.1:port` */
  url: string;
  port: number;
  state(): OnvifSimulatorState;
  /** Sends a message to all subscriptions; a property keeps its state for the next synchronisation. */
  fire(message: OnvifMessage): void;
  /** Sends any text where a NotificationMessage is due. */
  fireRaw(notification: string): void;
  setInput(token: string, active: boolean): void;
  /** As somebody else does; false: there is no such relay. */
  switchRelay(token: string, on: boolean): boolean;
  setClockOffset(ms: number): void;
  setPassword(password: string): void;
  /** Forgets every subscription, as a device does that was restarted quickly. */
  forgetSubscriptions(): void;
  /** Goes away for a while with everything it had open. */
  reboot(downMs: number): Promise<void>;
  faults: OnvifFaults;
  close(): Promise<void>;
}

const PICTURE = Buffer.from('ffd8ffe000104a46494600010100000100010000ffdb0043000101ffd9', 'hex');
/** Calls that need no login (ONVIF Core, access class PRE_AUTH). */
const anonymous = new Set(['GetSystemDateAndTime', 'GetServices', 'GetCapabilities', 'GetServiceCapabilities']);

/** Starts a simulated ONVIF device on a real socket. Throws `E_UNKNOWN_FAULT` (user). */
export async function startOnvifSimulator(options: OnvifSimulatorOptions = {}): Promise<OnvifSimulator> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLog;
  const host = options.host ?? '127.0.0.1';
  const kind = options.login ?? 'both';
  const faults = createFaultSwitches(onvifFaultNames, options.faults ?? []);
  const user = options.user ?? 'admin';
  let password = options.password ?? 'simulated1';
  let offset = options.clockOffsetMs ?? 0;
  let port = options.port ?? 0;
  let pictureId = 1;
  const ends = new AbortController();
  const requests: Record<string, number> = {};
  const commands: string[] = [];
  const pushes = { ok: 0, failed: 0 };
  /** Properties as fired last, by topic, source and key. */
  const properties = new Map<string, OnvifMessage>();

  const deviceNow = (): number => clock.now() + offset;
  const login = createOnvifLogin({ user: () => user, password: () => password, deviceNow });
  const web = createOnvifLogin({ user: () => user, password: () => password, deviceNow });
  const told = (path: string): string => {
    if (faults.has('relative-addresses')) return path;
    if (faults.has('internal-addresses')) return `https://10.0.0.99:8999${path}`;
    const here = `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
    return faults.has('several-addresses') ? `http://[fe80::1]${path} ${here}` : here;
  };

  function fire(message: OnvifMessage): void {
    const key = JSON.stringify([message.topic, message.source, message.key]);
    if (message.operation === 'Deleted') properties.delete(key);
    else if (message.operation !== null) properties.set(key, message);
    events.send(notificationXml(message, deviceNow(), faults));
    if (faults.has('broken-message')) events.send(brokenNotification);
  }

  const hardware = createOnvifHardware(
    {
      relays: options.relays ?? 2,
      inputs: options.inputs ?? 2,
      presets: options.presets ?? 4,
      delayMs: options.relayDelayMs ?? 200,
      head: createTurningHead({
        clock,
        isStuck: () => faults.has('ptz-stuck'),
        isSlow: () => faults.has('ptz-slow'),
      }),
    },
    clock,
    ({ token, on }) => {
      if (!faults.has('no-relay-events')) fire(relayMessage(token, on));
    },
  );
  const relayMessage = (token: string, on: boolean): OnvifMessage => ({
    topic: 'Device/Trigger/Relay',
    source: { RelayToken: token },
    // A contact that is closed when idle is open while the relay is active.
    data: {
      LogicalState:
        on !== (faults.has('idle-closed') && faults.has('relay-events-tell-contact')) ? 'active' : 'inactive',
    },
  });
  const inputMessage = (token: string, active: boolean): OnvifMessage => ({
    topic: 'Device/Trigger/DigitalInput',
    source: { InputToken: token },
    data: { LogicalState: String(active !== faults.has('input-events-inverted')) },
  });
  for (const { token, active } of hardware.inputs) {
    const message = inputMessage(token, active);
    properties.set(JSON.stringify([message.topic, message.source, message.key]), message);
  }
  if (!faults.has('no-relay-events'))
    for (const { token, on } of hardware.relays) {
      const message = relayMessage(token, on);
      properties.set(JSON.stringify([message.topic, message.source, message.key]), message);
    }

  function notify(url: string, notifications: string[]): void {
    const body = simulatedEnvelope(`<wsnt:Notify>${notifications.join('')}</wsnt:Notify>`, faults);
    const outgoing = httpRequest(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/soap+xml; charset=utf-8' },
      signal: ends.signal,
    });
    outgoing.on('response', (response) => {
      response.resume();
      if (response.statusCode === 200 || response.statusCode === 202) pushes.ok++;
      else pushes.failed++;
    });
    outgoing.on('error', () => {
      pushes.failed++;
    });
    outgoing.end(body);
  }

  const events = createEventService({
    faults,
    clock,
    slots: options.slots ?? 4,
    longestMs: options.longestMs ?? 60_000,
    signal: ends.signal,
    deviceNow,
    told,
    states: () =>
      [...properties.values()].map((m) => notificationXml({ ...m, operation: 'Initialized' }, deviceNow(), faults)),
    notify,
  });

  /** null: let in. */
  function refusal(
    name: string,
    header: XmlElement | undefined,
    request: IncomingMessage,
  ): SimulatedAnswer | 'challenge' | null {
    if (
      kind === 'none' ||
      (anonymous.has(name) && !(name === 'GetSystemDateAndTime' && faults.has('clock-needs-login')))
    )
      return null;
    if (faults.has('separate-users')) return notAuthorized(faults);
    const token = kind === 'digest' ? null : login.token(header);
    if (faults.has('account-locked') && token !== null) return notAuthorized(faults, 'The account is locked');
    if (token === true) return null;
    if (token === false) return faults.has('401-without-challenge') ? { status: 401, body: '' } : notAuthorized(faults);
    if (kind !== 'token') {
      const digest = login.digest(request);
      if (digest === true) return null;
      return 'challenge';
    }
    return faults.has('401-without-challenge') ? { status: 401, body: '' } : notAuthorized(faults);
  }

  async function answerSoap(request: IncomingMessage, body: Buffer): Promise<SimulatedAnswer | 'challenge'> {
    const root = parseSoap(body);
    const header = child(root, 'Header');
    const content = child(root, 'Body')?.children[0];
    if (!content) return notAuthorized(faults, 'No body');
    requests[content.name] = (requests[content.name] ?? 0) + 1;
    const refused = refusal(content.name, header, request);
    if (refused) return refused;
    if (faults.has('manager-404') && /^(?:Renew|SetSynchronizationPoint)$/.test(content.name))
      return { status: 404, body: '' };
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const event = await events.answer(content.name, path, header, content);
    if (event) return event;
    return answerResource(content.name, path.slice(path.lastIndexOf('/') + 1), content, {
      faults,
      hardware,
      channels: options.channels ?? 1,
      model: options.model ?? 'Simulator',
      deviceNow,
      told,
      pictureId: () => pictureId,
      commanded(command) {
        commands.push(command);
        if (commands.length > 1_000) commands.shift();
        options.onCommand?.(command);
      },
    });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    if (url.startsWith('/sim/')) return answerControl(request, response, { state, faults, orders });
    const body = await readBody(request);
    if (faults.has('half-open')) return;
    if (faults.has('slow')) await clock.sleep(options.slowMs ?? 1_000, ends.signal);
    if (url.startsWith('/onvif/snapshot')) return picture(url, request, response);
    if (url.startsWith('/ISAPI/')) return webPage(request, response);
    if (faults.has('html-404') || request.method !== 'POST' || !url.startsWith('/onvif/')) {
      response.writeHead(faults.has('html-404') ? 200 : 404, { 'Content-Type': 'text/html' });
      response.end('<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><br>Not Found</body></html>');
      return;
    }
    const answer = await answerSoap(request, body);
    // Hung while a pull waited for events: that is never answered either.
    if (faults.has('half-open')) return;
    if (answer === 'challenge') {
      response
        .writeHead(401, { 'WWW-Authenticate': login.challenge(), 'Content-Type': 'text/html' })
        .end('<html>401</html>');
      return;
    }
    await write(answer, response);
  }

  async function write(answer: SimulatedAnswer, response: ServerResponse): Promise<void> {
    const isPull = answer.body.includes('PullMessagesResponse');
    const text =
      answer.body === ''
        ? ''
        : isPull && faults.spend('garbage-answer-once')
          ? '<oops'
          : simulatedEnvelope(answer.body, faults);
    const bytes = Buffer.from(text);
    const wrong = isPull && faults.has('lost-length');
    response.writeHead(answer.status, {
      'Content-Type': 'application/soap+xml; charset=utf-8',
      'Content-Length': String(bytes.length + (wrong ? 100 : 0)),
      ...(faults.has('close-after-answer') ? { Connection: 'close' } : {}),
    });
    if (faults.has('one-byte-chunks') && isPull) {
      for (const byte of bytes) {
        response.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    } else if (wrong) {
      // Announces more than it sends and hangs up.
      response.write(bytes, () => response.destroy());
    } else response.end(bytes);
  }

  function picture(url: string, request: IncomingMessage, response: ServerResponse): void {
    if (kind !== 'none' && login.digest(request) !== true) {
      response.writeHead(401, { 'WWW-Authenticate': login.challenge() }).end();
      return;
    }
    if (Number(/id=(\d+)/.exec(url)?.[1]) !== pictureId) {
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<html>404</html>');
      return;
    }
    if (faults.spend('picture-moved')) pictureId++;
    const bytes = faults.has('truncated-jpeg')
      ? PICTURE.subarray(0, 20)
      : Buffer.concat([PICTURE, Buffer.from('\r\n\0')]);
    response.writeHead(200, { 'Content-Type': 'image/jpeg' }).end(bytes);
  }

  /** The device's web interface, whose users may be others than those of ONVIF. */
  function webPage(request: IncomingMessage, response: ServerResponse): void {
    if (!faults.has('separate-users')) response.writeHead(404).end();
    else if (web.digest(request) === true)
      response.writeHead(200, { 'Content-Type': 'application/xml' }).end('<DeviceInfo/>');
    else response.writeHead(401, { 'WWW-Authenticate': web.challenge() }).end();
  }

  const state = (): OnvifSimulatorState => ({
    relays: hardware.relays.map((r) => ({ ...r })),
    inputs: hardware.inputs.map((i) => ({ ...i })),
    position: hardware.position,
    motion: hardware.motion,
    wiper: hardware.wiper,
    recording: hardware.recording,
    lamp: hardware.lamp,
    commands: [...commands],
    subscriptions: events.subscriptions().length,
    consumers: events.subscriptions().flatMap(({ consumer }) => (consumer === null ? [] : [consumer])),
    events: events.counts(),
    requests: { ...requests },
    logins: login.counts(),
    webLogins: web.counts(),
    pushes: { ...pushes },
    faults: faults.list(),
  });

  function setInput(token: string, active: boolean): void {
    const input = hardware.inputs.find((i) => i.token === token);
    if (!input) throw userError('E_BAD_PARAMETER', `The simulated device has no input "${token}"`);
    input.active = active;
    fire(inputMessage(token, active));
  }

  const orders: ControlDoor['orders'] = {
    fire: (value) => fire({ ...value, topic: String(value.topic) } as OnvifMessage),
    input: (value) => setInput(String(value.token), value.active === true),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await handle(request, response);
    } catch (thrown) {
      // What is no SOAP is told so.
      if (!(thrown instanceof AlarmflowError) || response.headersSent || ends.signal.aborted) throw thrown;
      response.writeHead(400).end();
    }
  }

  const open = (): Promise<SimulatedServer> => serveHttp({ host, port, answer, ends: ends.signal, log });
  let server = await open();
  port = server.port;

  return {
    url: server.url,
    port,
    state,
    fire,
    switchRelay: (token, on) => hardware.switchRelay(token, on, false),
    fireRaw: (notification) => events.send(notification),
    setInput,
    setClockOffset(ms) {
      offset = ms;
    },
    setPassword(value) {
      password = value;
    },
    forgetSubscriptions: () => events.forget(),
    async reboot(downMs) {
      await server.close();
      events.forget();
      pictureId++;
      await clock.sleep(downMs, ends.signal);
      server = await open();
    },
    faults,
    async close() {
      ends.abort(operationalError('E_CLOSED', 'The simulated device is being stopped'));
      events.forget();
      hardware.close();
      await server.close();
    },
  };
}
