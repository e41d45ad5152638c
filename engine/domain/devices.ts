import type { EventDraft, EventType } from './events';
import type { ModbusWrite } from './modbus-write';
import type { MqttMessage } from './mqtt-broker';
import type { PtzTurn } from './ptz-outcomes';

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
  /** Nothing from the device for so long means that it is offline; absent: silence means nothing. For those that only push. */
  signOfLifeMs?: number;
  /** Channels of which the last seconds are kept for alarms; absent: none. */
  recording?: DeviceRecording;
  /** Settings of its driver alone, as the driver's `readOptions` has checked them; absent: all as by default. */
  options?: Record<string, unknown>;
}

/** What is kept of a camera's live stream, so that alarms can be given their past. */
export interface DeviceRecording {
  /** From 1. */
  channels: number[];
  /** How far back, 5–300. */
  seconds: number;
  /** The large picture, or the small one of the second stream. */
  stream: 'main' | 'sub';
  /** Port of the stream; null: what the device says, or what its make uses. */
  rtspPort: number | null;
  /** How it comes; absent: RTSP over TCP, or over TLS where the device itself says so. */
  transport?: 'tcp' | 'udp' | 'tls';
  /** What proves the camera where its stream comes over TLS; absent: an authority that this machine trusts. */
  security?: StreamSecurity;
  /** Sound is recorded as well. Absent: it isn't even asked for. */
  sound?: boolean;
}

/** Whom to take for the camera. */
export interface StreamSecurity {
  /** Any certificate is taken; the stream is then encrypted, but nobody knows whose it is. */
  allowSelfSigned: boolean;
  /** PEM; whom to trust in place of this machine's authorities; '': those. */
  authority: string;
  /** SHA-256 as `AA:BB:…` of the one certificate that is accepted, whoever signed it; '': any valid one. */
  fingerprint: string;
}

/** One setting of a driver, as the device dialog shows and stores it. */
export interface DriverField {
  name: string;
  label: string;
  kind: 'text' | 'lines' | 'number' | 'flag' | 'choice';
  /** Value of a new device. */
  value: string | number | boolean;
  hint?: string;
  choices?: { value: string; label: string }[];
  min?: number;
  max?: number;
  /** Shown only while another field, a choice, has one of these values. Absent: always. */
  when?: { field: string; is: readonly string[] };
}

/** Which of the device dialog's common parts a driver uses, and its own fields. */
export interface DriverDialog {
  /** false: it has no address of its own (a receiver of traps, a pushing sender). */
  host: boolean;
  login: boolean;
  /** What its user and password are, where that is not plain; shown below them. */
  loginHint?: string;
  tls: boolean;
  receives: readonly DeviceDefinition['receive'][];
  /** false: what it receives does not come over HTTP (notifications of SNMP): no push URL is shown. Absent: it does. */
  ingest?: boolean;
  /** false: its events never tell the time of a clock of the device's own: no time zone is asked for. Absent: they may. */
  clock?: boolean;
  fields: readonly DriverField[];
  /** Its connections have `liveStream`: the last seconds can be kept for alarms. Absent: they have not. */
  live?: boolean;
}

/** A driver that tells nothing of its dialog: host, login, stream and push, nothing of its own. */
export const usualDialog: DriverDialog = {
  host: true,
  login: true,
  tls: true,
  receives: ['stream', 'push', 'both'],
  fields: [],
};

/** A driver as the device dialog offers it. */
export interface DriverChoice {
  kind: string;
  title: string;
  defaultPort: number;
  dialog: DriverDialog;
  /** It can look for its devices on the network. */
  discovers: boolean;
  /** It can tell its devices where to push. Absent: it can't. */
  setsUpPush?: boolean;
}

