import type { EventDraft } from './events';

/** A device as the flow's config node defines it. */
export interface DeviceDefinition {
  /** Node id of the config node. */
  id: string;
  name: string;
  /** Driver, e.g. `hikvision`. */
  driver: string;
  host: string;
  port: number;
  tls: boolean;
  /** Accept a certificate that no authority signed; devices are shipped with such. */
  allowSelfSigned: boolean;
  /** Keep an event stream open (pull), or only wait for what the device pushes. */
  receive: 'stream' | 'push' | 'both';
  /** User and password; never logged, exported or shown. */
  credentials: { user: string; password: string } | null;
  /** IANA zone of the device's clock, for device times without an offset; null: the zone of this machine. */
  timeZone: string | null;
  /** Addresses that may push for this device; empty: any that knows the token. */
  pushFrom: string[];
}

export type DeviceLink = 'connecting' | 'online' | 'offline' | 'refused';

/** How a device is doing. */
export interface DeviceStatus {
  deviceId: string;
  link: DeviceLink;
  /** Sentence for people: reason and remedy. */
  detail: string;
  since: number;
  lastSeenAt: number | null;
  /** Device clock minus ours in milliseconds, or null while unknown. */
  clockOffsetMs: number | null;
  /** Set while a refused password keeps all traffic back (PROTOCOLS §0.2). */
  lockedUntil: number | null;
  facts: DeviceFacts | null;
}

/** What a device says of itself. */
export interface DeviceFacts {
  model: string;
  serialNumber: string;
  firmware: string;
  deviceType: string;
  inputs: number;
  outputs: number;
  channels: number;
  hasPtz: boolean;
  hasThermal: boolean;
  /** Things the operator should mend on the device ("event linkage lacks Notify Surveillance Center"). */
  warnings: string[];
}

export interface Picture {
  contentType: string;
  bytes: Buffer;
}

/**
 * What actions may ask of a connected device. Every call goes through the device's own queue, takes an abort signal,
 * proves its success (a 200 is none, PROTOCOLS §0.7) and throws AlarmflowError:
 * `E_DEVICE_OFFLINE`, `E_DEVICE_BUSY` (operational), `E_CREDENTIALS_REFUSED` (operational with retryAfterMs while the
 * breaker is open), `E_NOT_SUPPORTED`, `E_BAD_PARAMETER` (user).
 */
export interface ConnectedDevice {
  readonly id: string;
  readonly name: string;
  /** Sets a relay; resolves when the device has confirmed. Resolves to the state read back, or null if it can't be read. */
  setOutput(output: string, on: boolean, signal: AbortSignal): Promise<boolean | null>;
  readOutput(output: string, signal: AbortSignal): Promise<boolean | null>;
  snapshot(channel: number, signal: AbortSignal): Promise<Picture>;
  gotoPreset(channel: number, preset: number, signal: AbortSignal): Promise<void>;
}

/** How actions and outputs find devices. Throws `E_UNKNOWN_DEVICE` (user) for an id that the flow does not define. */
export interface DeviceDirectory {
  device(id: string): ConnectedDevice;
}

/** One push of a device over HTTP, as the host received it. */
export interface PushRequest {
  method: string;
  /** Path behind the token, query included. */
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  remoteAddress: string;
}

/** An event with the pictures that came with it. */
export interface ReceivedEvent {
  draft: EventDraft;
  pictures: (Picture & { name?: string })[];
  /** Wall time of receipt. */
  receivedAt: number;
  /** Late by the driver's judgement (PROTOCOLS §0.4). */
  late: boolean;
  clockSuspect: boolean;
}
