import { notSupported, type RouteOf, xml } from './answers';
import type { Resources } from './device-state';
import { placeOfPreset } from './ptz-routes';

/** Presets, and the rules of the device's own analysis. */
export const smartRoutes: RouteOf<Resources>[] = [
  [
    /^GET \/ISAPI\/PTZCtrl\/channels\/(\d+)\/presets$/,
    (r, [channel], at) =>
      at.hardware.presets > 0 && channel === '1'
        ? xml('PTZPresetList', {
            PTZPreset: Array.from({ length: at.hardware.presets }, (_, i) => ({
              id: i + 1,
              presetName: i === 0 ? 'Gate & yard' : `Preset ${i + 1}`,
              enabled: i < 3,
              ...placeOfPreset(i + 1, at),
            })),
          })
        : notSupported(r.url),
  ],
  [
    /^GET \/ISAPI\/Smart\/FieldDetection\/1$/,
    (r, _p, at) =>
      at.model === 'nvr'
        ? notSupported(r.url)
        : xml('FieldDetection', {
            id: 1,
            enabled: true,
            FieldDetectionRegionList: {
              FieldDetectionRegion: [
                { id: 1, enabled: true, name: 'Fence' },
                { id: 2, enabled: false },
              ],
            },
          }),
  ],
  [
    /^GET \/ISAPI\/Smart\/LineDetection\/1$/,
    (r, _p, at) =>
      at.model === 'nvr'
        ? notSupported(r.url)
        : xml('LineDetection', { id: 1, enabled: true, LineItemList: { LineItem: [{ id: 4, enabled: true }] } }),
  ],
];
