import { asAlarmflowError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import type { PtzPosition } from '../ptz-judgement';
import { child, childrenOf, childText, findAll, type XmlElement } from '../wire';
import { durationMs, textIn } from './answer';
import type { OnvifChannel } from './channel-map';
import { element, xmlText } from './envelope';
import { ns } from './namespaces';
import { vectorIn } from './ptz-vector';
import type { ServiceAddress } from './service-address';
import type { Services } from './services';
import type { SoapClient } from './soap-client';

/** A relay output and how it behaves. */
export interface Relay {
  token: string;
  /** `monostable`: it falls back by itself after the delay, and takes no `inactive`. */
  mode: 'bistable' | 'monostable' | null;
  delayMs: number | null;
  idle: 'open' | 'closed' | null;
}

/** A rule of the device's analysis. */
export interface AnalyticsRule {
  name: string;
  /** Without its prefix, `LineDetector`. */
  type: string;
  /** Topics that it reports by, as far as the device tells them. */
  topics: string[];
}

export interface Preset {
  /** Number for flows. */
  number: number;
  token: string;
  name: string;
  /** Absent: the device does not tell. */
  position?: PtzPosition;
}

/** What there is at a device, asked of it. Each throws what the request throws. */
export interface Inventory {
  channels(services: Services, signal: AbortSignal): Promise<OnvifChannel[]>;
  relays(services: Services, signal: AbortSignal): Promise<Relay[]>;
  inputs(services: Services, signal: AbortSignal): Promise<string[]>;
  presets(services: Services, channel: OnvifChannel, signal: AbortSignal): Promise<Preset[]>;
  /** Tours through presets that the device runs by itself, numbered as presets are. */
  presetTours(services: Services, channel: OnvifChannel, signal: AbortSignal): Promise<Preset[]>;
  /** Topic paths of GetEventProperties, prefixes left out. */
  topics(services: Services, signal: AbortSignal): Promise<string[]>;
  /** Auxiliary commands of the device and its PTZ nodes, e.g. `tt:IRLamp|On`. */
  auxiliaries(services: Services, signal: AbortSignal): Promise<string[]>;
  recordingJobs(services: Services, signal: AbortSignal): Promise<string[]>;
  /** Rules that are set up for a channel, by the names that its events carry. */
  rules(services: Services, channel: OnvifChannel, signal: AbortSignal): Promise<AnalyticsRule[]>;
}

const MAX_LISTED = 512;

export function createInventory(client: SoapClient, log: Log): Inventory {
  const ask = (
    address: ServiceAddress,
    what: string,
    namespace: string,
    name: string,
    signal: AbortSignal,
    inner = '',
  ): Promise<XmlElement> =>
    client.ask(address, { what, action: `${namespace}/${name}`, body: element(name, namespace, inner) }, signal);

  /** A part that this device may lack. */
  async function optional<T>(what: string, otherwise: T, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      if (signal.aborted || error.code === 'E_CREDENTIALS_REFUSED' || error.code === 'E_DEVICE_OFFLINE') throw error;
      log.debug('onvif.part-missing', { what, reason: error.message });
      return otherwise;
    }
  }

  async function sourceTokens(services: Services, signal: AbortSignal): Promise<string[]> {
    const { media, deviceIo } = services;
    const asked = async (address: ServiceAddress | undefined, namespace: string): Promise<string[]> => {
      if (!address) return [];
      return optional('video sources', [], signal, async () => {
        const answer = await ask(address, 'Video sources', namespace, 'GetVideoSources', signal);
        // Media gives elements with a token, DeviceIO the tokens alone.
        return childrenOf(answer, 'VideoSources')
          .concat(childrenOf(answer, 'Token'))
          .map((e) => e.attributes.token ?? e.text.trim())
          .filter((token) => token !== '');
      });
    };
    const found = await asked(media, ns.media);
    return found.length > 0 ? found : asked(deviceIo, ns.deviceIo);
  }

  async function profiles(services: Services, signal: AbortSignal): Promise<XmlElement[]> {
    const { media, media2 } = services;
    if (media) {
      const answer = await optional<XmlElement | null>('profiles', null, signal, () =>
        ask(media, 'Media profiles', ns.media, 'GetProfiles', signal),
      );
      const found = childrenOf(answer ?? undefined, 'Profiles');
      if (found.length > 0) return found;
    }
    if (!media2) return [];
    const inner = '<Type>All</Type>';
    const answer = await ask(media2, 'Media profiles', ns.media2, 'GetProfiles', signal, inner);
    return childrenOf(answer, 'Profiles');
  }

  return {
    async channels(services, signal) {
      const tokens = await sourceTokens(services, signal);
      return channelsOf(tokens.slice(0, MAX_LISTED), (await profiles(services, signal)).slice(0, MAX_LISTED));
    },

    async relays({ deviceIo }, signal) {
      const from = async (address: ServiceAddress, namespace: string): Promise<Relay[]> =>
        childrenOf(await ask(address, 'Relay outputs', namespace, 'GetRelayOutputs', signal), 'RelayOutputs')
          .slice(0, MAX_LISTED)
          .map(relayOf)
          .filter((relay) => relay !== null);
      const found = deviceIo
        ? await optional<Relay[]>('relays of DeviceIO', [], signal, () => from(deviceIo, ns.deviceIo))
        : [];
      return found.length > 0
        ? found
        : optional<Relay[]>('relays', [], signal, () => from(client.deviceService, ns.device));
    },

    inputs: ({ deviceIo }, signal) =>
      deviceIo
        ? optional<string[]>('digital inputs', [], signal, async () => {
            const answer = await ask(deviceIo, 'Digital inputs', ns.deviceIo, 'GetDigitalInputs', signal);
            return childrenOf(answer, 'DigitalInputs')
              .slice(0, MAX_LISTED)
              .map((e) => (e.attributes.token ?? '').trim())
              .filter((token) => token !== '');
          })
        : Promise.resolve([]),

    async presets({ ptz }, { ptzProfileToken }, signal) {
      if (!ptz || ptzProfileToken === null) return [];
      const inner = `<ProfileToken>${xmlText(ptzProfileToken)}</ProfileToken>`;
      const answer = await ask(ptz, 'PTZ presets', ns.ptz, 'GetPresets', signal, inner);
      return numbered(
        childrenOf(answer, 'Preset')
          .slice(0, MAX_LISTED)
          .map((e) => ({
            token: (e.attributes.token ?? '').trim(),
            name: childText(e, 'Name') ?? '',
            position: vectorIn(child(e, 'PTZPosition')),
          }))
          .filter(({ token }) => token !== ''),
      );
    },

    async presetTours({ ptz }, { ptzProfileToken }, signal) {
      if (!ptz || ptzProfileToken === null) return [];
      const inner = `<ProfileToken>${xmlText(ptzProfileToken)}</ProfileToken>`;
      const answer = await ask(ptz, 'PTZ preset tours', ns.ptz, 'GetPresetTours', signal, inner);
      return numbered(
        childrenOf(answer, 'PresetTour')
          .slice(0, MAX_LISTED)
          .map((e) => ({ token: (e.attributes.token ?? '').trim(), name: childText(e, 'Name') ?? '' }))
          .filter(({ token }) => token !== ''),
      );
    },

    async topics({ events }, signal) {
      if (!events) return [];
      const answer = await ask(events, 'Event topics', ns.events, 'GetEventProperties', signal);
      const set = findAll(answer, 'TopicSet')[0];
      const found: string[] = [];
      const visit = (e: XmlElement, path: string): void => {
        for (const step of e.children) {
          if (found.length >= MAX_LISTED || step.name === 'MessageDescription') continue;
          const here = path === '' ? step.name : `${path}/${step.name}`;
          const described = child(step, 'MessageDescription') !== undefined;
          if (/^(?:true|1)$/i.test(step.attributes.topic ?? '') || described) found.push(here);
          visit(step, here);
        }
      };
      if (set) visit(set, '');
      return found;
    },

    async auxiliaries({ ptz }, signal) {
      const found = await optional<string[]>('auxiliary commands', [], signal, async () => {
        const answer = await ask(
          client.deviceService,
          'Device capabilities',
          ns.device,
          'GetServiceCapabilities',
          signal,
        );
        return (findAll(answer, 'Misc')[0]?.attributes.AuxiliaryCommands ?? '').split(/\s+/);
      });
      const ofNodes = ptz
        ? await optional<string[]>('PTZ nodes', [], signal, async () =>
            findAll(await ask(ptz, 'PTZ nodes', ns.ptz, 'GetNodes', signal), 'AuxiliaryCommands').map((e) =>
              e.text.trim(),
            ),
          )
        : [];
      return [...new Set([...found, ...ofNodes])].filter((word) => word !== '').slice(0, MAX_LISTED);
    },

    recordingJobs: ({ recording }, signal) =>
      recording
        ? optional<string[]>('recording jobs', [], signal, async () =>
            findAll(await ask(recording, 'Recording jobs', ns.recording, 'GetRecordingJobs', signal), 'JobToken')
              .slice(0, MAX_LISTED)
              .map((e) => e.text.trim())
              .filter((token) => token !== ''),
          )
        : Promise.resolve([]),

    async rules({ analytics }, { analyticsTokens = [] }, signal) {
      if (!analytics) return [];
      const found: AnalyticsRule[] = [];
      for (const token of analyticsTokens) {
        const inner = `<ConfigurationToken>${xmlText(token)}</ConfigurationToken>`;
        const asked = (name: string): Promise<XmlElement | null> =>
          optional<XmlElement | null>(name, null, signal, () =>
            ask(analytics, 'Rules', ns.analytics, name, signal, inner),
          );
        const rules = childrenOf((await asked('GetRules')) ?? undefined, 'Rule').slice(0, MAX_LISTED);
        if (rules.length === 0) continue;
        const described = await asked('GetSupportedRules');
        const topics = topicsByRule(described ?? undefined);
        for (const rule of rules) {
          const name = (rule.attributes.Name ?? '').trim();
          const type = withoutPrefix(rule.attributes.Type ?? '');
          if (name !== '') found.push({ name, type, topics: topics.get(type) ?? [] });
        }
      }
      return found.slice(0, MAX_LISTED);
    },
  };
}

