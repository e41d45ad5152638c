import type { Cgi } from './cgi';
import { wholeNumber } from './pictures';

/** Moves a camera to a preset; through a recorder the channel is the recorder's (PROTOCOLS §2.6). */
export async function gotoPreset(
  cgi: Cgi,
  deviceName: string,
  channel: number,
  preset: number,
  signal: AbortSignal,
): Promise<void> {
  wholeNumber(channel, 'Channel');
  wholeNumber(preset, 'Preset');
  const parameters = [
    ['action', 'start'],
    ['channel', String(channel)],
    ['code', 'GotoPreset'],
    ['arg1', '0'],
    ['arg2', String(preset)],
    ['arg3', '0'],
  ] as const;
  await cgi.text({ name: 'ptz', parameters, signal }, `Preset ${preset} on channel ${channel} of "${deviceName}"`);
}
