import type { Clock } from '../../clock/clock';
import type { Picture, SwitchKind, SwitchManner } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { createWatchedPtz, type WatchedPtz } from '../ptz-watch';
import { faultError, isUnsupported, textIn } from './answer';
import type { OnvifChannel } from './channel-map';
import { element, xmlText } from './envelope';
import type { Inventory, Preset, Relay } from './inventory';
import { ns } from './namespaces';
import { createPtz } from './ptz';
import { createPtzReader } from './ptz-position';
import { type ServiceAddress, serviceAddress } from './service-address';
import type { Services } from './services';
import type { SoapClient } from './soap-client';

export interface ActionsOptions {
  client: SoapClient;
  inventory: Inventory;
  deviceName: string;
  clock: Clock;
  log: Log;
  services(signal: AbortSignal): Promise<Services>;
  channels(signal: AbortSignal): Promise<readonly OnvifChannel[]>;
  /** State of a relay as the device told it by event, or null. */
  relayState(token: string): boolean | null;
  /** Its events are told the other way round from here on. */
  turnRelay(token: string): void;
}

/** What a device says of the address of its live picture; its host is not to be trusted. */
interface StreamAddress {
  path: string;
  port: number | null;
  /** It is one for TLS. */
  secure: boolean;
}

/** What actions do with a device over ONVIF (PROTOCOLS §4.5). Errors name the device and what was asked. */
export interface OnvifActions extends WatchedPtz {
  setOutput(output: string, on: boolean, signal: AbortSignal): Promise<boolean | null>;
  readOutput(output: string): Promise<boolean | null>;
  snapshot(channel: number, signal: AbortSignal): Promise<Picture>;
  /** Where the live picture of a channel's first profile is; with `secure` over TLS, where the device has a word for that. */
  streamAddress(channel: number, secure: boolean, signal: AbortSignal): Promise<StreamAddress>;
  setSwitch(
    kind: SwitchKind,
    name: string,
    on: boolean,
    manner: SwitchManner,
    signal: AbortSignal,
  ): Promise<boolean | null>;
  readSwitch(kind: SwitchKind, name: string, signal: AbortSignal): Promise<boolean | null>;
}

/** What a device says to a request that it does not take in this form or at this place. */
const refusals: ReadonlySet<string> = new Set(['E_NOT_SUPPORTED', 'E_NOT_ONVIF', 'E_BAD_PARAMETER', 'E_DEVICE_ERROR']);
/** Time for the event that tells a relay's new state. */
const CONFIRM_MS = 1_500;
const CONFIRM_STEP_MS = 20;
/** For the first word about a relay; whether the device tells anything of it is not known then. */
const FIRST_WORD_MS = 500;
const KEEP_MS = 300_000;
const PICTURE_MS = 10_000;

