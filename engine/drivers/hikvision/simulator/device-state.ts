import type { Faults } from './faults';
import type { Hardware, SimulatorModel } from './hardware';
import type { ListenerSlot, Listeners } from './listeners';
import type { Recorder } from './recorder';
import type { Switchables } from './switchables';
import type { Thermometry } from './thermometry';

/** What the requests to a simulated device read and change. */
export interface Resources {
  model: SimulatorModel;
  channels: number;
  serialNumber: string;
  macAddress: string;
  hardware: Hardware;
  /** null for a camera. */
  recorder: Recorder | null;
  /** null where it measures no temperatures. */
  thermometry: Thermometry | null;
  switchables: Switchables;
  /** Has subscribeEvent. */
  subscribes: boolean;
  channelName(channel: number): string;
  /** Notes what the device was told to do. */
  command(text: string): void;
  faults: Faults;
  listeners: Listeners;
  /** What GET /ISAPI/System/time tells. */
  localTime(): string;
  /** PUT of a new time; false for a text that is none. */
  setTime(text: string): boolean;
  test(slot: ListenerSlot): void;
  /** Turns that `busy-once` and `snapshot-error-once` have left. */
  spent: Set<string>;
}
