import { findNode, numberOf, textOf } from '../document';
import {
  badContent,
  documentOf,
  json,
  notSupported,
  ok,
  type ResourceAnswer,
  type ResourceRequest,
  type RouteOf,
  status,
  xml,
} from './answers';
import type { Resources } from './device-state';
import { responseStatus, xmlText } from './documents';

const modesOf = (at: Resources): string =>
  at.faults.has('no-white-light') ? 'irLight,close' : 'eventIntelligence,colorVuWhiteLight,irLight,close';

function setLight(r: ResourceRequest, channel: number, at: Resources): ResourceAnswer {
  const light = at.switchables.lights.find((l) => l.channel === channel);
  const root = documentOf(r.body);
  const mode = root && textOf(root, 'supplementLightMode');
  if (!light || at.model === 'nvr') return notSupported(r.url);
  if (!root || !mode || !modesOf(at).split(',').includes(mode)) return badContent(r.url);
  if (at.faults.has('light-ignored')) return ok(r.url);
  light.mode = mode;
  light.brightness = numberOf(root, 'whiteLightBrightness') ?? light.brightness;
  light.regulation = textOf(root, 'mixedLightBrightnessRegulatMode') ?? light.regulation;
  at.command(`light ${channel} ${mode} ${light.brightness}`);
  return ok(r.url);
}

function record(r: ResourceRequest, command: string, track: string, at: Resources): ResourceAnswer {
  if (at.faults.has('record-by-post') && r.method === 'PUT')
    return status(r.url, 405, 4, 'Invalid Operation', 'methodNotAllowed');
  const bare = at.faults.has('record-bare-track');
  const channel = bare ? Number(track) : Math.floor(Number(track) / 100);
  if ((bare && track.length > 2) || channel < 1 || channel > at.channels) return badContent(r.url);
  if (at.faults.has('record-already')) return status(r.url, 403, 4, 'Invalid Operation', 'invalidOperation');
  const { recording } = at.switchables;
  at.switchables.recording = recording.filter((c) => c !== channel).concat(command === 'start' ? [channel] : []);
  at.command(`record ${channel} ${command}`);
  return ok(r.url);
}

const hasSiren = (at: Resources): boolean => at.model !== 'nvr' && !at.faults.has('no-siren');

