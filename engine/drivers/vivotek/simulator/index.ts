import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../../clock/clock';
import { systemClock } from '../../../clock/system-clock';
import { userError } from '../../../domain/errors';
import { type Log, silentLog } from '../../../domain/log';
import { greyPicture, post } from '../../http-push';
import { answerControl, type ControlDoor } from '../../simulated/control-door';
import { createFaultSwitches, type FaultSwitches } from '../../simulated/faults';
import { httpDate } from '../../simulated/http-date';
import { readBody, serveHttp } from '../../simulated/http-server';
import { createTurningHead } from '../../simulated/turning-head';
import { type CameraFault, cameraFaults } from './faults';
import { type CameraHardware, createCameraHardware, type PortState } from './hardware';
import { createCameraLogin } from './login';
import { type MediaName, mediumOf } from './media';
import { createParameters, paramLine } from './parameters';

export { cameraFaults } from './faults';
export { mediaNames } from './media';
export type { CameraFault, MediaName };

/** What the camera's user may do: levels 1, 4 and 6 (PROTOCOLS §3.1). */
export type CameraPrivilege = 'viewer' | 'operator' | 'admin';

export interface VivotekSimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  user?: string;
  password?: string;
  /** Default TB9330-E, a bi-spectrum camera. */
  model?: string;
  inputs?: number;
  outputs?: number;
  presets?: readonly string[];
  privilege?: CameraPrivilege;
  faults?: readonly string[];
  /** Milliseconds that `slow` adds to every answer. */
  slowMs?: number;
  /** Told of every command that moves an output, a virtual input or the camera. */
  onCommand?(command: string): void;
  clock?: Clock;
  log?: Log;
}

export interface VivotekSimulatorState {
  model: string;
  /** Numbers from 0, whatever the camera calls them. */
  inputs: PortState[];
  outputs: PortState[];
  virtual: PortState[];
  preset: string | null;
  /** What a PTZ camera does by itself, e.g. `patrol`; null: nothing. */
  motion: string | null;
  commands: string[];
  requests: number;
  /** Paths of the last requests. */
  paths: string[];
  refusedLogins: number;
  pushes: { sent: number; refused: number };
  faults: CameraFault[];
}

/** An event that the camera tells its servers. */
export interface CameraEvent {
  /** Trigger or name, e.g. `motion`. */
  event: string;
  /** Added to the path as a last part. */
  phase?: string;
  /** Default `snapshot`. */
  medium?: MediaName;
  /** Fields of a custom message. */
  told?: Readonly<Record<string, string>>;
  /** Added to the URL. */
  query?: string;
}

export interface VivotekSimulator {
  url: string;
  port: number;
  state(): VivotekSimulatorState;
  /** A parameter as getparam.cgi tells it. */
  parameter(name: string): string | undefined;
  setParameter(name: string, value: string): void;
  setInput(number: number, active: boolean): void;
  setPassword(password: string): void;
  /** Pushes go here, with the event's name behind it, beside the servers of the camera's own settings. */
  setTarget(url: string): void;
  /** Pushes an event; resolves with the statuses of the receivers' answers. */
  fire(event: CameraEvent): Promise<number[]>;
  /** Resets all connections, as a reboot does. */
  cut(): void;
  faults: FaultSwitches<CameraFault>;
  close(): Promise<void>;
}

interface Answer {
  status: number;
  type: string;
  body: Buffer;
}

