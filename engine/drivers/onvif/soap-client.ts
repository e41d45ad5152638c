import { type Clock, parseHttpDate, type Timer } from '../../clock/clock';
import type { DeviceDefinition } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { createDeviceHttp, type DeviceHttp, type DeviceRequest, type DeviceResponse, type XmlElement } from '../wire';
import { createCredentialBreaker, type RefusalMemory } from '../wire/credential-breaker';
import { createTurns } from '../wire/turns';
import {
  faultError,
  faultWords,
  foreignError,
  isNotAuthorized,
  readAnswer,
  type SoapAnswer,
  type SoapFault,
} from './answer';
import { readDeviceClock } from './device-time';
import { element, envelope, type SoapRequest, usernameToken } from './envelope';
import { ns } from './namespaces';
import type { OnvifOptions } from './options';
import type { ServiceAddress } from './service-address';

/** `body` is null for an answer that is no SOAP, to a request that said it would bear that. */
export type SoapReply =
  | { ok: true; body: XmlElement | null; text: string; response: DeviceResponse }
  | { ok: false; fault: SoapFault };

export interface SoapClientOptions {
  definition: DeviceDefinition;
  settings: OnvifOptions;
  clock: Clock;
  log: Log;
  onLocked(until: number | null): void;
  /** Refusals of the login before this client; absent: none are known. */
  refusals?: RefusalMemory | undefined;
  /** Device time minus ours was measured, milliseconds. */
  onOffset(ms: number): void;
  /** Something came: the device lives. */
  onAlive(): void;
}

/**
 * SOAP over the device's one HTTP client. It finds out which login the device takes, HTTP Digest or WS-UsernameToken,
 * and stays with it (PROTOCOLS §4.2).
 *
 * Errors beside those of the HTTP client: `E_LOW_PRIVILEGE`, `E_NOT_SUPPORTED`, `E_BAD_PARAMETER`, `E_NOT_ONVIF`
 * (user), `E_DEVICE_BUSY`, `E_DEVICE_ERROR`, `E_CREDENTIALS_REFUSED` (operational).
 */
export interface SoapClient {
  /** Resolves with the answer's body; a fault is an error. */
  ask(address: ServiceAddress, request: SoapRequest, signal: AbortSignal): Promise<XmlElement>;
  /** Resolves with the answer or the fault, unless the fault is about the login. */
  call(address: ServiceAddress, request: SoapRequest, signal: AbortSignal): Promise<SoapReply>;
  /** Reads the device's clock, which needs no login; its wall time in milliseconds, or null where it doesn't tell. */
  readClock(signal: AbortSignal, timeoutMs?: number): Promise<number | null>;
  /** Device time minus ours, or null while unknown. */
  offset(): number | null;
  /** Plain HTTP with the device's login, for pictures. */
  http(address: ServiceAddress): DeviceHttp;
  deviceService: ServiceAddress;
  /** Which login the device has taken, for the record. */
  login(): 'none' | 'http' | 'token';
  close(): void;
}

const TIMEOUT_MS = 8_000;
const MAX_BYTES = 1 << 20;
/** Pull, and what else runs beside it. */
const SOCKETS = 3;
/** A clock that differs by less than this can't be why a token was refused. */
const SKEW_MS = 1_500;
/** Usual length of a lock (PROTOCOLS §0.2). */
const LOCKED_MS = 30 * 60_000;

type Answered = SoapAnswer & { response: DeviceResponse };

/** The device doesn't let us in: by a fault, or by a 401 that offers no login of HTTP. */
type Refused = 'refused' | 'unchallenged';
const isRefused = (answer: Answered | Refused): answer is Refused => typeof answer === 'string';

