import type { Clock } from '../clock/clock';
import type {
  ConnectedDevice,
  DeviceDefinition,
  DeviceFacts,
  DeviceLink,
  DeviceOffers,
  DiscoveredDevice,
  DriverDialog,
  Picture,
  PushAnswer,
  PushRequest,
  ReceivedEvent,
} from '../domain/devices';
import type { EventDraft } from '../domain/events';
import type { Log } from '../domain/log';
import type { FormerSettingsRecord } from './former-settings';
import type { RefusalMemory } from './wire';

export type { DriverDialog, DriverField } from '../domain/devices';

/** Where a driver's connection delivers. */
export interface DriverSink {
  /** Resolves with the event's id when its consequence is on disk. */
  event(received: ReceivedEvent): Promise<string>;
  /** Pictures that followed an event on a stream. */
  pictures(eventId: string, pictures: (Picture & { name?: string })[]): Promise<void>;
  /** The link changed; the hub makes source-online and source-offline events of it. */
  link(link: DeviceLink, detail: string): void;
  /** Something came from the device: proof of life. */
  seen(at: number): void;
  clockOffset(ms: number): void;
  /** Traffic is kept back until then (refused password); null: free again. */
  lockedUntil(at: number | null): void;
  facts(facts: DeviceFacts): void;
}

export interface DriverContext {
  definition: DeviceDefinition;
  sink: DriverSink;
  clock: Clock;
  log: Log;
  /** Raw capture: given every part as it came, before it is understood; what nobody captures is dropped. */
  tap?(part: CapturedPart): void;
  /**
   * The device's own ingest path as a whole URL, for devices that are told where to push; it holds the device's token.
   * null: nobody knows under which address the device reaches us. Absent: no such path (a mere test of a connection).
   */
  ingestUrl?(): Promise<string | null>;
  /** Keeps what is to be put back on the device over a crash. Absent: nothing is kept (a mere test of a connection). */
  former?: FormerSettingsRecord;
  /** What is known of refusals of the login from before this connection. Absent: nothing. */
  refusals?: RefusalMemory;
  /** What is found there may be a stranger: the login is never sent in clear, as Basic does. Only of drivers with `visits`. */
  digestOnly?: true;
}

/** Bytes of one part, push, trap or poll as they came from the device. */
export interface CapturedPart {
  at: number;
  contentType: string | null;
  bytes: Buffer;
}

/** What came of setting up a device's push. */
export interface PushSetUp {
  /** Which of the device's entries is ours. */
  slot: string;
  /** Whether the device reached the address; null: it has no test. */
  tested: boolean | null;
  /** For the operator. */
  warnings: string[];
}

/** One live connection to one device; owns its stream, its request queue, its breaker. */
export interface DriverConnection extends ConnectedDevice {
  /** What there is to choose from, asked of the device. Absent: nothing is told. */
  offers?(signal: AbortSignal): Promise<DeviceOffers>;
  /** The pushes that came last, oldest first, secrets removed; for the dialog. Absent: none are kept. */
  recent?(): CapturedPart[];
  start(): void;
  /** Understands a push of the device; throws a user error for a body that is none of its forms. */
  push(request: PushRequest): Promise<ReceivedEvent[]>;
  /** What a push that was taken is answered. Absent: 200 without a body. */
  answer?(): PushAnswer;
  /**
   * Has the device push its events to this address: written, read back and tested, only when a person asks for it.
   * Absent: the device can't be told.
   */
  setUpPush?(url: string, signal: AbortSignal): Promise<PushSetUp>;
  /** Asks the device who it is. */
  probe(signal: AbortSignal): Promise<DeviceFacts>;
  /** Closes sockets and timers within a second. */
  close(): Promise<void>;
}

/** One line of `alarmflow decode`. */
export type Decoded =
  | { kind: 'event'; event: Omit<EventDraft, 'raw'> & { raw?: string } }
  | { kind: 'heartbeat'; at: string | null }
  | { kind: 'picture'; contentType: string; size: number; name?: string }
  /** A stream's own housekeeping, e.g. the answer to a subscription. */
  | { kind: 'notice'; text: string }
  | { kind: 'fault'; reason: string; bytes: number };

/** One protocol. */
export interface DeviceDriver {
  /** Name in flows and on the command line, e.g. `hikvision`. */
  readonly kind: string;
  readonly title: string;
  readonly defaultPort: number;
  /** What the device dialog shows beside the common fields; absent: host, login, stream and push, nothing of its own. */
  readonly dialog?: DriverDialog;
  /**
   * Checks and completes the driver's own settings. Throws `E_DEVICE_OPTIONS` (user) that names field and remedy.
   * Absent: it has none.
   */
  readOptions?(options: Record<string, unknown>): Record<string, unknown>;
  /** Settings of its own that say where its outputs are, as host and port do. Absent: none. */
  readonly addressOptions?: readonly string[];
  /** Looks for devices of this kind on the local network until the signal aborts. */
  discover?(found: (device: DiscoveredDevice) => void, signal: AbortSignal): Promise<void>;
  /**
   * Its devices tell their serial number and take Digest, so that one may be visited where it was before (`digestOnly`).
   * Absent: they may not.
   */
  readonly visits?: true;
  /** Its connections have `setUpPush`. Absent: they have not. */
  readonly setsUpPush?: boolean;
  connect(context: DriverContext): DriverConnection;
  /**
   * Methods with which its devices may push, in capital letters. Absent: POST and PUT.
   *
   * @param options the device's own settings, checked
   */
  pushMethods?(options: Record<string, unknown>): readonly string[];
  /** Bodies coded as gzip or deflate are unpacked for it, within bounds. Absent: they are refused. */
  readonly unpacksPushes?: boolean;
  /**
   * Understands captured bytes: a stream, a push body, a document. Never throws for odd input; faults are lines.
   *
   * @param options the device's own settings where they are known; absent: those of a new device
   */
  decode(
    chunks: AsyncIterable<Buffer>,
    contentType: string | null,
    options?: Record<string, unknown>,
  ): AsyncIterable<Decoded>;
}