const PRIVILEGES = { anonymous: 0, viewer: 1, dido: 2, camctrl: 2, operator: 4, admin: 6, setup: 2 } as const;
/** Nine years, as after a power loss with an empty battery. */
const WRONG_BY_MS = 9 * 365 * 86_400_000;
/** Starts a simulated VIVOTEK camera on a real socket. */
export async function startVivotekSimulator(options: VivotekSimulatorOptions = {}): Promise<VivotekSimulator> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLog;
  const host = options.host ?? '127.0.0.1';
  const model = options.model ?? 'TB9330-E';
  const faults = createFaultSwitches(cameraFaults, options.faults ?? []);
  const ends = new AbortController();
  const level = PRIVILEGES[options.privilege ?? 'admin'];
  const counts = { inputs: options.inputs ?? 2, outputs: options.outputs ?? 2 };
  const presets = options.presets ?? ['Gate', "Bob's corner", 'Parking & road'];
  const parameters = createParameters({ model, ...counts, presets });
  const hardware: CameraHardware = createCameraHardware({
    ...counts,
    clock,
    head: createTurningHead({
      clock,
      isStuck: () => faults.has('ptz-stuck'),
      isSlow: () => faults.has('ptz-slow'),
    }),
    onCommand: options.onCommand,
    ignores: () => faults.has('output-ignored'),
  });
  const login = createCameraLogin({
    user: options.user ?? 'root',
    password: options.password ?? 'simulated1',
    has: faults.has,
  });
  const paths: string[] = [];
  const pushes = { sent: 0, refused: 0 };
  let requests = 0;
  let target: string | null = null;
  let busyTold = false;
  const bounces = new Map<string, number>();

  const first = (): number => (faults.has('numbering-from-1') ? 1 : 0);
  const eol = (): string => (faults.has('lf-only') ? '\n' : '\r\n');
  const text = (body: string, status = 200): Answer => ({ status, type: 'text/plain', body: Buffer.from(body) });
  const invalid = (): Answer => text(`ERROR: Invalid command!${eol()}`);
  const missing = (): Answer => ({
    status: 404,
    type: 'text/html',
    body: Buffer.from('<html><body>404 Not Found</body></html>'),
  });
  const lines = (pairs: [string, string][]): Answer =>
    text(pairs.map(([name, value]) => paramLine(name, value, !faults.has('unquoted-values')) + eol()).join(''));

  function readPorts(kind: 'di' | 'do', query: string): Answer {
    if (kind === 'do' && faults.has('output-status-missing')) return missing();
    if (kind === 'di' && faults.has('inputs-unread')) return invalid();
    const list = kind === 'di' ? hardware.inputs : hardware.outputs;
    const names = query === '' ? list.map((p) => `${kind}${p.number + first()}`) : query.split('&');
    const found: [string, string][] = [];
    for (const name of faults.has('one-at-a-time') ? names.slice(0, 1) : names) {
      const number = new RegExp(`^${kind}(\\d{1,3})$`).exec(name)?.[1];
      const port = list.find((p) => p.number + first() === Number(number));
      if (number === undefined || !port) return invalid();
      // A contact that bounces: every second reading is the other way round.
      const reading = (bounces.get(name) ?? 0) + 1;
      bounces.set(name, reading);
      const bounce = kind === 'di' && faults.has('bouncing-input') && reading % 2 === 1;
      found.push([name, faults.has('garbage-state') ? '?' : port.active !== bounce ? '1' : '0']);
    }
    return lines(found);
  }

  function order(port: 'do' | 'vi', query: string): Answer {
    const done: [string, string][] = [];
    for (const pair of query.split('&')) {
      const match = /^(?:do|vi)(\d{1,3})=(.*)$/.exec(pair);
      if (!match || !pair.startsWith(port)) return invalid();
      const result = hardware.order(port, Number(match[1]) - (port === 'do' ? first() : 0), match[2] ?? '');
      if (result === 'unknown') return invalid();
      if (result === 'bad') return { status: 400, type: 'text/html', body: Buffer.from('Bad Request') };
      if (result === 'running') return { status: 503, type: 'text/html', body: Buffer.from('Service Unavailable') };
      done.push([`${port}${match[1]}`, match[2] ?? '']);
    }
    return lines(done);
  }

  function recall(query: string): Answer {
    const fields = new URLSearchParams(query);
    const name = fields.get('recall') ?? '';
    const channel = Number(fields.get('channel') ?? 0);
    const known = presets.includes(name) || (/^\d+$/.test(name) && presets[Number(name) - 1] !== undefined);
    if (!known || channel > 1) return text('ERROR: Invalid argument');
    hardware.recall(name, presets.includes(name) ? presets.indexOf(name) + 1 : Number(name));
    return faults.has('recall-204') ? { status: 204, type: 'text/plain', body: Buffer.alloc(0) } : text('');
  }

  function control(query: string): Answer {
    const fields = new URLSearchParams(query);
    if (fields.has('getpan')) {
      if (faults.has('no-ptz-status') || presets.length === 0) return text('ERROR: Invalid argument');
      const { pan, tilt, zoom } = hardware.head.read();
      const steps = { pan: pan * 40, tilt: tilt * 40, zoom: zoom * 100 };
      return text(
        Object.entries(steps)
          .map(([name, value]) => `${name}=${Math.round(value)}${eol()}`)
          .join(''),
      );
    }
    const auto = fields.get('auto');
    const known = auto === null ? fields.get('move') === 'home' : ['pan', 'patrol', 'stop'].includes(auto);
    if (!known || presets.length === 0 || Number(fields.get('channel') ?? 0) > 1)
      return text('ERROR: Invalid argument');
    hardware.move(auto === 'stop' ? null : (auto ?? 'home'));
    return text('');
  }

  function setParameters(query: string): Answer {
    const changed: [string, string][] = [];
    for (const [name, value] of new URLSearchParams(query)) {
      if (!parameters.has(name)) return invalid();
      if (!faults.has('settings-not-kept')) parameters.set(name, value);
      changed.push([name, value]);
    }
    return lines(changed);
  }

  function answer(path: string, query: string, body: string): Answer {
    const folder = /^\/(?:cgi-bin\/)?(\w+)\//.exec(path)?.[1] ?? '';
    const needed = Object.hasOwn(PRIVILEGES, folder) ? PRIVILEGES[folder as keyof typeof PRIVILEGES] : 6;
    if (level < needed)
      return faults.has('privilege-403')
        ? { status: 403, type: 'text/html', body: Buffer.from('Forbidden') }
        : invalid();
    if (faults.has('error-in-200')) return invalid();
    if (faults.has('busy-once') && !busyTold) {
      busyTold = true;
      return { status: 503, type: 'text/html', body: Buffer.from('Service Unavailable') };
    }
    if (/\/getparam\.cgi$/.test(path)) {
      const names = (query || body).split('&').map((name) => decodeURIComponent(name));
      const found = names
        .filter((name) => !(faults.has('no-capability') && name.startsWith('capability')))
        .filter((name) => !(faults.has('no-preset-list') && name.startsWith('camctrl')))
        .flatMap((name) => parameters.select(name));
      return found.length > 0 ? lines(found) : invalid();
    }
    if (path === '/cgi-bin/admin/setparam.cgi') return setParameters(query || body);
    if (path === '/cgi-bin/dido/getdi.cgi') return readPorts('di', query);
    if (path === '/cgi-bin/dido/getdo.cgi') return readPorts('do', query);
    if (path === '/cgi-bin/dido/setdo.cgi') return faults.has('old-setup') ? missing() : order('do', query);
    if (path === '/setup/setdo.cgi' && faults.has('old-setup')) {
      const value = /^do=([hl])$/.exec(query)?.[1];
      if (value === undefined) return invalid();
      hardware.order('do', 0, value === 'h' ? '1' : '0');
      return text('');
    }
    if (path === '/cgi-bin/admin/setvi.cgi') return order('vi', query);
    const recallPath = faults.has('camctrl-recall') ? '/cgi-bin/camctrl/recall.cgi' : '/cgi-bin/viewer/recall.cgi';
    if (path === recallPath) return recall(query);
    if (path === (faults.has('camctrl-recall') ? '/cgi-bin/camctrl/camctrl.cgi' : '/cgi-bin/viewer/camctrl.cgi'))
      return control(query);
    if (path === '/cgi-bin/viewer/video.jpg') {
      if (faults.has('error-instead-of-jpeg')) return text('ERROR: Time out');
      const bytes = faults.has('truncated-jpeg') ? greyPicture.subarray(0, 100) : greyPicture;
      return { status: 200, type: 'image/jpeg', body: bytes };
    }
    return missing();
  }

  const dateHeader = (): string => httpDate(clock.now() - (faults.has('wrong-clock') ? WRONG_BY_MS : 0));

  function send(response: ServerResponse, { status, type, body }: Answer): void {
    const { socket } = response;
    if (!faults.has('no-date-header')) response.setHeader('Date', dateHeader());
    const wrong = body.length === 0 ? null : faults.has('wrong-content-length') ? body.length + 12 : null;
    const odd = wrong ?? (faults.has('short-content-length') ? Math.max(0, body.length - 4) : null);
    if ((odd !== null || faults.has('no-content-length')) && socket) {
      const length = odd === null ? '' : `Content-Length: ${odd}\r\n`;
      socket.end(
        Buffer.concat([
          Buffer.from(`HTTP/1.1 ${status} OK\r\nContent-Type: ${type}\r\n${length}Connection: close\r\n\r\n`),
          body,
        ]),
      );
      return;
    }
    response
      .writeHead(status, { 'Content-Type': type, ...(status === 204 ? {} : { 'Content-Length': body.length }) })
      .end(status === 204 ? undefined : body);
  }

  function refuse(response: ServerResponse, challenge: string): void {
    // The page is ISO-8859-1, whatever the rest of the camera speaks.
    const page = Buffer.from(
      '<html><head><title>401 Unauthorized</title></head><body>Zugriff verweigert: \xfcberpr\xfcfen</body></html>',
      'latin1',
    );
    if (faults.has('drop-401-body') && response.socket) {
      // More is announced than is sent before the camera hangs up.
      response.socket.end(
        `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ${challenge}\r\nContent-Type: text/html\r\nContent-Length: ${page.length + 300}\r\n\r\n`,
      );
      return;
    }
    response
      .writeHead(401, {
        'WWW-Authenticate': challenge,
        'Content-Type': 'text/html; charset=ISO-8859-1',
        'Content-Length': page.length,
      })
      .end(page);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.sendDate = false;
    requests++;
    const url = request.url ?? '/';
    const cut = url.indexOf('?');
    const path = cut < 0 ? url : url.slice(0, cut);
    const query = cut < 0 ? '' : url.slice(cut + 1);
    paths.push(url);
    if (paths.length > 200) paths.shift();
    if (path.startsWith('/sim/')) return answerControl(request, response, { state, faults, orders });
    // Half-open: the camera is gone but nobody told the other side.
    if (faults.has('half-open')) return;
    if (faults.has('close-at-once')) {
      request.socket.destroy();
      return;
    }
    if (faults.has('other-device'))
      return send(response, { status: 404, type: 'text/html', body: Buffer.from('<h1>Not a camera</h1>') });
    const body = (await readBody(request)).toString('utf8');
    if (faults.has('slow')) await clock.sleep(options.slowMs ?? 3_000, ends.signal);
    const verdict = login.check(request);
    if (verdict.kind === 'refused') return refuse(response, verdict.challenge);
    if (verdict.kind === 'forbidden')
      return send(response, { status: 403, type: 'text/html', body: Buffer.from('Forbidden') });
    const found = answer(path, query, body);
    const lacks = found.status === 200 && /^ERROR: Invalid/.test(found.body.toString('latin1', 0, 30));
    const folder = /^\/cgi-bin\/(\w+)\//.exec(path)?.[1] ?? '';
    const needed = Object.hasOwn(PRIVILEGES, folder) ? PRIVILEGES[folder as keyof typeof PRIVILEGES] : 0;
    if (lacks && level < needed && faults.has('privilege-401')) return refuse(response, login.challenge());
    send(response, found);
  }

  const state = (): VivotekSimulatorState => ({
    model,
    inputs: hardware.inputs.map((p) => ({ ...p })),
    outputs: hardware.outputs.map((p) => ({ ...p })),
    virtual: hardware.virtual.map((p) => ({ ...p })),
    preset: hardware.preset,
    motion: hardware.motion,
    commands: [...hardware.commands],
    requests,
    paths: [...paths],
    refusedLogins: login.refused(),
    pushes: { ...pushes },
    faults: faults.list(),
  });

  function setInput(number: number, active: boolean): void {
    const port = hardware.inputs.find((p) => p.number === number);
    if (!port) throw userError('E_BAD_PARAMETER', `The simulated camera has no input ${number}; it counts from 0`);
    port.active = active;
  }

  /** Where an event goes: the servers of the rules with its trigger, and the target that was given. */
  function receivers({ event, phase, query }: CameraEvent): string[] {
    const found: string[] = [];
    for (let rule = 0; rule < 3; rule++) {
      const get = (name: string): string => parameters.get(`event_i${rule}_${name}`) ?? '';
      if (get('trigger') !== event || get('enable') !== '1') continue;
      for (let server = 0; server < 5; server++)
        if (get(`action_server_i${server}_enable`) === '1')
          found.push(parameters.get(`server_i${server}_http_url`) ?? '');
    }
    if (target !== null) {
      const path = [target.replace(/\/+$/, ''), event, phase]
        .filter((part) => part !== undefined && part !== '')
        .join('/');
      found.push(query === undefined ? path : `${path}?${query}`);
    }
    return found;
  }

  async function fire(event: CameraEvent): Promise<number[]> {
    const { headers, body } = mediumOf(event.medium ?? 'snapshot', event.told ?? {});
    const statuses: number[] = [];
    for (const url of receivers(event)) {
      const { status } = await post(url, { method: 'POST', suffix: '', headers, body }, ends.signal);
      pushes.sent++;
      if (status >= 400) pushes.refused++;
      statuses.push(status);
    }
    return statuses;
  }

  const setTarget = (url: string): void => {
    if (!URL.canParse(url)) throw userError('E_BAD_PARAMETER', `"${url.slice(0, 100)}" is no URL to push to`);
    target = url;
  };

  const orders: ControlDoor['orders'] = {
    input: (value) => setInput(Number(value.input), value.active === true),
    target: (value) => setTarget(String(value.url)),
    fire: async (value) => ({ statuses: await fire(value as unknown as CameraEvent) }),
  };

  const server = await serveHttp({ host, port: options.port ?? 0, answer: handle, ends: ends.signal, log });

  return {
    url: server.url,
    port: server.port,
    state,
    parameter: parameters.get,
    setParameter: parameters.set,
    setInput,
    setPassword: login.setPassword,
    setTarget,
    fire,
    cut: server.resetConnections,
    faults,
    async close() {
      ends.abort(userError('E_CLOSED', 'The simulated camera is being stopped'));
      hardware.close();
      await server.close();
    },
  };
}
