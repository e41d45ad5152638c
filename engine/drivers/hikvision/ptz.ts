import type { PtzMove } from '../../domain/devices';
import { asAlarmflowError } from '../../domain/errors';
import { checkMove, moveWords, noSuchMove } from '../ptz-moves';
import { childrenOf, numberOf, textOf } from './document';
import type { IsapiCalls } from './isapi-calls';

/**
 * Scans have no resource of their own: the firmware starts them by presets that it keeps for that (camera manuals,
 * "special presets"): auto, frame, random, tilt, panorama scan.
 */
const scanPresets = [99, 98, 97, 100, 101] as const;
const STOP_SCAN = 96;
const PAN_SPEED = 40;

const HAS =
  'presets, patrols (tour), patterns, auto-pan, aux, home, stop, and the scans 1 auto, 2 frame, 3 random, 4 tilt, 5 panorama';

export interface PtzOptions {
  calls: IsapiCalls;
  deviceName: string;
  gotoPreset(channel: number, preset: number, signal: AbortSignal): Promise<void>;
}

/** Moves over ISAPI PTZCtrl (PROTOCOLS §1.7). A 200 means that the move is begun, not that the camera has arrived. */
export function createPtz({ calls, deviceName, gotoPreset }: PtzOptions) {
  /** What each channel was last told to go on with, for its end. */
  const goesOn = new Map<number, PtzMove>();

  async function put(path: string, move: PtzMove, channel: number, signal: AbortSignal, xml?: string): Promise<void> {
    const what = `PTZ ${moveWords(move)} on channel ${channel} of "${deviceName}"`;
    await calls.write(
      { path: `/ISAPI/PTZCtrl/channels/${channel}/${path}`, ...(xml === undefined ? {} : { xml }) },
      what,
      signal,
    );
  }

  /** Older firmware calls the beginning of a pattern otherwise. */
  async function runPattern(channel: number, move: PtzMove & { number: number }, signal: AbortSignal): Promise<void> {
    try {
      await put(`patterns/${move.number}/run`, move, channel, signal);
    } catch (thrown) {
      if (asAlarmflowError(thrown).code !== 'E_NOT_SUPPORTED') throw thrown;
      await put(`patterns/${move.number}/start`, move, channel, signal);
    }
  }

  const autoPan = (channel: number, move: PtzMove, speed: number, signal: AbortSignal): Promise<void> =>
    put('autoPan', move, channel, signal, `<autoPanData><autoPan>${speed}</autoPan></autoPanData>`);

  /** The kind of thing behind an auxiliary switch is part of the request: the device tells it. */
  async function aux(channel: number, move: PtzMove & { move: 'aux' }, signal: AbortSignal): Promise<void> {
    const what = `PTZ ${moveWords(move)} on channel ${channel} of "${deviceName}"`;
    const told = await calls.read(`/ISAPI/PTZCtrl/channels/${channel}/auxcontrols`, what, signal);
    const known = childrenOf(told?.root, 'PTZAux').find((node) => numberOf(node, 'id') === move.number);
    const type = /^\w{1,32}$/.exec(textOf(known, 'type') ?? '')?.[0] ?? (move.number === 2 ? 'WIPER' : 'LIGHT');
    // Cameras refuse this document with a namespace.
    const xml = `<PTZAux><id>${move.number}</id><type>${type}</type><status>${move.on ? 'on' : 'off'}</status></PTZAux>`;
    await put(`auxcontrols/${move.number}`, move, channel, signal, xml);
  }

  async function stop(channel: number, move: PtzMove, signal: AbortSignal): Promise<void> {
    const last = goesOn.get(channel);
    if (last?.move === 'tour') await put(`patrols/${last.number}/stop`, move, channel, signal);
    if (last?.move === 'pattern') await put(`patterns/${last.number}/stop`, move, channel, signal);
    if (last?.move === 'scan') await gotoPreset(channel, STOP_SCAN, signal);
    if (last?.move === 'pan') await autoPan(channel, move, 0, signal);
    // Any movement of the camera's own is ended by one by hand.
    const still = '<PTZData><pan>0</pan><tilt>0</tilt><zoom>0</zoom></PTZData>';
    await put('continuous', move, channel, signal, still);
    goesOn.delete(channel);
  }

  return async function ptz(channel: number, move: PtzMove, signal: AbortSignal): Promise<void> {
    checkMove(channel, move);
    switch (move.move) {
      case 'stop':
        return stop(channel, move, signal);
      case 'aux':
        return aux(channel, move, signal);
      case 'preset':
        await gotoPreset(channel, move.number, signal);
        break;
      case 'home':
        await put('homeposition/goto', move, channel, signal);
        break;
      case 'tour':
        await put(`patrols/${move.number}/start`, move, channel, signal);
        break;
      case 'pattern':
        await runPattern(channel, move, signal);
        break;
      case 'pan':
        await autoPan(channel, move, PAN_SPEED, signal);
        break;
      case 'scan': {
        const preset = scanPresets[move.number - 1];
        if (preset === undefined) throw noSuchMove(deviceName, move, HAS);
        await gotoPreset(channel, preset, signal);
      }
    }
    goesOn.set(channel, move);
  };
}
