/** The console's buzzer and the local player behind the same directory as the devices of the flow. */
import type { Clock } from '../clock/clock';
import type { ConnectedDevice, DeviceDirectory } from '../domain/devices';
import { userError } from '../domain/errors';
import { consoleDevice, playerDevice } from '../domain/local-devices';
import type { Log } from '../domain/log';
import { createLocalPlayer, type PlayerSettings } from './local-player';

export interface LocalDevices extends DeviceDirectory {
  close(): Promise<void>;
}

export interface LocalDevicesOptions {
  /** Those of the flow. */
  devices: DeviceDirectory;
  player: PlayerSettings;
  dataDir: string;
  clock: Clock;
  log: Log;
  /** Something of a local device is not as it was confirmed: its outputs are driven again. */
  driveAgain(deviceId: string): void;
}

export function withLocalDevices(options: LocalDevicesOptions): LocalDevices {
  const player = createLocalPlayer({
    settings: options.player,
    dataDir: options.dataDir,
    clock: options.clock,
    log: options.log,
    failed: () => options.driveAgain(playerDevice.id),
  });
  let buzzing = false;

  const buzzer = sounding(consoleDevice, {
    set: async (on) => {
      // Every open console sees the output's state and sounds by itself: a console that is opened later as well.
      buzzing = on;
      return on;
    },
    read: () => buzzing,
  });
  const speaker = sounding(playerDevice, { set: player.set, read: player.isPlaying });

  return {
    device(id) {
      if (id === consoleDevice.id) return buzzer;
      return id === playerDevice.id ? speaker : options.devices.device(id);
    },
    close: () => player.close(),
  };
}

interface Sound {
  set: (
    on: boolean,
    ...rest: [manner: Parameters<NonNullable<ConnectedDevice['setSwitch']>>[3], signal: AbortSignal]
  ) => Promise<boolean>;
  read(): boolean;
}

/** A device that has one siren and nothing else. */
function sounding({ id, name, output }: { id: string; name: string; output: string }, sound: Sound): ConnectedDevice {
  const unable = (what: string): Promise<never> =>
    Promise.reject(userError('E_NOT_SUPPORTED', `"${name}" has no ${what}: choose a device of the flow`));
  const check = (kind: string, given: string): void => {
    if (kind !== 'siren' || given !== output)
      throw userError('E_NOT_SUPPORTED', `"${name}" has no ${kind} "${given}": it has the siren "${output}"`);
  };
  return {
    id,
    name,
    setOutput: () => unable('alarm output'),
    readOutput: () => unable('alarm output'),
    snapshot: () => unable('picture'),
    gotoPreset: () => unable('preset'),
    async setSwitch(kind, given, on, manner, signal) {
      check(kind, given);
      return sound.set(on, manner, signal);
    },
    async readSwitch(kind, given) {
      check(kind, given);
      return sound.read();
    },
  };
}