const withoutPrefix = (name: string): string => name.slice(name.lastIndexOf(':') + 1).trim();

/** ParentTopic of the messages of each kind of rule. */
function topicsByRule(described: XmlElement | undefined): Map<string, string[]> {
  const topics = new Map<string, string[]>();
  for (const rule of described ? findAll(described, 'RuleDescription').slice(0, MAX_LISTED) : []) {
    const named = findAll(rule, 'ParentTopic').map((e) => e.text.trim());
    topics.set(withoutPrefix(rule.attributes.Name ?? ''), named.slice(0, 16));
  }
  return topics;
}

function relayOf(e: XmlElement): Relay | null {
  const token = (e.attributes.token ?? '').trim();
  if (token === '') return null;
  const mode = textIn(e, 'Mode')?.toLowerCase();
  const idle = textIn(e, 'IdleState')?.toLowerCase();
  return {
    token,
    mode: mode === 'bistable' || mode === 'monostable' ? mode : null,
    delayMs: durationMs(textIn(e, 'DelayTime')),
    idle: idle === 'open' || idle === 'closed' ? idle : null,
  };
}

/** Numbers the presets by their tokens where those hold numbers that differ (`3`, `Preset_3`), else by their order. */
function numbered(presets: Omit<Preset, 'number'>[]): Preset[] {
  const numbers = presets.map(({ token }) => Number(/(\d{1,5})$/.exec(token)?.[1] ?? Number.NaN));
  const usable = numbers.every((n) => n >= 1 && n <= 65_535) && new Set(numbers).size === numbers.length;
  return presets.map(({ token, name, position = {} }, i) => ({
    number: usable ? numbers[i]! : i + 1,
    token,
    name: name || token,
    ...(Object.keys(position).length > 0 ? { position } : {}),
  }));
}

