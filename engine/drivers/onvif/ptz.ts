import type { PtzMove } from '../../domain/devices';
import { userError } from '../../domain/errors';
import { checkMove, moveWords, noSuchMove } from '../ptz-moves';
import { faultError } from './answer';
import type { OnvifChannel } from './channel-map';
import { element, xmlText } from './envelope';
import type { Inventory } from './inventory';
import { ns } from './namespaces';
import type { Services } from './services';
import type { SoapClient } from './soap-client';

const HAS = 'presets, preset tours, continuous pan, its auxiliary commands, home and stop';
/** Part of the greatest speed, -1 to 1. */
const PAN_SPEED = 0.3;

export interface PtzOptions {
  client: SoapClient;
  inventory: Inventory;
  deviceName: string;
  services(signal: AbortSignal): Promise<Services>;
  channelAt(channel: number, signal: AbortSignal): Promise<OnvifChannel>;
  gotoPreset(channel: number, preset: number, signal: AbortSignal): Promise<void>;
  /** By the word before the bar, e.g. `tt:Wiper`. */
  auxiliary(word: string, on: boolean, signal: AbortSignal): Promise<void>;
}

/** Moves over the PTZ service (PROTOCOLS §4.5). A tour or an auxiliary command is counted in the order of the device's list. */
export function createPtz(options: PtzOptions) {
  const { client, inventory, deviceName } = options;
  /** Tokens of the tours that were started, by channel: the end needs the token. */
  const tours = new Map<number, string>();

  async function order(
    channel: number,
    move: PtzMove,
    name: string,
    inner: string,
    signal: AbortSignal,
  ): Promise<void> {
    const what = `PTZ ${moveWords(move)} on channel ${channel} of "${deviceName}"`;
    const { ptzProfileToken } = await options.channelAt(channel, signal);
    const { ptz } = await options.services(signal);
    if (!ptz || ptzProfileToken === null)
      throw userError('E_NOT_SUPPORTED', `${what}: this channel has no PTZ. Choose another camera or channel`);
    const body = element(name, ns.ptz, `<ProfileToken>${xmlText(ptzProfileToken)}</ProfileToken>${inner}`);
    const reply = await client.call(ptz, { what, action: `${ns.ptz}/${name}`, body }, signal);
    if (!reply.ok) throw faultError(reply.fault, what);
  }

  const operate = (channel: number, move: PtzMove, token: string, operation: string, signal: AbortSignal) =>
    order(
      channel,
      move,
      'OperatePresetTour',
      `<PresetTourToken>${xmlText(token)}</PresetTourToken><Operation>${operation}</Operation>`,
      signal,
    );

  async function tour(channel: number, move: PtzMove & { number: number }, signal: AbortSignal): Promise<void> {
    const list = await inventory.presetTours(
      await options.services(signal),
      await options.channelAt(channel, signal),
      signal,
    );
    const found = list.find(({ number }) => number === move.number);
    if (!found)
      throw userError(
        'E_BAD_PARAMETER',
        `Tour ${move.number} on channel ${channel} of "${deviceName}": the device has ${list.length}. Choose one of these`,
      );
    await operate(channel, move, found.token, 'Start', signal);
    tours.set(channel, found.token);
  }

  async function aux(move: PtzMove & { move: 'aux' }, signal: AbortSignal): Promise<void> {
    const words = await inventory.auxiliaries(await options.services(signal), signal);
    const names = [...new Set(words.map((word) => word.split('|', 1)[0] ?? ''))];
    const name = names[move.number - 1];
    if (name === undefined)
      throw userError(
        'E_BAD_PARAMETER',
        `Auxiliary command ${move.number} of "${deviceName}": the device has ${names.length}${names.length > 0 ? `: ${names.join(', ').slice(0, 200)}` : ''}`,
      );
    await options.auxiliary(name, move.on, signal);
  }

  async function stop(channel: number, move: PtzMove, signal: AbortSignal): Promise<void> {
    const token = tours.get(channel);
    if (token !== undefined) await operate(channel, move, token, 'Stop', signal);
    tours.delete(channel);
    await order(channel, move, 'Stop', '<PanTilt>true</PanTilt><Zoom>true</Zoom>', signal);
  }

  return async function ptz(channel: number, move: PtzMove, signal: AbortSignal): Promise<void> {
    checkMove(channel, move);
    switch (move.move) {
      case 'preset':
        return options.gotoPreset(channel, move.number, signal);
      case 'home':
        return order(channel, move, 'GotoHomePosition', '', signal);
      case 'tour':
        return tour(channel, move, signal);
      case 'aux':
        return aux(move, signal);
      case 'stop':
        return stop(channel, move, signal);
      case 'pan': {
        const velocity = `<Velocity><PanTilt xmlns="${ns.schema}" x="${PAN_SPEED}" y="0"/></Velocity>`;
        return order(channel, move, 'ContinuousMove', velocity, signal);
      }
      default:
        throw noSuchMove(deviceName, move, HAS);
    }
  };
}
