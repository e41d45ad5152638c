import type { ActionRow } from '../../domain/actions';
import type { AcknowledgedAs } from '../../domain/alarms';
import type { Announce } from '../../domain/announcements';
import type { ArmingOrder, ArmingRow } from '../../domain/arming';
import type { Picture } from '../../domain/devices';
import type { LogReader } from '../../domain/log-search';
import type { OutputMode } from '../../domain/outputs';
import type { Popup } from '../../domain/popups';
import type { MediaStore, RecordReader } from '../../domain/record';
import type { Shelf, ShelfRequest } from '../../domain/shelves';
import type { GivenSubscription, ShownSubscription } from '../../domain/web-push';
import type { AuditEntry } from '../auth';
import type { CaptureLimits } from '../capture';
import type { DemoScenes, DeviceRow, OutputRow, PushTest } from '../console-api';
import type { DryRunState } from '../dry-run';
import type { Why } from '../why';

/** Everything that the console API needs of a running site. */
export interface ConsoleServices {
  version: string;
  siteName: string;
  demo: boolean;
  /** `/editor/`, or null when the site runs headless. */
  editorPath: string | null;
  reader: RecordReader;
  /** Alarms and actions by time and type. Absent: there is no such record. */
  log?: LogReader;
  media: Pick<MediaStore, 'open'>;
  site: {
    isArmed(): boolean;
    setArmed(armed: boolean, who: string): Promise<void>;
    dryRun(): DryRunState;
    /** Why nothing can be kept, or null. */
    trouble(): string | null;
    /** `E_DRY_RUN_HELD` (user). Writes its own line of the audit trail. */
    setDryRun(on: boolean, who: string): Promise<void>;
  };
  arming: {
    /** Every subject, the site first. */
    rows(): ArmingRow[];
    /** `E_UNKNOWN_SUBJECT`, `E_AREA_OPEN` … (user). Each order writes its own line of the audit trail. */
    order(order: ArmingOrder): Promise<void>;
  };
  /** `E_UNKNOWN_ALARM` (user) for an alarm that does not live. Each writes its own line of the audit trail. */
  alarms: {
    acknowledge(alarmId: string, who: string, as?: AcknowledgedAs): Promise<void>;
    reset(alarmId: string, who: string): Promise<void>;
  };
  /** `E_UNKNOWN_OUTPUT` (user). Each change writes its own line of the audit trail. */
  outputs: {
    rows(): OutputRow[];
    setMode(id: string, mode: OutputMode, who: string): Promise<void>;
    resetAll(who: string): Promise<void>;
    /** Drops all that holds one output. */
    reset(id: string, who: string): Promise<void>;
  };
  devices: {
    rows(): DeviceRow[];
    /** Path under which the device may push, its secret token included. `E_UNKNOWN_DEVICE` (user). */
    ingestPath(id: string): Promise<string>;
  };
  /** The bytes of a capture file, secrets removed. `E_UNKNOWN_DEVICE`, `E_TOO_MANY`. The API writes the audit line. */
  capture(id: string, limits: CaptureLimits, signal: AbortSignal): Promise<AsyncIterable<Buffer>>;
  /** `E_UNKNOWN_ACTION`, or a user error for one that is no dead letter. The API writes the audit line. */
  retryAction(key: string): Promise<ActionRow>;
  /** null: this is no demo site. The API writes the audit line. */
  demoScenes: {
    list(): DemoScenes['scenes'];
    /** `E_UNKNOWN_SCENE` (user). */
    fire(scene: string): Promise<void>;
  } | null;
  /** `E_BAD_SHELF`, `E_UNKNOWN_SHELF`, `E_UNKNOWN_TRIGGER` … (user). Each writes its own line of the audit trail. */
  shelves: {
    list(): Shelf[];
    shelve(request: ShelfRequest, who: string): Promise<unknown>;
    unshelve(id: string, who: string): Promise<void>;
  };
  /** `E_UNKNOWN_POPUP` (user) for one that is not open any more. Each change writes its own line of the audit trail. */
  popups: {
    list(): Popup[];
    acknowledge(id: string, who: string, as?: AcknowledgedAs): Promise<void>;
    close(id: string, who: string): Promise<void>;
    /** A camera of its tour as it is now. `E_UNKNOWN_POPUP` (user) also for a stop that the tour has not. */
    picture(id: string, stop: number): Promise<Picture>;
  };
  /** `E_UNKNOWN_SUBSCRIPTION` (user). Each change writes its own line of the audit trail. */
  push: {
    publicKey(): Promise<string>;
    list(): ShownSubscription[];
    subscribe(given: GivenSubscription, user: string): Promise<unknown>;
    unsubscribe(id: string, who: string): Promise<void>;
    /** `E_TOO_MANY_TESTS` (user). */
    test(id: string): Promise<PushTest>;
  };
  /** "Why" and "why not"; each throws a user error for what there is not. */
  why: Why;
  /** Returns the way to end it. */
  subscribe(listener: Announce): () => void;
  /** The deployed nodes, without their passwords; empty while none are. */
  flows(): Promise<object[]>;
  audit(entry: AuditEntry): Promise<void>;
}
