import type { Clock } from '../clock/clock';
import type {
  ConnectedDevice,
  DeviceDefinition,
  DeviceDirectory,
  DeviceFacts,
  DeviceOffers,
  DevicePlace,
  DevicePlaces,
  DeviceStatus,
  Picture,
  PushAnswer,
  PushRequest,
  PushRules,
  ReceivedEvent,
} from '../domain/devices';
import type { Log } from '../domain/log';
import type { CapturedPart, DeviceDriver, PushSetUp } from './driver';
import type { FormerSettingsRecord } from './former-settings';
import type { LifeRecord } from './sign-of-life';
import type { RefusalMemory } from './wire';

export interface DevicesOptions {
  clock: Clock;
  log: Log;
  /**
   * Takes an event; resolves with its id when its consequence is on disk. Called in the device's order. A call with
   * pictures is waited for before the next; others must take their place in line before they first wait.
   */
  onEvent(deviceId: string, received: ReceivedEvent): Promise<string>;
  /** Pictures that followed an event on a stream. */
  onPictures(deviceId: string, eventId: string, pictures: (Picture & { name?: string })[]): Promise<void>;
  onStatus(status: DeviceStatus): void;
  /**
   * A device is removed or found elsewhere from now on, and its connection goes: what is on there is switched off now or
   * never. Waited for, `LEAVE_MS` at most. Absent: nothing is ever on.
   */
  onLeave?(leaving: LeavingDevice, signal: AbortSignal): Promise<void>;
  /** The device's ingest path as the device reaches it; null: not known. Absent: there is none. */
  ingestUrl?(definition: DeviceDefinition): Promise<string | null>;
  /** Keeps what is to be put back on a device over a crash. Absent: nothing is kept. */
  formerOf?(definition: DeviceDefinition): FormerSettingsRecord;
  /** Keeps when a device was heard of last, over a restart. Absent: nothing is kept. */
  lifeOf?(definition: DeviceDefinition): LifeRecord;
  /** What is known of refusals of a device's login. Absent: nothing from before a connection. */
  refusalsOf?(definition: DeviceDefinition): RefusalMemory;
  /** Where drivers come from; the built-in ones unless a test says otherwise. */
  driverOf?(kind: string): DeviceDriver;
}

/** A device at the address that it is about to have no longer. */
export interface LeavingDevice {
  /** By the connection that it had; without one every command is refused by `E_DEVICE_OFFLINE`. */
  device: ConnectedDevice;
  /** `host:port`. */
  address: string;
  place: DevicePlace;
}

/** What became of a push. */
export interface PushResult {
  eventIds: string[];
  /** What the sender is to be answered; null: nothing but that it was taken. */
  answer: PushAnswer | null;
}

/** What a device was told about where to push. */
export interface ToldPush extends PushSetUp {
  /** With the device's token in it. */
  url: string;
}

/** All devices of the flow. */
export interface Devices extends DeviceDirectory, DevicePlaces {
  /** Takes a definition; the same again changes nothing. Throws `E_UNKNOWN_DRIVER`, `E_DEVICE_OPTIONS` (user). */
  define(definition: DeviceDefinition): void;
  remove(id: string): Promise<void>;
  /** Opens the connections; what is defined later opens at once. */
  start(): void;
  status(id: string): DeviceStatus | null;
  statuses(): DeviceStatus[];
  /**
   * A push of a device; resolves when the consequence is on disk. Throws `E_BAD_PUSH`,
   * `E_PUSH_REFUSED`, `E_UNKNOWN_DEVICE` (user), `E_DEVICE_OFFLINE`, `E_EVENT_DROPPED` (operational).
   */
  push(deviceId: string, request: PushRequest): Promise<PushResult>;
  /** How pushes of the device are taken; null: the flow defines no such device. */
  pushRules(id: string): PushRules | null;
  /** Asks a device that need not be defined who it is. */
  test(definition: DeviceDefinition, signal: AbortSignal): Promise<DeviceFacts>;
  /** What there is to choose from, asked of the device; nothing where it cannot tell. `E_DEVICE_OFFLINE` (operational). */
  offers(id: string, signal: AbortSignal): Promise<DeviceOffers>;
  /**
   * Has a device that need not be defined push its events to its ingest path; only when a person asks for it. Throws
   * `E_NOT_SUPPORTED` (user) where it can't be told, `E_NO_PUSH_ADDRESS` (user) where nobody knows under which address
   * it reaches us.
   */
  setUpPush(definition: DeviceDefinition, signal: AbortSignal): Promise<ToldPush>;
  /** The pushes of the device that came last, secrets removed; empty where its driver keeps none. */
  recent(id: string): CapturedPart[];
  /** Hands over every part as it comes, through replacements of the connection; the answer ends it. */
  capture(id: string, take: (part: CapturedPart) => void): () => void;
  close(): Promise<void>;
}
