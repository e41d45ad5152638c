import type { Clock } from '../clock/clock';
import type { Alarm } from '../domain/alarms';
import type { Announce } from '../domain/announcements';
import type { DeviceDirectory, DevicePlaces } from '../domain/devices';
import type { Log } from '../domain/log';
import type { LeftOn, OutputId, OutputState } from '../domain/outputs';
import type { RecordWriter } from '../domain/record';
import type { DurableTimers } from '../domain/timers';

/** What the outputs work with. */
export interface OutputsOptions {
  writer: RecordWriter;
  clock: Clock;
  log: Log;
  timers: DurableTimers;
  devices: DeviceDirectory;
  /** Absent: nobody knows where devices are, and nothing is said of what is left on where one was. */
  places?: DevicePlaces;
  /** Tells people of what may have been left on. Absent: the audit trail alone says it. */
  leftOn?: {
    /** @param news false: it was told before, by an earlier run of the process */
    stands(left: LeftOn, news: boolean): void;
    over(left: LeftOn): void;
  };
  /**
   * Tells people that a camera did not come back where it was to go when nothing holds it any more. Absent: it stands on
   * the output and in the audit trail alone.
   */
  notReturned?(output: OutputState, words: string): void;
  /** Asks the executor to call `reconcile` until it resolves. */
  requestReconcile(outputId: OutputId, generation: number): void;
  /** A live alarm by its id. */
  alarm(id: string): Alarm | undefined | null;
  /** The last lease of an alarm may be gone. */
  holdEnded(alarmId: string): void;
  announce: Announce;
  /** The output is held, but nothing is switched on: a dry run. Absent: none is. */
  dryRun?(outputId: OutputId): boolean;
}
