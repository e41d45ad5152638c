import type { ActionRow } from './actions';
import type { Alarm, Decision } from './alarms';
import type { ArmingChange } from './arming';
import type { DeviceStatus } from './devices';
import type { OutputId } from './outputs';
import type { Popup } from './popups';
import type { CaughtMail, ExplainedEvent } from './record';
import type { Shelf } from './shelves';

/** What the engine tells whoever watches (console, command line, metrics), after it is on disk. */
export type Announcement =
  | { kind: 'event'; data: ExplainedEvent }
  | { kind: 'decision'; data: Decision }
  | { kind: 'alarm'; data: Alarm }
  | { kind: 'output'; data: { id: OutputId } }
  | { kind: 'device'; data: DeviceStatus }
  | { kind: 'action'; data: ActionRow }
  | { kind: 'mail'; data: CaughtMail }
  /** All that is shelved. */
  | { kind: 'shelves'; data: { shelves: Shelf[] } }
  /** All pop-ups that are open. */
  | { kind: 'popups'; data: { popups: Popup[] } }
  | { kind: 'site'; data: { armed: boolean } }
  | { kind: 'arming'; data: ArmingChange };

export type Announce = (announcement: Announcement) => void;
