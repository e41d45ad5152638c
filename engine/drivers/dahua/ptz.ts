import type { PtzMove } from '../../domain/devices';
import { checkMove, moveWords, noSuchMove } from '../ptz-moves';
import type { Cgi } from './cgi';
import { gotoPreset } from './presets';

const HAS = 'presets, tours, patterns, scans, auto-pan, aux and stop';

/** What begins and what ends a move that goes on by itself. */
const codes = {
  tour: ['StartTour', 'StopTour'],
  pattern: ['StartPattern', 'StopPattern'],
  scan: ['AutoScanOn', 'AutoScanOff'],
  pan: ['AutoPanOn', 'AutoPanOff'],
} as const;

type Going = { move: Exclude<keyof typeof codes, 'pan'>; number: number } | { move: 'pan' };

/** Moves over ptz.cgi (PROTOCOLS §2.6); through a recorder the channel is the recorder's. */
export function createPtz(cgi: Cgi, deviceName: string) {
  /** What each channel was last told to go on with, for its end. */
  const goesOn = new Map<number, Going>();

  async function order(
    channel: number,
    move: PtzMove,
    action: 'start' | 'stop',
    code: string,
    number: number,
    signal: AbortSignal,
  ): Promise<void> {
    const parameters = [
      ['action', action],
      ['channel', String(channel)],
      ['code', code],
      ['arg1', String(number)],
      ['arg2', '0'],
      ['arg3', '0'],
    ] as const;
    const what = `PTZ ${moveWords(move)} on channel ${channel} of "${deviceName}"`;
    await cgi.text({ name: 'ptz', parameters, signal }, what);
  }

  const numberOf = (move: Going): number => ('number' in move ? move.number : 0);

  async function end(channel: number, move: PtzMove, signal: AbortSignal): Promise<void> {
    const going = goesOn.get(channel);
    if (going) await order(channel, move, 'start', codes[going.move][1], numberOf(going), signal);
    goesOn.delete(channel);
  }

  async function begin(channel: number, move: Going, signal: AbortSignal): Promise<void> {
    await order(channel, move, 'start', codes[move.move][0], numberOf(move), signal);
    goesOn.set(channel, move);
  }

  return async function ptz(channel: number, move: PtzMove, signal: AbortSignal): Promise<void> {
    checkMove(channel, move);
    switch (move.move) {
      case 'preset':
        await gotoPreset(cgi, deviceName, channel, move.number, signal);
        goesOn.delete(channel);
        return;
      case 'aux':
        return order(channel, move, 'start', move.on ? 'AuxOn' : 'AuxOff', move.number, signal);
      case 'stop':
        await end(channel, move, signal);
        return order(channel, move, 'stop', 'Up', 0, signal);
      case 'home':
        throw noSuchMove(deviceName, move, `${HAS}; a preset serves as its home`);
      case 'pan':
        return begin(channel, { move: 'pan' }, signal);
      default:
        return begin(channel, { move: move.move, number: move.number }, signal);
    }
  };
}