/** Channels in the order of the video sources; without a list of these, in the order in which profiles name them. */
function channelsOf(sources: string[], profiles: XmlElement[]): OnvifChannel[] {
  const order = [...new Set(sources)];
  const found = new Map<string, OnvifChannel & { tokens: Set<string> }>();
  const channelFor = (source: string): OnvifChannel & { tokens: Set<string> } => {
    const known = found.get(source);
    if (known) return known;
    if (!order.includes(source)) order.push(source);
    const fresh = {
      channel: order.indexOf(source) + 1,
      name: '',
      sourceToken: source,
      profileToken: '',
      ptzProfileToken: null,
      tokens: new Set([source]),
    };
    found.set(source, fresh);
    return fresh;
  };
  for (const source of order.slice()) channelFor(source);
  for (const profile of profiles) {
    const part = (...names: string[]): XmlElement | undefined =>
      names.map((name) => findAll(profile, name)[0]).find((e) => e !== undefined);
    const video = part('VideoSourceConfiguration', 'VideoSource');
    const source = textIn(video, 'SourceToken');
    if (!source) continue;
    const channel = channelFor(source);
    const token = (profile.attributes.token ?? '').trim();
    if (channel.profileToken === '') channel.profileToken = token;
    if (channel.name === '') channel.name = childText(video, 'Name') || childText(profile, 'Name') || '';
    const ptz = part('PTZConfiguration', 'PTZ');
    if (ptz && channel.ptzProfileToken === null) channel.ptzProfileToken = token;
    const analytics = part('VideoAnalyticsConfiguration', 'Analytics');
    const analysis = analytics?.attributes.token?.trim();
    if (analysis && !channel.analyticsTokens?.includes(analysis))
      channel.analyticsTokens = [...(channel.analyticsTokens ?? []), analysis];
    for (const e of [profile, video, analytics, ptz])
      if (e?.attributes.token) channel.tokens.add(e.attributes.token.trim());
  }
  return [...found.values()].sort((a, b) => a.channel - b.channel);
}