/** What a device can be asked to choose from, for pick lists in dialogs. Lists are empty where it does not tell. */
export interface DeviceOffers {
  channels: { channel: number; name: string }[];
  inputs: { input: string; name: string }[];
  outputs: { output: string; name: string }[];
  presets: { channel: number; preset: number; name: string }[];
  /** Rules, lines and regions of the device's own analysis; `region` where its events number it otherwise than the rule. */
  rules: { channel: number; rule: string; name: string; type: EventType; region?: string }[];
  /** Event types that it can send. */
  eventTypes: EventType[];
  /** What can be switched beside relays, by kind. */
  switches: { kind: SwitchKind; name: string; title: string }[];
}

export const noOffers: DeviceOffers = {
  channels: [],
  inputs: [],
  outputs: [],
  presets: [],
  rules: [],
  eventTypes: [],
  switches: [],
};

/** Things of a device that are switched on and off beside its relays. */
export const switchKinds = ['siren', 'light', 'record', 'line'] as const;
export type SwitchKind = (typeof switchKinds)[number];

/** How a switch is to be on; what a device does not know is left out, never refused. */
export interface SwitchManner {
  /** The device's own timer as a second net (DESIGN §2), milliseconds. */
  forMs?: number;
  /** Flashing light. */
  flash?: 'solid' | 'slow' | 'medium' | 'fast';
  /** 0–100. */
  brightness?: number;
  /** Siren or voice: number of the device's sound or text. */
  sound?: number;
  /** 0–100. */
  volume?: number;
  /** Siren or voice: played so often, 1–50, and then silent although it is on (L2); absent: for as long as it is on. */
  times?: number;
  /**
   * From when `times` counts, in wall milliseconds: an order with the same or an earlier moment, sent because a device
   * came back, plays nothing anew. Absent: every order counts from itself.
   */
  since?: number;
}

/** Most of `SwitchManner.times`, as cameras state it. */
export const MOST_TIMES = 50;

/**
 * Where a camera is to look, or what it is to do (L8). `number` counts from 1 as the device shows it; `aux` is switched
 * on with `on`. `home` is the device's own home position.
 */
export type PtzMove =
  | { move: 'preset' | 'tour' | 'pattern' | 'scan'; number: number }
  | { move: 'pan' | 'home' | 'stop' }
  | { move: 'aux'; number: number; on: boolean };

/** A device that was found on the network. */
export interface DiscoveredDevice {
  driver: string;
  host: string;
  port: number;
  /** Model or name as the device told it. */
  title: string;
  /** Serial number, UUID or the like, to know it again. */
  identity: string;
}

/** What was found on the network, and why some drivers could not look. */
export interface Discovery {
  devices: DiscoveredDevice[];
  /** Sentences for people. */
  problems: string[];
}

/** What the pick lists of dialogs are filled from. */
export interface DeviceChoices {
  offers: DeviceOffers;
  /** Event types that the device has sent lately, as the record has them. */
  sent: EventType[];
  /** Who has sent to it lately, where one device receives of many: the names or addresses. Absent: it is not such a one. */
  senders?: string[];
  /** Why the device itself told nothing; null: it did, or has nothing to tell. */
  problem: string | null;
}

/** What the test of a connection found. */
export interface DeviceTest {
  ok: boolean;
  /** One sentence for people. */
  detail: string;
  /** What kind of failure it is, in words; absent when it went well. */
  failure?: string;
  facts?: DeviceFacts;
}

/** What came of telling a device where to push. */
export interface DevicePushSetUp {
  ok: boolean;
  /** One sentence for people: what was set on the device, or what went wrong with its remedy. */
  detail: string;
  /** What kind of failure it is, in words; absent when it went well. */
  failure?: string;
  /** What is left for a person to mend. */
  warnings: string[];
}

