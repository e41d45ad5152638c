import { type HeadPlace, presetPlace } from '../../simulated/turning-head';
import { numberOf, textOf } from '../document';
import {
  badContent,
  documentOf,
  notSupported,
  ok,
  type ResourceAnswer,
  type ResourceRequest,
  type RouteOf,
  status,
  xml,
} from './answers';
import type { Resources } from './device-state';

/** Patrols and patterns that are set up on the device. */
const PATROLS = 4;
const PATTERNS = 2;
const auxTypes = ['LIGHT', 'WIPER'] as const;

/** Carries a move out if the device has PTZ there. */
function moved(r: ResourceRequest, channel: string | undefined, at: Resources, act: () => boolean): ResourceAnswer {
  if (at.hardware.presets === 0 || channel !== '1') return notSupported(r.url);
  if (at.faults.has('error-in-200')) return status(r.url, 200, 4, 'Invalid Operation', 'invalidOperation');
  return act() ? ok(r.url) : badContent(r.url);
}

const inTenths = ({ pan, tilt, zoom }: HeadPlace): Record<string, number> => ({
  elevation: Math.round(tilt * 10),
  azimuth: Math.round(pan * 10),
  absoluteZoom: Math.round(zoom * 10),
});

/** `AbsoluteHigh` of a preset, where the firmware tells it. */
export const placeOfPreset = (number: number, { faults }: Resources): Record<string, unknown> =>
  faults.has('no-preset-places') ? {} : { AbsoluteHigh: inTenths(presetPlace(number)) };

/** Moves beside the call of a preset: what the camera does is the hardware's `motion`. */
export const ptzRoutes: RouteOf<Resources>[] = [
  [
    /^GET \/ISAPI\/PTZCtrl\/channels\/(\d+)\/status$/,
    (r, [channel], at) =>
      at.hardware.presets > 0 && channel === '1' && !at.faults.has('no-ptz-status')
        ? xml('PTZStatus', { AbsoluteHigh: inTenths(at.hardware.head.read()) })
        : notSupported(r.url),
  ],
  [
    /^PUT \/ISAPI\/PTZCtrl\/channels\/(\d+)\/(patrols|patterns)\/(\d+)\/(start|run|stop)$/,
    (r, [channel, kind, number, order], at) =>
      moved(r, channel, at, () => {
        const patrol = kind === 'patrols';
        if (order === 'run' && patrol) return false;
        if (!(Number(number) >= 1 && Number(number) <= (patrol ? PATROLS : PATTERNS))) return false;
        at.hardware.move(order === 'stop' ? null : `${patrol ? 'patrol' : 'pattern'} ${number}`);
        return true;
      }),
  ],
  [
    /^PUT \/ISAPI\/PTZCtrl\/channels\/(\d+)\/homeposition\/goto$/,
    (r, [channel], at) =>
      moved(r, channel, at, () => {
        at.hardware.move('home');
        return true;
      }),
  ],
  [
    /^PUT \/ISAPI\/PTZCtrl\/channels\/(\d+)\/(autoPan|continuous)$/,
    (r, [channel, kind], at) =>
      moved(r, channel, at, () => {
        const root = documentOf(r.body);
        const speed = root && numberOf(root, kind === 'autoPan' ? 'autoPan' : 'pan');
        if (speed === undefined || speed === null || Math.abs(speed) > 100) return false;
        at.hardware.move(speed === 0 ? null : 'pan');
        return true;
      }),
  ],
  [
    /^GET \/ISAPI\/PTZCtrl\/channels\/(\d+)\/auxcontrols$/,
    (r, [channel], at) =>
      at.hardware.presets > 0 && channel === '1'
        ? xml('PTZAuxList', {
            PTZAux: auxTypes.map((type, i) => ({
              id: i + 1,
              type,
              status: at.hardware.aux.has(i + 1) ? 'on' : 'off',
            })),
          })
        : notSupported(r.url),
  ],
  [
    /^PUT \/ISAPI\/PTZCtrl\/channels\/(\d+)\/auxcontrols\/(\d+)$/,
    (r, [channel, number], at) =>
      moved(r, channel, at, () => {
        const root = documentOf(r.body);
        const wanted = root && textOf(root, 'status');
        const type = auxTypes[Number(number) - 1];
        if (!root || type === undefined || textOf(root, 'type') !== type || !/^(?:on|off)$/.test(wanted ?? ''))
          return false;
        at.hardware.setAux(Number(number), wanted === 'on');
        return true;
      }),
  ],
];
