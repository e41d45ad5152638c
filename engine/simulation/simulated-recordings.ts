/**
 * Local recordings of a simulation: they hold their alarms as those of a site do, and record nothing. A camera counts as
 * recorded when its device's dialog says so: that its stream is away is nothing a simulation knows.
 */
import type { Clock } from '../clock/clock';
import type { Alarm } from '../domain/alarms';
import type { DeviceDefinition } from '../domain/devices';
import type { Log } from '../domain/log';
import type { RecordWriter } from '../domain/record';
import type { DurableTimers } from '../domain/timers';
import { type AlarmRecordings, createAlarmRecordings } from '../recording';

export interface SimulatedRecordings extends AlarmRecordings {
  /** Takes a device's definition, or that it is gone. */
  define(definition: Pick<DeviceDefinition, 'id' | 'recording'>): void;
  remove(deviceId: string): void;
}

export interface SimulatedRecordingsOptions {
  writer: RecordWriter;
  timers: DurableTimers;
  clock: Clock;
  log: Log;
  alarm(id: string): Alarm | undefined;
  holdEnded(alarmId: string): void;
}

export function createSimulatedRecordings(options: SimulatedRecordingsOptions): SimulatedRecordings {
  /** Channels of which the last seconds are kept, by device. */
  const kept = new Map<string, ReadonlySet<number>>();
  const recordings = createAlarmRecordings({
    ...options,
    // The files are cut of what was recorded, and nothing was: that they would be is no news beside the recording.
    writer: { commit: ({ actions: _clips, ...writes }) => options.writer.commit(writes) },
    isSetUp: ({ deviceId, channel }) => kept.get(deviceId)?.has(channel) ?? false,
    hold: () => {},
    release: () => {},
    submit: async () => {},
  });
  return {
    ...recordings,
    define: ({ id, recording }) => void kept.set(id, new Set(recording?.channels)),
    remove: (deviceId) => void kept.delete(deviceId),
  };
}
