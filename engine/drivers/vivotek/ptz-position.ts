import { AlarmflowError } from '../../domain/errors';
import type { PtzPosition } from '../ptz-judgement';
import type { PtzReader } from '../ptz-watch';
import type { Cgi } from './cgi';
import { parseParams } from './params';

const VIEWER = '/cgi-bin/viewer/camctrl.cgi';
const CAMCTRL = '/cgi-bin/camctrl/camctrl.cgi';
/** Of its own steps, of which a turn has thousands. */
const STEPS = 30;

export interface PtzReaderOptions {
  cgi: Pick<Cgi, 'ask'>;
  deviceName: string;
  /** Whether its user may well lack the right to move it: asking there all the same would count as a wrong password. */
  mayLack(): boolean;
}

/**
 * Where a camera looks, in steps of its own (`camctrl.cgi?getpan`, user's manuals, "Camera Control"). Where its presets are
 * it does not tell.
 */
export function createPtzReader({ cgi, deviceName, mayLack }: PtzReaderOptions): PtzReader {
  let known: string | null = null;
  return {
    async read(channel, signal) {
      const paths = known === null ? [VIEWER, ...(mayLack() ? [] : [CAMCTRL])] : [known];
      for (const path of paths) {
        let text: string;
        try {
          const query = `channel=${channel - 1}&getpan&gettilt&getzoom`;
          text = await cgi.ask(`${path}?${query}`, `PTZ position of channel ${channel} of "${deviceName}"`, signal);
        } catch (thrown) {
          if (thrown instanceof AlarmflowError && thrown.code === 'E_NOT_SUPPORTED') continue;
          throw thrown;
        }
        const told = parseParams(text);
        const position: PtzPosition = {};
        for (const axis of ['pan', 'tilt', 'zoom'] as const) {
          const value = told.get(axis);
          if (value !== undefined && /^-?\d{1,7}$/.test(value))
            position[axis] = { at: Number(value), tolerance: STEPS };
        }
        if (Object.keys(position).length === 0) continue;
        known = path;
        return { position, moving: null };
      }
      return null;
    },
  };
}