export function createOnvifActions(options: ActionsOptions): OnvifActions {
  const { client, inventory, clock, deviceName } = options;
  const named = (what: string): string => `${what} of "${deviceName}"`;
  /** Relays of which the device tells nothing. */
  const mute = new Set<string>();
  /** When a monostable relay was last switched on, or first asked to fall back (monotonic milliseconds). */
  const fallsSince = new Map<string, number>();
  let relayWay: 'deviceIo' | 'device' | null = null;
  let relays: { at: number; list: Relay[] } | null = null;
  const presets = new Map<number, { at: number; list: Preset[] }>();
  const pictureAddresses = new Map<string, ServiceAddress>();

  const notSupported = (what: string): Error =>
    userError('E_NOT_SUPPORTED', `${named(what)}: the device offers no such service. This model can't do it`);

  async function relayOf(token: string, signal: AbortSignal): Promise<Relay | null> {
    if (!relays || clock.monotonic() - relays.at > KEEP_MS)
      relays = { at: clock.monotonic(), list: await inventory.relays(await options.services(signal), signal) };
    return relays.list.find((relay) => relay.token === token) ?? null;
  }

  async function switchRelay(token: string, on: boolean, signal: AbortSignal): Promise<void> {
    const { deviceIo } = await options.services(signal);
    const what = named(`Relay output ${token}`);
    const state = on ? 'active' : 'inactive';
    // Strict servers want the request in the namespace of DeviceIO and what is in it in that of the device (§4.5).
    const inner = `<d:RelayOutputToken xmlns:d="${ns.device}">${xmlText(token)}</d:RelayOutputToken><d:LogicalState xmlns:d="${ns.device}">${state}</d:LogicalState>`;
    let first: AlarmflowError | null = null;
    if (deviceIo && relayWay !== 'device') {
      const request = {
        what,
        action: `${ns.deviceIo}/SetRelayOutputState`,
        body: element('SetRelayOutputState', ns.deviceIo, inner),
      };
      try {
        await client.ask(deviceIo, request, signal);
        relayWay = 'deviceIo';
        return;
      } catch (thrown) {
        first = asAlarmflowError(thrown);
        // A service that has never switched it may refuse for the form alone, with a fault of any kind.
        if (relayWay === 'deviceIo' || !refusals.has(first.code)) throw first;
      }
    }
    const request = {
      what,
      action: `${ns.device}/SetRelayOutputState`,
      body: element('SetRelayOutputState', ns.device, inner),
    };
    try {
      const reply = await client.call(client.deviceService, request, signal);
      if (!reply.ok) throw first && isUnsupported(reply.fault) ? first : faultError(reply.fault, what);
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      throw first && error.code === 'E_NOT_ONVIF' ? first : error;
    }
    relayWay = 'device';
  }

  /**
   * ONVIF has no request for a relay's state: its event tells it, where the device sends one. Some tell the contact instead
   * (`idle`): what was said to be as ordered before then turns away from it because of the order, which a state never does.
   */
  async function confirmed(
    token: string,
    on: boolean,
    told: { before: boolean | null; idle: Relay['idle'] | undefined },
    signal: AbortSignal,
  ): Promise<boolean | null> {
    const began = clock.monotonic();
    const state = (): boolean | null => {
      const now = options.relayState(token);
      if (told.idle !== 'closed' || told.before !== on || now !== !on) return now;
      options.turnRelay(token);
      return on;
    };
    const patience = (): number => (state() !== null ? CONFIRM_MS : mute.has(token) ? 0 : FIRST_WORD_MS);
    while (state() !== on && clock.monotonic() - began < patience()) await clock.sleep(CONFIRM_STEP_MS, signal);
    if (state() === null) mute.add(token);
    else mute.delete(token);
    return state();
  }

  /** A monostable relay may ignore "inactive"; where nothing is told of it, it counts as off when its time is over. */
  function awaitFall({ token, delayMs }: Relay, on: boolean, orderedAt: number): void {
    if (on) return void fallsSince.set(token, orderedAt);
    const since = fallsSince.get(token) ?? orderedAt;
    fallsSince.set(token, since);
    const leftMs = since + (delayMs ?? 0) - orderedAt;
    if (leftMs <= 0) return;
    throw operationalError(
      'E_OUTPUT_NOT_CONFIRMED',
      `${named(`Relay output ${token}`)} falls back by itself, within ${Math.ceil(leftMs / 1000)} s, and tells nothing of its state: it may be on until then. Set it to bistable in the device`,
      { retryAfterMs: leftMs },
    );
  }

  async function channelAt(channel: number, signal: AbortSignal): Promise<OnvifChannel> {
    const channels = await options.channels(signal);
    const found = channels.find((c) => c.channel === channel);
    if (found) return found;
    throw userError(
      'E_BAD_PARAMETER',
      `${named(`Channel ${channel}`)}: there is none; the device has ${channels.length} (1 to ${channels.length})`,
    );
  }

  async function presetsOf(channel: OnvifChannel, fresh: boolean, signal: AbortSignal): Promise<Preset[]> {
    const known = presets.get(channel.channel);
    if (!fresh && known && clock.monotonic() - known.at < KEEP_MS) return known.list;
    const list = await inventory.presets(await options.services(signal), channel, signal);
    presets.set(channel.channel, { at: clock.monotonic(), list });
    return list;
  }

  async function pictureAddress(channel: OnvifChannel, signal: AbortSignal): Promise<ServiceAddress> {
    const known = pictureAddresses.get(channel.profileToken);
    if (known) return known;
    const { media, media2 } = await options.services(signal);
    const service = media ?? media2;
    if (!service) throw notSupported(`Picture of channel ${channel.channel}`);
    const namespace = media ? ns.media : ns.media2;
    const what = named(`Picture of channel ${channel.channel}`);
    const inner = `<ProfileToken>${xmlText(channel.profileToken)}</ProfileToken>`;
    const request = { what, action: `${namespace}/GetSnapshotUri`, body: element('GetSnapshotUri', namespace, inner) };
    const address = serviceAddress(textIn(await client.ask(service, request, signal), 'Uri'));
    if (!address) throw userError('E_NOT_SUPPORTED', `${what}: the device names no address for its pictures`);
    pictureAddresses.set(channel.profileToken, address);
    return address;
  }

  async function fetchPicture(address: ServiceAddress, what: string, signal: AbortSignal): Promise<Picture> {
    const response = await client
      .http(address)
      .request({ method: 'GET', path: address.path, signal, timeoutMs: PICTURE_MS });
    const bytes = jpegIn(response.body);
    if (response.status === 200 && bytes) return { contentType: 'image/jpeg', bytes };
    throw operationalError(
      'E_BAD_PICTURE',
      `${what}: the device answered HTTP ${response.status} with something that is no complete JPEG`,
      { facts: { http: response.status } },
    );
  }

  /** `tt:IRLamp|On` and the like; the name is what stands before the bar. */
  async function auxiliary(name: string, on: boolean, signal: AbortSignal): Promise<void> {
    if (!/^[\w:.-]{1,64}$/.test(name))
      throw userError('E_BAD_PARAMETER', `"${name}" is no auxiliary command: give one like tt:IRLamp`);
    const word = `${name.includes(':') ? name : `tt:${name}`}|${on ? 'On' : 'Off'}`;
    const request = {
      what: named(`Auxiliary command ${word}`),
      action: `${ns.device}/SendAuxiliaryCommand`,
      body: element('SendAuxiliaryCommand', ns.device, `<AuxiliaryCommand>${word}</AuxiliaryCommand>`),
    };
    const reply = await client.call(client.deviceService, request, signal);
    if (reply.ok) return;
    const { ptz } = await options.services(signal);
    const moving = (await options.channels(signal)).find((c) => c.ptzProfileToken !== null);
    if (!ptz || !moving?.ptzProfileToken) throw faultError(reply.fault, request.what);
    const inner = `<ProfileToken>${xmlText(moving.ptzProfileToken)}</ProfileToken><AuxiliaryData>${word}</AuxiliaryData>`;
    const body = element('SendAuxiliaryCommand', ns.ptz, inner);
    await client.ask(ptz, { what: request.what, action: `${ns.ptz}/SendAuxiliaryCommand`, body }, signal);
  }

  async function recordingMode(token: string, signal: AbortSignal): Promise<boolean | null> {
    const { recording } = await options.services(signal);
    if (!recording) throw notSupported(`Recording job ${token}`);
    const request = {
      what: named(`Recording job ${token}`),
      action: `${ns.recording}/GetRecordingJobs`,
      body: element('GetRecordingJobs', ns.recording),
    };
    const answer = await client.ask(recording, request, signal);
    const job = answer.children.find((item) => textIn(item, 'JobToken') === token);
    const mode = textIn(job, 'Mode')?.toLowerCase();
    return mode === 'active' ? true : mode === 'idle' ? false : null;
  }

  async function gotoPreset(channel: number, preset: number, signal: AbortSignal): Promise<void> {
    const at = await channelAt(channel, signal);
    const { ptz } = await options.services(signal);
    const what = named(`Preset ${preset} on channel ${channel}`);
    if (!ptz || at.ptzProfileToken === null) throw notSupported(`PTZ of channel ${channel}`);
    let found = (await presetsOf(at, false, signal)).find((p) => p.number === preset);
    found ??= (await presetsOf(at, true, signal)).find((p) => p.number === preset);
    if (!found) throw userError('E_BAD_PARAMETER', `${what}: the device has no such preset. Choose one from its list`);
    const inner = `<ProfileToken>${xmlText(at.ptzProfileToken)}</ProfileToken><PresetToken>${xmlText(found.token)}</PresetToken>`;
    const request = { what, action: `${ns.ptz}/GotoPreset`, body: element('GotoPreset', ns.ptz, inner) };
    const reply = await client.call(ptz, request, signal);
    if (!reply.ok) {
      presets.delete(channel);
      throw faultError(reply.fault, what);
    }
  }

  return {
    async setOutput(output, on, signal) {
      const token = output.trim();
      if (token === '' || token.length > 64)
        throw userError('E_BAD_PARAMETER', `"${output}" is no relay output: give the device's token of it`);
      const relay = await relayOf(token, signal);
      const before = options.relayState(token);
      const orderedAt = clock.monotonic();
      try {
        await switchRelay(token, on, signal);
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        // A monostable relay takes no "inactive": it falls back by itself, which its event tells.
        const byItself = !on && relay?.mode === 'monostable';
        if (!byItself || !['E_BAD_PARAMETER', 'E_NOT_SUPPORTED', 'E_DEVICE_ERROR'].includes(error.code)) throw error;
      }
      const state = await confirmed(token, on, { before, idle: relay?.idle }, signal);
      if (relay?.mode === 'monostable' && state === null) awaitFall(relay, on, orderedAt);
      return state;
    },

    readOutput: (output) => Promise.resolve(options.relayState(output.trim())),

    async snapshot(channel, signal) {
      const at = await channelAt(channel, signal);
      const what = named(`Picture of channel ${channel}`);
      const known = pictureAddresses.has(at.profileToken);
      try {
        return await fetchPicture(await pictureAddress(at, signal), what, signal);
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        // The address may have changed, e.g. by a restart: it is asked for once more (§4.5).
        if (!known || error.code !== 'E_BAD_PICTURE') throw error;
        pictureAddresses.delete(at.profileToken);
        return fetchPicture(await pictureAddress(at, signal), what, signal);
      }
    },

    async streamAddress(channel, secure, signal) {
      const at = await channelAt(channel, signal);
      const { media, media2 } = await options.services(signal);
      const what = named(`Live picture of channel ${channel}`);
      if (!media && !media2) throw notSupported(`Live picture of channel ${channel}`);
      const profile = `<ProfileToken>${xmlText(at.profileToken)}</ProfileToken>`;
      const ask = async (service: ServiceAddress, namespace: string, inner: string): Promise<StreamAddress> => {
        const request = { what, action: `${namespace}/GetStreamUri`, body: element('GetStreamUri', namespace, inner) };
        const told = textIn(await client.ask(service, request, signal), 'Uri');
        const match = /^rtsp(s?):\/\/(?:[^/?#@]*@)?[^/?#]*?(?::(\d{1,5}))?([/?][^#\s]*)?$/i.exec(told?.trim() ?? '');
        if (!match) throw userError('E_NOT_SUPPORTED', `${what}: the device names no RTSP address for it`);
        // The host it tells is that of its own network; whoever connects knows better (PROTOCOLS §4.1).
        const port = match[2] === undefined ? null : Number(match[2]);
        return { path: match[3] ?? '/', port, secure: match[1] !== '' };
      };
      // Only Media 2 has a word for TLS (ONVIF Media 2 §5.6.1); who does not know it has TLS on another port of the same path.
      if (secure && media2) {
        try {
          return await ask(media2, ns.media2, `<Protocol>RtspsUnicast</Protocol>${profile}`);
        } catch (thrown) {
          if (!refusals.has(asAlarmflowError(thrown).code)) throw thrown;
        }
      }
      // Interleaved in its own connection (ONVIF Streaming Specification §5.1.1): it passes every router.
      const setup = `<StreamSetup><Stream xmlns="${ns.schema}">RTP-Unicast</Stream><Transport xmlns="${ns.schema}"><Protocol>RTSP</Protocol></Transport></StreamSetup>`;
      return media
        ? ask(media, ns.media, `${setup}${profile}`)
        : ask(media2!, ns.media2, `<Protocol>RTSP</Protocol>${profile}`);
    },

    ...createWatchedPtz({
      gotoPreset,
      ptz: createPtz({ client, inventory, deviceName, services: options.services, channelAt, gotoPreset, auxiliary }),
      reader: createPtzReader({ client, inventory, deviceName, services: options.services, channelAt }),
      clock,
      log: options.log,
    }),

    async setSwitch(kind, name, on, _manner, signal) {
      if (kind === 'light' || kind === 'siren') {
        await auxiliary(name, on, signal);
        return null;
      }
      if (kind !== 'record') throw notSupported(`Switch ${kind} ${name}`);
      const { recording } = await options.services(signal);
      if (!recording) throw notSupported(`Recording job ${name}`);
      const inner = `<JobToken>${xmlText(name)}</JobToken><Mode>${on ? 'Active' : 'Idle'}</Mode>`;
      const request = {
        what: named(`Recording job ${name}`),
        action: `${ns.recording}/SetRecordingJobMode`,
        body: element('SetRecordingJobMode', ns.recording, inner),
      };
      await client.ask(recording, request, signal);
      return recordingMode(name, signal);
    },

    readSwitch: (kind, name, signal) => (kind === 'record' ? recordingMode(name, signal) : Promise.resolve(null)),
  };
}

/** The JPEG in a body, trailing zeros and line ends cut off; null when start or end is missing. */
function jpegIn(body: Buffer): Buffer | null {
  let end = body.length;
  while (end > 0 && (body[end - 1] === 0 || body[end - 1] === 0x0a || body[end - 1] === 0x0d)) end--;
  const whole = end > 4 && body[0] === 0xff && body[1] === 0xd8 && body[end - 2] === 0xff && body[end - 1] === 0xd9;
  return whole ? body.subarray(0, end) : null;
}
