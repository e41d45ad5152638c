/** The log (L12): every alarm and every action's outcome on record, to be searched and exported. */
import type { ActionKind, ActionRow, ActionStatus } from './actions';
import type { Alarm } from './alarms';

export const logSubjects = ['alarms', 'actions'] as const;
export type LogSubject = (typeof logSubjects)[number];

export interface LogQuery {
  /** Wall milliseconds: alarms raised, or actions asked for, from here … */
  from: number;
  /** … to before here. */
  to: number;
  /** Event type of the alarm. */
  type?: string;
  /** The alarm's device, or the one that an action works on. */
  deviceId?: string;
  /** Of actions alone. */
  kind?: ActionKind;
  status?: ActionStatus;
  /** Those behind this one, in the order of the page. */
  after?: { at: number; id: string };
  /** At most 1,000. */
  limit: number;
}

/** Pages of the log, oldest first. */
export interface LogReader {
  loggedAlarms(query: LogQuery): Promise<Alarm[]>;
  loggedActions(query: LogQuery): Promise<ActionRow[]>;
}