/** A push as it came, for people: secrets removed. */
export interface RecentPush {
  at: number;
  contentType: string | null;
  text: string;
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

export interface LiveStream {
  url: string;
  login: { user: string; password: string } | null;
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
  /**
   * Which contact an output is: outputs that give the same text are one, whatever their kind and however it is written.
   * Null for an output that it does not know; absent where no two can be the same.
   */
  contactOf?(kind: 'relay' | SwitchKind, output: string): string | null;
  snapshot(channel: number, signal: AbortSignal): Promise<Picture>;
  gotoPreset(channel: number, preset: number, signal: AbortSignal): Promise<void>;
  /**
   * Switches a siren, light, recording or line; resolves to the state read back, or null where it can't be read.
   * Absent where the protocol has no such switches.
   */
  setSwitch?(
    kind: SwitchKind,
    name: string,
    on: boolean,
    manner: SwitchManner,
    signal: AbortSignal,
  ): Promise<boolean | null>;
  readSwitch?(kind: SwitchKind, name: string, signal: AbortSignal): Promise<boolean | null>;
  /**
   * Moves a camera (L8). Resolves when the device has taken the command; a move is set, not stepped, so that sending it
   * again is harmless. `E_NOT_SUPPORTED` (user) names the move that this device does not know.
   * Absent where the protocol has no PTZ beside `gotoPreset`.
   */
  ptz?(channel: number, move: PtzMove, signal: AbortSignal): Promise<void>;
  /** Moves a camera as `ptz` does, and can tell afterwards what became of that. Absent: nothing is ever read back. */
  turn?(channel: number, move: PtzMove, signal: AbortSignal): Promise<PtzTurn>;
  /**
   * Address of a channel's live picture for local recording: `rtsp://host:port/path` (over TLS: `rtsps:`) WITHOUT login, and the login
   * beside it, so that it can be kept out of logs and process lists. Absent where the protocol has none.
   */
  liveStream?(channel: number, signal: AbortSignal): Promise<LiveStream>;
  /**
   * Fires a software trigger once (T13); not to be repeated after an error that leaves open whether it fired.
   *
   * @param name one of the device's triggers, e.g. `FrameStart`; empty: the one that is set up
   */
  trigger?(name: string, signal: AbortSignal): Promise<void>;
  /** A broker's own connection (L13): resolves when it has confirmed (QoS 1, 2) or been sent it (QoS 0). Absent: no broker. */
  publish?(message: MqttMessage, signal: AbortSignal): Promise<void>;
  /**
   * Writes a coil or register over the board's one connection (L13); a pulse resolves when its other value is written,
   * which happens also when the signal aborts in between. Resolves to the value read back, or null where it isn't read.
   * `E_NOT_CONFIRMED` (operational): something else is there. Absent: no Modbus board.
   */
  writeModbus?(write: ModbusWrite, signal: AbortSignal): Promise<number | null>;
}

/** Where a device was found when something was switched on there. No login is part of it. */
export interface DevicePlace {
  driver: string;
  host: string;
  port: number;
  tls: boolean;
  /** Its driver's own settings that say where its outputs are. Absent: none do. */
  options?: Record<string, unknown>;
  /** What the device was called. */
  deviceName: string;
  /** As the device told it; empty: it has not. */
  serialNumber: string;
}

/** Which device is found where; for what is on where a device was before. */
export interface DevicePlaces {
  /** Null: the flow has no such device, or it has no address. */
  placeOf(deviceId: string): DevicePlace | null;
  /** The device of the flow that is found there now, or that by its serial number is the one that was; null: none is. */
  deviceAt(place: DevicePlace): string | null;
  /**
   * Works with what is found at a former place of a device, by that device's login as it is today, over a connection that
   * is made for it alone. The login goes there by Digest alone, and nothing is done unless what answers says that it has
   * the place's serial number. Throws `E_NO_VISIT`, `E_STRANGER` (user), and what a device may throw.
   */
  visit(
    deviceId: string,
    place: DevicePlace,
    work: (device: ConnectedDevice, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
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

/** What a pushing device is answered once the consequence of its push is on disk. */
export interface PushAnswer {
  /** 200–299. */
  status: number;
  contentType: string;
  body: string;
}

/** How the pushes of a device are taken. */
export interface PushRules {
  /** Methods in capital letters. */
  methods: readonly string[];
  /** Bodies may be coded as gzip or deflate; they are unpacked before the driver gets them. */
  packed: boolean;
}

/** A driver that says nothing of its pushes. */
export const usualPushRules: PushRules = { methods: ['POST', 'PUT'], packed: false };

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
