import type { Clock } from '../../clock/clock';
import type { DeviceFacts, DeviceOffers } from '../../domain/devices';
import { asAlarmflowError, userError } from '../../domain/errors';
import type { EventType } from '../../domain/events';
import type { Log } from '../../domain/log';
import { childText } from '../wire';
import type { OnvifChannel } from './channel-map';
import { element } from './envelope';
import type { Inventory } from './inventory';
import { ns } from './namespaces';
import type { Services } from './services';
import type { SoapClient } from './soap-client';
import { natureOfTopic, typeOfRule } from './topics';

export interface ProbeOptions {
  client: SoapClient;
  inventory: Inventory;
  name: string;
  clock: Clock;
  log: Log;
  services(signal: AbortSignal): Promise<Services>;
  channels(signal: AbortSignal): Promise<readonly OnvifChannel[]>;
}

/** A clock further away than this makes recordings and other clients go wrong. */
const CLOCK_WARNING_MS = 60_000;

/** What may be missing without the device being none of ours. */
async function orElse<T>(otherwise: T, log: Log, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = asAlarmflowError(thrown);
    if (signal.aborted || error.code === 'E_CREDENTIALS_REFUSED') throw error;
    log.debug('onvif.probe-part', { reason: error.message });
    return otherwise;
  }
}

/** Asks a device who it is and what the operator should mend on it. Throws what its identity's request throws. */
export async function probeOnvif(options: ProbeOptions, signal: AbortSignal): Promise<DeviceFacts> {
  const { client, inventory, log } = options;
  try {
    await client.readClock(signal);
  } catch (thrown) {
    const error = asAlarmflowError(thrown);
    if (error.code !== 'E_NOT_ONVIF') throw error;
    throw userError(
      'E_NOT_ONVIF',
      `"${options.name}" speaks no ONVIF at this address: switch ONVIF on in its web page, or correct port and path. ${error.message}`,
      { cause: error },
    );
  }
  const info = await client.ask(
    client.deviceService,
    {
      what: 'Device information',
      action: `${ns.device}/GetDeviceInformation`,
      body: element('GetDeviceInformation', ns.device),
    },
    signal,
  );
  const text = (field: string): string => childText(info, field) ?? '';
  const services = await options.services(signal);
  const channels = await orElse<readonly OnvifChannel[]>([], log, signal, () => options.channels(signal));
  const relays = await inventory.relays(services, signal);
  const inputs = await inventory.inputs(services, signal);
  const topics = await orElse<string[]>([], log, signal, () => inventory.topics(services, signal));
  const warnings: string[] = [];
  const offset = client.offset();
  if (offset !== null && Math.abs(offset) > CLOCK_WARNING_MS)
    warnings.push(
      `The device's clock is ${Math.round(Math.abs(offset) / 1000)} s ${offset > 0 ? 'ahead' : 'behind'}: set its time, best by NTP`,
    );
  if (!services.events) warnings.push('The device offers no event service: its alarms do not arrive over ONVIF');
  for (const relay of relays) {
    if (relay.mode !== 'monostable') continue;
    const after = relay.delayMs === null ? '' : ` after ${relay.delayMs / 1000} s`;
    warnings.push(
      `Relay output ${relay.token} falls back by itself${after}: set it to bistable in the device if an alarm shall hold it longer`,
    );
  }
  return {
    model: [text('Manufacturer'), text('Model')].filter(Boolean).join(' '),
    serialNumber: text('SerialNumber'),
    firmware: text('FirmwareVersion'),
    deviceType: channels.length > 1 ? 'ONVIF device with several channels' : 'ONVIF device',
    inputs: inputs.length,
    outputs: relays.length,
    channels: channels.length,
    hasPtz: channels.some((c) => c.ptzProfileToken !== null) && services.ptz !== undefined,
    hasThermal: topics.some((path) => natureOfTopic(path).type.startsWith('temperature')),
    warnings,
  };
}

const lightWords = /lamp|light|led|laser|flash/i;
const sirenWords = /siren|alarm|sound|horn|buzzer|beep/i;

/** What there is to choose from (PROTOCOLS §4.4, §4.5). Parts that the device doesn't tell stay empty. */
export async function onvifOffers(options: ProbeOptions, signal: AbortSignal): Promise<DeviceOffers> {
  const { inventory, log } = options;
  const services = await options.services(signal);
  const channels = await orElse<readonly OnvifChannel[]>([], log, signal, () => options.channels(signal));
  const relays = await inventory.relays(services, signal);
  const inputs = await inventory.inputs(services, signal);
  const presets: DeviceOffers['presets'] = [];
  for (const channel of channels) {
    const list = await orElse([], log, signal, () => inventory.presets(services, channel, signal));
    presets.push(...list.map(({ number, name }) => ({ channel: channel.channel, preset: number, name })));
  }
  const rules: DeviceOffers['rules'] = [];
  for (const channel of channels) {
    const list = await orElse([], log, signal, () => inventory.rules(services, channel, signal));
    for (const { name, type, topics } of list)
      rules.push({ channel: channel.channel, rule: name, name, type: typeOfRule(type, topics) });
  }
  const topics = await orElse<string[]>([], log, signal, () => inventory.topics(services, signal));
  const types = topics.map(natureOfTopic).filter((nature) => nature.life !== 'info');
  const words = await inventory.auxiliaries(services, signal);
  const names = [...new Set(words.map((word) => word.split('|', 1)[0] ?? ''))].filter((n) => /^[\w:.-]{1,64}$/.test(n));
  const jobs = await inventory.recordingJobs(services, signal);
  return {
    channels: channels.map(({ channel, name }) => ({ channel, name: name || `Channel ${channel}` })),
    inputs: inputs.map((token) => ({ input: token, name: `Digital input ${token}` })),
    outputs: relays.map(({ token, mode }) => ({
      output: token,
      name: `Relay output ${token}${mode === 'monostable' ? ' (falls back by itself)' : ''}`,
    })),
    presets,
    rules,
    eventTypes: [...new Set<EventType>(types.map((nature) => nature.type))],
    switches: [
      ...names.filter((n) => sirenWords.test(n)).map((n) => ({ kind: 'siren' as const, name: n, title: n })),
      ...names.filter((n) => lightWords.test(n)).map((n) => ({ kind: 'light' as const, name: n, title: n })),
      ...jobs.map((token) => ({ kind: 'record' as const, name: token, title: `Recording job ${token}` })),
    ],
  };
}