export const switchableRoutes: RouteOf<Resources>[] = [
  [
    /^GET \/ISAPI\/Event\/triggers\/notifications\/AudioAlarm\/capabilities$/,
    (r, _p, at) =>
      hasSiren(at)
        ? json({
            AudioAlarmCap: {
              audioTypeListCap: [
                { audioID: 1, audioDescription: 'Siren' },
                { audioID: 2, audioDescription: 'Attention, you are being watched' },
                { audioID: 13, audioDescription: 'Temperature abnormal' },
              ],
              audioVolume: { '@min': 1, '@max': 100 },
              alarmTimes: { '@min': 1, '@max': 50 },
            },
          })
        : notSupported(r.url),
  ],
  [
    /^GET \/ISAPI\/Event\/triggers\/notifications\/AudioAlarm$/,
    (r, _p, at) =>
      hasSiren(at)
        ? json({ AudioAlarm: { audioID: 2, audioVolume: at.switchables.siren.volume, alarmTimes: 3, keepMe: 'x' } })
        : notSupported(r.url),
  ],
  [
    /^PUT \/ISAPI\/Event\/triggers\/notifications\/AudioAlarm$/,
    (r, _p, at) => {
      const root = documentOf(r.body);
      const volume = root && numberOf(root, 'audioVolume');
      // Whoever writes must write back what it doesn't know as well.
      if (!hasSiren(at) || volume === undefined || (root && textOf(root, 'keepMe')) !== 'x') return badContent(r.url);
      at.switchables.siren.volume = volume;
      at.command(`volume ${volume}`);
      return ok(r.url);
    },
  ],
  [
    /^PUT \/ISAPI\/Event\/triggers\/notifications\/AudioAlarm\/(\d+)\/test$/,
    (r, [sound], at) => {
      if (!hasSiren(at)) return notSupported(r.url);
      if (at.faults.has('error-in-200')) {
        return { status: 200, type: 'application/xml', body: responseStatus(r.url, 3, 'Device Error', 'deviceError') };
      }
      at.switchables.play(Number(sound));
      at.command(`sound ${sound}`);
      return ok(r.url);
    },
  ],
  [
    /^PUT \/ISAPI\/SecurityCP\/control\/siren\/(\d+)$/,
    (r, [id], at) => {
      const root = documentOf(r.body);
      const wanted = root && textOf(root, 'switch');
      if (!at.faults.has('alarm-hub')) return notSupported(r.url);
      if (wanted !== 'open' && wanted !== 'close') return badContent(r.url);
      const others = at.switchables.hubSirens.filter((s) => s !== Number(id));
      at.switchables.hubSirens = wanted === 'open' ? [...others, Number(id)] : others;
      return ok(r.url);
    },
  ],
  [
    /^GET \/ISAPI\/Image\/channels\/(\d+)\/supplementLight$/,
    (r, [channel], at) => {
      const light = at.switchables.lights.find((l) => l.channel === Number(channel));
      if (!light || at.model === 'nvr') return notSupported(r.url);
      return xml('SupplementLight', {
        supplementLightMode: light.mode,
        mixedLightBrightnessRegulatMode: light.regulation,
        whiteLightBrightness: light.brightness,
        irLightBrightness: 70,
      });
    },
  ],
  [
    /^GET \/ISAPI\/Image\/channels\/(\d+)\/supplementLight\/capabilities$/,
    (r, _p, at) => {
      if (at.model === 'nvr') return notSupported(r.url);
      const text = xmlText('SupplementLight', { supplementLightMode: 'x' }, { declaration: true });
      const body = text.replace('<supplementLightMode>x', `<supplementLightMode opt="${modesOf(at)}">close`);
      return { status: 200, type: 'application/xml', body };
    },
  ],
  [/^PUT \/ISAPI\/Image\/channels\/(\d+)\/supplementLight$/, (r, [channel], at) => setLight(r, Number(channel), at)],
  [
    /^GET \/ISAPI\/System\/externalDevice$/,
    (r, _p, at) =>
      at.faults.has('external-light')
        ? xml('ExternalDevice', {
            enabled: true,
            SupplementLight: {
              enabled: at.switchables.external.on,
              brightness: at.switchables.external.brightness,
              frequency: at.switchables.external.frequency,
              durationTime: at.switchables.external.seconds,
            },
          })
        : notSupported(r.url),
  ],
  [
    /^PUT \/ISAPI\/System\/externalDevice$/,
    (r, _p, at) => {
      const root = documentOf(r.body);
      const light = root && findNode(root, 'SupplementLight');
      if (!at.faults.has('external-light') || !root || !light || textOf(root, 'enabled') !== 'true')
        return badContent(r.url);
      const { external } = at.switchables;
      external.brightness = numberOf(light, 'brightness') ?? external.brightness;
      external.frequency = textOf(light, 'frequency') ?? external.frequency;
      external.seconds = numberOf(light, 'durationTime') ?? external.seconds;
      at.switchables.setExternal(textOf(light, 'enabled') === 'true');
      return ok(r.url);
    },
  ],
  [
    /^(?:PUT|POST) \/ISAPI\/ContentMgmt\/record\/control\/manual\/(start|stop)\/tracks\/(\d+)$/,
    (r, [command = '', track = ''], at) => record(r, command, track, at),
  ],
  [
    /^GET \/ISAPI\/System\/workingstatus\/chanStatus$/,
    (r, _p, at) =>
      at.faults.has('no-record-status')
        ? notSupported(r.url)
        : json({
            WorkingStatus: {
              ChanStatus: Array.from({ length: at.channels }, (_, i) => ({
                chanNo: i + 1,
                enable: 1,
                online: 1,
                record: at.switchables.recording.includes(i + 1) || at.faults.has('record-already') ? 1 : 0,
              })),
            },
          }),
  ],
  [
    /^GET \/ISAPI\/ContentMgmt\/Storage$/,
    (_r, _p, at) =>
      xml('storage', {
        hddList: at.faults.has('no-storage')
          ? {}
          : { hdd: [{ id: 1, hddType: 'local', status: 'ok', capacity: 30400 }] },
      }),
  ],
];
