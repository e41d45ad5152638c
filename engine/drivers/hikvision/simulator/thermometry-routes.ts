import { json, notSupported, type RouteOf, xml } from './answers';
import type { Resources } from './device-state';

/** Temperatures, asked for, and the rules that measure them (PROTOCOLS §1.6). */
export const thermometryRoutes: RouteOf<Resources>[] = [
  [
    /^GET \/ISAPI\/Thermal\/channels\/(\d+)\/thermometry\/1\/rulesTemperatureInfo$/,
    (r, [channel], at) =>
      at.thermometry?.has(Number(channel)) && !at.faults.has('no-thermometry-poll')
        ? json({
            ThermometryRulesTemperatureInfoList: {
              ThermometryRulesTemperatureInfo: at.thermometry.rules.map((rule) => ({
                id: rule.id,
                name: rule.name,
                maxTemperature: rule.maximum,
                minTemperature: rule.minimum,
                averageTemperature: rule.average,
                MaxTemperaturePoint: { positionX: 512, positionY: 437 },
                isFreezedata: at.faults.has('frozen-temperatures'),
              })),
            },
          })
        : notSupported(r.url),
  ],
  [
    // The configuration lies on channel 1 on some models whose readings are on channel 2 (PROTOCOLS §1.6).
    /^GET \/ISAPI\/Thermal\/channels\/(\d+)\/thermometry\/1\/regions$/,
    (r, [channel], at) =>
      at.thermometry && (channel === '1' || !at.faults.has('thermal-rules-on-channel-1'))
        ? xml('ThermometryRegionList', {
            ThermometryRegion: at.thermometry.rules.map((rule) => ({
              id: rule.id,
              enabled: rule.id !== 3,
              name: rule.name,
              type: rule.kind,
            })),
          })
        : notSupported(r.url),
  ],
];
