import type { PtzPosition, PtzReading } from '../ptz-judgement';
import type { PtzReader } from '../ptz-watch';
import type { Cgi } from './cgi';

const DEGREES = 1.5;
/** Of the zoom's factor. */
const TIMES = 0.3;

function numberAt(table: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = table.get(`status.${name}`) ?? table.get(name);
  return text !== undefined && /^[+-]?\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) : undefined;
}

/** `Idle` or a word for moving, of the head and of the zoom; null where neither is told. */
function movingIn(table: ReadonlyMap<string, string>): boolean | null {
  const words = ['MoveStatus', 'PanTiltStatus', 'ZoomStatus']
    .map((name) => table.get(`status.${name}`)?.toLowerCase())
    .filter((word) => word !== undefined && word !== '' && word !== 'unknown');
  return words.length === 0 ? null : words.some((word) => word !== 'idle');
}

/**
 * Where a camera looks (`ptz.cgi?action=getStatus`, PROTOCOLS §2.6): degrees, with the word Position spelled as the
 * firmware does. Where its presets are it does not tell, but at which it is.
 */
export function createPtzReader(cgi: Pick<Cgi, 'table'>, deviceName: string): PtzReader {
  return {
    async read(channel, signal): Promise<PtzReading | null> {
      const parameters = [
        ['action', 'getStatus'],
        ['channel', String(channel)],
      ] as const;
      const table = await cgi.table(
        { name: 'ptz', parameters, signal, optional: true },
        `PTZ position of channel ${channel} of "${deviceName}"`,
      );
      const axis = (index: number): number | undefined =>
        numberAt(table, `Postion[${index}]`) ?? numberAt(table, `Position[${index}]`);
      const [pan, tilt, zoom] = [axis(0), axis(1), axis(2)];
      const position: PtzPosition = {
        ...(pan === undefined ? {} : { pan: { at: pan, tolerance: DEGREES, turn: 360 } }),
        ...(tilt === undefined ? {} : { tilt: { at: tilt, tolerance: DEGREES } }),
        ...(zoom === undefined ? {} : { zoom: { at: zoom, tolerance: TIMES } }),
      };
      if (Object.keys(position).length === 0) return null;
      const preset = numberAt(table, 'PresetID');
      return { position, moving: movingIn(table), ...(preset ? { preset } : {}) };
    },
  };
}