export function createSoapClient(options: SoapClientOptions): SoapClient {
  const { definition, settings, clock, log } = options;
  const { credentials } = definition;
  const device = `${definition.host}:${definition.port}`;
  let form: 'http' | 'token' = settings.login === 'token' ? 'token' : 'http';
  /** The device has taken a token, so a later refusal is one of rights. */
  let proved = false;
  /** Actions that the device has allowed with a token. */
  const granted = new Set<string>();
  let answered = false;
  let offset: number | null = null;
  /** What the device said when it refused last. */
  let refusal = '';
  /** A locked account is not knocked at until then, on the monotonic clock. */
  let lockEnds = 0;
  let unlock: Timer | null = null;
  const firstLogins = createTurns(1);
  const origins = new Map<string, DeviceHttp>();
  const locked = (until: number | null): void => {
    // The shorter pause of the breaker ends within the lock of the account: nothing is free by that.
    if (until !== null || clock.monotonic() >= lockEnds) options.onLocked(until);
  };
  const breaker = createCredentialBreaker(device, clock, locked, options.refusals);

  const deviceService: ServiceAddress = {
    path: settings.path,
    port: null,
    tls: definition.tls,
    told: `${definition.tls ? 'https' : 'http'}://${authority(definition)}${settings.path}`,
  };

  function createHttp(port: number, tls: boolean, anonymous = false): DeviceHttp {
    return createDeviceHttp({
      host: definition.host,
      port,
      tls,
      allowSelfSigned: definition.allowSelfSigned,
      credentials: anonymous ? null : credentials,
      clock,
      log,
      onLocked: options.onLocked,
      refusals: anonymous ? undefined : options.refusals,
      onClockDate(header) {
        // The clock of the ONVIF service goes before it; some devices have no other.
        const at = parseHttpDate(header);
        if (at !== null && offset === null) dateOffset = at - clock.now();
      },
      maxSockets: SOCKETS,
    });
  }
  let dateOffset: number | null = null;

  /** Never another host than the operator's: the login goes there. */
  function http(address: ServiceAddress): DeviceHttp {
    const told = settings.ports === 'told' && address.port !== null;
    const port = told ? (address.port ?? definition.port) : definition.port;
    const tls = told ? address.tls : definition.tls;
    const key = `${port}${tls ? 's' : ''}`;
    const known = origins.get(key);
    if (known) return known;
    // A device that tells a new port with every answer must not fill the memory.
    if (origins.size >= 6) return [...origins.values()][0]!;
    const opened = createHttp(port, tls);
    origins.set(key, opened);
    return opened;
  }

  async function post(
    through: DeviceHttp,
    address: ServiceAddress,
    request: SoapRequest,
    security: string | null,
    signal: AbortSignal,
  ): Promise<Answered> {
    const response = await requestOnceMore(through, {
      method: 'POST',
      path: address.path,
      headers: { 'Content-Type': `application/soap+xml; charset=utf-8; action="${request.action}"` },
      body: envelope(request, security),
      signal,
      timeoutMs: request.timeoutMs ?? TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    options.onAlive();
    return { ...readAnswer(response), response };
  }

  /** A refusal without a challenge is one of the SOAP layer. */
  async function send(
    address: ServiceAddress,
    request: SoapRequest,
    security: string | null,
    signal: AbortSignal,
  ): Promise<Answered | Refused> {
    let answer: Answered;
    try {
      answer = await post(http(address), address, request, security, signal);
    } catch (thrown) {
      if (asAlarmflowError(thrown).code === 'E_DEVICE_LOGIN') return 'unchallenged';
      throw thrown;
    }
    if (answer.kind !== 'fault' || !isNotAuthorized(answer.fault)) return answer;
    refusal = faultWords(answer.fault);
    return 'refused';
  }

  const tokenOf = (): string | null =>
    credentials && usernameToken(credentials, clock.now() + (offset ?? dateOffset ?? 0));

  /** Whether the device asks for HTTP Digest here: then it has taken it before, and the fault is one of rights. */
  async function asksForDigest(address: ServiceAddress, request: SoapRequest, signal: AbortSignal): Promise<boolean> {
    const anonymous = createHttp(definition.port, definition.tls, true);
    try {
      await post(anonymous, address, request, null, signal);
      return false;
    } catch (thrown) {
      return asAlarmflowError(thrown).code === 'E_CREDENTIALS_MISSING';
    } finally {
      anonymous.close();
    }
  }

  const lowPrivilege = (what: string): AlarmflowError =>
    userError(
      'E_LOW_PRIVILEGE',
      `${what}: the device knows the user but refuses this: give its ONVIF user more rights`,
      {
        facts: { device },
      },
    );

  async function authorized(address: ServiceAddress, request: SoapRequest, signal: AbortSignal): Promise<Answered> {
    if (form === 'http') {
      const answer = await send(address, request, null, signal);
      if (!isRefused(answer)) return answer;
      if (!credentials)
        throw userError(
          'E_CREDENTIALS_MISSING',
          `Device ${device} asks for a user and a password: enter those of an ONVIF user in its dialog.`,
          { facts: { device } },
        );
      if (answer === 'refused' && (await asksForDigest(address, request, signal))) throw lowPrivilege(request.what);
      if (settings.login === 'digest') throw breaker.refused();
    }
    return withToken(address, request, signal);
  }

  async function withToken(address: ServiceAddress, request: SoapRequest, signal: AbortSignal): Promise<Answered> {
    let tried: { offset: number | null } | null = null;
    if (proved) {
      tried = { offset };
      const answer = await send(address, request, tokenOf(), signal);
      if (!isRefused(answer)) return taken(answer, request);
      proved = false;
    }
    // While a login is doubtful they go one by one: several at once would each count as a refused one.
    const leave = await firstLogins.take(signal);
    try {
      breaker.check();
      return await doubtful(address, request, tried, signal);
    } finally {
      leave();
    }
  }

  function taken(answer: Answered, request: SoapRequest): Answered {
    if (answer.kind === 'foreign') return answer;
    form = 'token';
    proved = true;
    granted.add(request.action);
    breaker.accepted();
    return answer;
  }

  /** A token that may be refused for the time in it, for the password, or for the rights of its user. */
  async function doubtful(
    address: ServiceAddress,
    request: SoapRequest,
    tried: { offset: number | null } | null,
    signal: AbortSignal,
  ): Promise<Answered> {
    // A restarted device may have another time now; only that may be wrong (§4.2).
    await readClock(signal).catch(ignoreClock(signal));
    const moved = tried !== null && Math.abs((offset ?? 0) - (tried.offset ?? 0)) > SKEW_MS;
    if (tried === null || moved) {
      const answer = await send(address, request, tokenOf(), signal);
      if (!isRefused(answer)) return taken(answer, request);
    }
    // What was allowed before and is not now: the password is another. What never was may be a matter of rights.
    const mayBeRights = granted.size > 0 && !granted.has(request.action);
    if (!credentials || (mayBeRights && (await stillKnown(signal)))) {
      proved = credentials !== null;
      throw lowPrivilege(request.what);
    }
    granted.clear();
    const error = breaker.refused();
    if (!/lock/i.test(refusal)) throw error;
    lockEnds = clock.monotonic() + LOCKED_MS;
    unlock?.cancel();
    unlock = clock.after(LOCKED_MS, () => options.onLocked(null), { background: true });
    options.onLocked(clock.now() + LOCKED_MS);
    throw accountLocked();
  }

  const accountLocked = (): AlarmflowError =>
    operationalError(
      'E_ACCOUNT_LOCKED',
      `Device ${device} has locked the account (${refusal}). Wait until it is free, then correct the password.`,
      { retryAfterMs: Math.max(0, lockEnds - clock.monotonic()), facts: { device } },
    );

  /** Whether the password that was right is right still. */
  async function stillKnown(signal: AbortSignal): Promise<boolean> {
    const question = {
      what: 'Device information',
      action: `${ns.device}/GetDeviceInformation`,
      body: element('GetDeviceInformation', ns.device),
    };
    const answer = await send(deviceService, question, tokenOf(), signal);
    return !isRefused(answer) && answer.kind === 'body';
  }

  const ignoreClock =
    (signal: AbortSignal) =>
    (thrown: unknown): void => {
      if (signal.aborted) throw thrown;
      // Without the device's time the token goes out with ours; a refusal of it is told.
      log.debug('onvif.clock-unknown', { reason: asAlarmflowError(thrown).message });
    };

  async function readClock(signal: AbortSignal, timeoutMs?: number): Promise<number | null> {
    const request = {
      what: 'System time',
      action: `${ns.device}/GetSystemDateAndTime`,
      body: element('GetSystemDateAndTime', ns.device),
      timeoutMs,
    };
    const asked = clock.now();
    let answer = await send(deviceService, request, null, signal);
    // A few want a login even for this; the HTTP date helps over the first token.
    if (isRefused(answer) && credentials && proved) answer = await send(deviceService, request, tokenOf(), signal);
    if (isRefused(answer) || answer.kind !== 'body') {
      if (!isRefused(answer) && answer.kind === 'foreign') throw foreignError(answer, request.what);
      return dateOffset === null ? null : clock.now() + dateOffset;
    }
    const at = readDeviceClock(answer.body, definition.timeZone);
    if (at === null) return null;
    // The device read its clock about half-way, and writes whole seconds.
    const half = (clock.now() - asked) / 2;
    const measured = Math.round(at + 500 - (asked + half));
    if (offset === null || Math.abs(measured - offset) > SKEW_MS) {
      offset = measured;
      options.onOffset(measured);
    }
    return at;
  }

  async function call(address: ServiceAddress, request: SoapRequest, signal: AbortSignal): Promise<SoapReply> {
    if (clock.monotonic() < lockEnds) throw accountLocked();
    breaker.check();
    const answer = await authorized(address, request, signal);
    const { response } = answer;
    if (answer.kind === 'foreign') {
      if (!request.tolerant || answer.status !== 200) throw foreignError(answer, request.what);
      return { ok: true, body: null, text: answer.reason, response };
    }
    answered = true;
    if (answer.kind === 'fault') return { ok: false, fault: answer.fault };
    return { ok: true, body: answer.body, text: answer.text, response };
  }

  return {
    call,
    async ask(address, request, signal) {
      const reply = await call(address, request, signal);
      if (!reply.ok) throw faultError(reply.fault, request.what);
      const content = reply.body?.children[0];
      if (content) return content;
      throw operationalError('E_DEVICE_ERROR', `${request.what}: the device answered with an empty SOAP body`);
    },
    readClock,
    offset: () => offset,
    http,
    deviceService,
    login: () => (!answered ? 'none' : form),
    close() {
      unlock?.cancel();
      breaker.close();
      for (const opened of origins.values()) opened.close();
    },
  };
}

/** Host and port as a URL has them: an IPv6 address in brackets, without the zone that only we know. */
const authority = ({ host, port }: DeviceDefinition): string =>
  `${host.includes(':') ? `[${host.split('%', 1)[0]}]` : host}:${port}`;

/**
 * A device closes idle sockets, some at the moment at which we take one. Every request here may be sent twice: it
 * reads, sets a state, or asks for messages that would be lost with the first anyway.
 */
async function requestOnceMore(through: DeviceHttp, request: DeviceRequest): Promise<DeviceResponse> {
  try {
    return await through.request(request);
  } catch (thrown) {
    const code = asAlarmflowError(thrown).facts?.code;
    if (request.signal.aborted || (code !== 'ECONNRESET' && code !== 'EPIPE')) throw thrown;
    return through.request(request);
  }
}
