import type { PtzReader } from '../ptz-watch';
import type { XmlElement } from '../wire';
import { faultError, firstOf, isUnsupported, textIn } from './answer';
import type { OnvifChannel } from './channel-map';
import { element, xmlText } from './envelope';
import type { Inventory } from './inventory';
import { ns } from './namespaces';
import { vectorIn } from './ptz-vector';
import type { Services } from './services';
import type { SoapClient } from './soap-client';

function movingIn(status: XmlElement | undefined): boolean | null {
  const words = ['PanTilt', 'Zoom']
    .map((name) => textIn(status, name)?.toUpperCase())
    .filter((word) => word === 'IDLE' || word === 'MOVING');
  return words.length === 0 ? null : words.includes('MOVING');
}

export interface PtzReaderOptions {
  client: SoapClient;
  inventory: Pick<Inventory, 'presets'>;
  deviceName: string;
  services(signal: AbortSignal): Promise<Services>;
  channelAt(channel: number, signal: AbortSignal): Promise<OnvifChannel>;
}

/** Where a camera looks (GetStatus) and where its presets are (GetPresets), as far as it tells (PROTOCOLS §4.5). */
export function createPtzReader(options: PtzReaderOptions): PtzReader {
  const { client, inventory, deviceName, services, channelAt } = options;
  return {
    async read(channel, signal) {
      const { ptz } = await services(signal);
      const { ptzProfileToken } = await channelAt(channel, signal);
      if (!ptz || ptzProfileToken === null) return null;
      const what = `PTZ position of channel ${channel} of "${deviceName}"`;
      const inner = `<ProfileToken>${xmlText(ptzProfileToken)}</ProfileToken>`;
      const body = element('GetStatus', ns.ptz, inner);
      const reply = await client.call(ptz, { what, action: `${ns.ptz}/GetStatus`, body }, signal);
      if (!reply.ok) {
        // "No status" is what a head says that has no sensors (ONVIF PTZ Specification §5.3.4).
        if (isUnsupported(reply.fault) || reply.fault.codes.includes('NoStatus')) return null;
        throw faultError(reply.fault, what);
      }
      const status = firstOf(reply.body ?? undefined, 'PTZStatus');
      return {
        position: vectorIn(firstOf(status, 'Position')),
        moving: movingIn(firstOf(status, 'MoveStatus')),
      };
    },
    async presetPlaces(channel, signal) {
      const list = await inventory.presets(await services(signal), await channelAt(channel, signal), signal);
      return new Map(list.flatMap(({ number, position }) => (position ? [[number, position] as const] : [])));
    },
  };
}
