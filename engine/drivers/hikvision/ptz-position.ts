import type { PtzPosition } from '../ptz-judgement';
import type { PtzReader } from '../ptz-watch';
import { childrenOf, type DocumentNode, findNode, numberOf } from './document';
import type { IsapiCalls } from './isapi-calls';

const MOST_LISTED = 512;
const TOLERANCE = 15;

/**
 * `AbsoluteHigh` (ISAPI, PTZ chapter): azimuth 0 to 3,600 and elevation -900 to 2,700 in tenths of a degree, zoom in tenths
 * of its factor.
 */
function positionIn(node: DocumentNode | undefined): PtzPosition {
  const absolute = node && findNode(node, 'AbsoluteHigh');
  const [pan, tilt, zoom] = ['azimuth', 'elevation', 'absoluteZoom'].map((name) => numberOf(absolute, name));
  return {
    ...(pan === undefined ? {} : { pan: { at: pan, tolerance: TOLERANCE, turn: 3_600 } }),
    ...(tilt === undefined ? {} : { tilt: { at: tilt, tolerance: TOLERANCE } }),
    ...(zoom === undefined ? {} : { zoom: { at: zoom, tolerance: Math.max(5, Math.abs(zoom) * 0.05) } }),
  };
}

/** Where a camera looks and where its presets are, as far as its firmware tells (PROTOCOLS §1.7). */
export function createPtzReader(calls: Pick<IsapiCalls, 'read'>, deviceName: string): PtzReader {
  const named = (what: string, channel: number): string => `${what} of channel ${channel} of "${deviceName}"`;
  return {
    async read(channel, signal) {
      const path = `/ISAPI/PTZCtrl/channels/${channel}/status`;
      const told = await calls.read(path, named('PTZ position', channel), signal);
      return told && { position: positionIn(told.root), moving: null };
    },
    async presetPlaces(channel, signal) {
      const path = `/ISAPI/PTZCtrl/channels/${channel}/presets`;
      const told = await calls.read(path, named('PTZ presets', channel), signal);
      const places = new Map<number, PtzPosition>();
      for (const node of childrenOf(told?.root, 'PTZPreset').slice(0, MOST_LISTED)) {
        const number = numberOf(node, 'id');
        const place = positionIn(node);
        if (number !== undefined && Object.keys(place).length > 0) places.set(number, place);
      }
      return places;
    },
  };
}
