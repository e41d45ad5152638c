import type { PtzMove } from '../../domain/devices';
import { checkMove, moveWords, noSuchMove } from '../ptz-moves';

const HAS = 'presets, its one patrol (tour 1), auto-pan, home and stop';
const CONTROL = ['/cgi-bin/camctrl/camctrl.cgi', '/cgi-bin/viewer/camctrl.cgi'] as const;

export interface PtzOptions {
  deviceName: string;
  /** The first path that the model has; throws the error of the first where it has none. */
  orderAny(paths: readonly string[], what: string, signal: AbortSignal): Promise<string>;
  gotoPreset(channel: number, preset: number, signal: AbortSignal): Promise<void>;
}

/** Moves over camctrl.cgi (PROTOCOLS §3.3); presets are called by their names. */
export const createPtz =
  ({ deviceName, orderAny, gotoPreset }: PtzOptions) =>
  async (channel: number, move: PtzMove, signal: AbortSignal): Promise<void> => {
    checkMove(channel, move, 1_000);
    const order = async (query: string): Promise<void> => {
      const paths = CONTROL.map((path) => `${path}?channel=${channel - 1}&${query}`);
      await orderAny(paths, `PTZ ${moveWords(move)} on channel ${channel}`, signal);
    };
    switch (move.move) {
      case 'preset':
        return gotoPreset(channel, move.number, signal);
      case 'home':
        return order('move=home');
      case 'pan':
        return order('auto=pan');
      case 'stop':
        return order('auto=stop');
      case 'tour':
        if (move.number === 1) return order('auto=patrol');
    }
    throw noSuchMove(deviceName, move, HAS);
  };
