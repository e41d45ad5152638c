/**
 * Recordings of alarms: each holds its alarm as a relay does, from before the raise until the post-record time after the
 * clear, and becomes one file, or several where it is longer than one may be. What is under way is on disk, in the same
 * transaction as the alarm's own rows, so that a crash costs no more than the pictures of the time it took.
 */
import type { Clock } from '../clock/clock';
import { type ActionRow, untried } from '../domain/actions';
import { type Alarm, naturalEnds } from '../domain/alarms';
import { asAlarmflowError } from '../domain/errors';
import type { AlarmHolds } from '../domain/holds';
import type { Log } from '../domain/log';
import type { CameraChannel } from '../domain/media';
import {
  addWrites,
  type Change,
  emptyChange,
  type RecordWriter,
  type StandingRow,
  type TimerRow,
} from '../domain/record';
import { camerasOf, readRecordParams } from '../domain/recordings';
import type { DurableTimers } from '../domain/timers';
import type { HeldSpan } from './recorder';

export interface AlarmRecordingsOptions {
  writer: RecordWriter;
  timers: DurableTimers;
  clock: Clock;
  log: Log;
  alarm(id: string): Alarm | undefined;
  /** A recording has let go of its alarm. */
  holdEnded(alarmId: string): void;
  /** Whether the camera's last seconds are kept. */
  isSetUp(camera: CameraChannel): boolean;
  hold(id: string, span: HeldSpan): void;
  release(id: string): void;
  /** Hands rows that are on disk to the queue. */
  submit(rows: ActionRow[]): Promise<void>;
  /** What is recorded and held has moved with the wall clock when this returns. Absent: nothing is recorded. */
  watchWall?(): void;
}

export interface AlarmRecordings extends AlarmHolds {
  /** Takes over what the last run has left; before anything else. */
  resume(rows: readonly StandingRow[]): void;
  /** The alarms are known: what lost its alarm meanwhile ends. */
  flowsStarted(): Promise<void>;
  /** Begins what a row of the kind `record` asks for, in the change that writes it; the answer takes it back. */
  begin(row: ActionRow, change: Change): () => void;
  /** An action has its outcome: the pictures of a clip need not be held any longer. */
  settled(row: Pick<ActionRow, 'key' | 'kind' | 'status'>): void;
  /** Ends what a node records: it was disarmed. */
  releaseNode(nodeId: string): Promise<void>;
  /** Recordings under way. */
  live(): number;
}

/** One recording of one camera. Times are wall milliseconds. */
interface Recording {
  id: string;
  camera: CameraChannel;
  /** The action that asked for it. */
  row: ActionRow;
  postMs: number;
  partMs: number;
  capAt: number;
  /** When it ends; null while its alarm lasts. */
  endsAt: number | null;
  /** Which file comes next, from 1, and where it begins. */
  part: number;
  partFrom: number;
}

/** A file that is still to be cut. */
interface PendingClip {
  span: HeldSpan;
  /** Not held any longer after this, whatever becomes of the action. */
  until: number;
}

const RECORDING = 'recording';
const CLIP = 'recording-clip';
/** How long a clip may wait for a disk that is full or an ffmpeg that is missing. */
export const CLIP_DEADLINE_MS = 6 * 3_600_000;
const finals = new Set(['done', 'failed', 'expired', 'skipped']);

export function createAlarmRecordings(options: AlarmRecordingsOptions): AlarmRecordings {
  const { clock, log, timers } = options;
  const recordings = new Map<string, Recording>();

  /** When something has to happen next: the file is full, or the recording is over. */
  const nextAt = ({ endsAt, capAt, partFrom, partMs }: Recording): number =>
    Math.min(endsAt ?? capAt, capAt, partFrom + partMs);

  const timerOf = (recording: Recording): TimerRow => ({
    id: recording.id,
    kind: RECORDING,
    at: nextAt(recording),
    payload: {},
  });

  /** Row, timer and memory of a recording as it is now. */
  function write(recording: Recording, change: Change): void {
    const former = recordings.get(recording.id);
    recordings.set(recording.id, recording);
    options.hold(recording.id, { camera: recording.camera, from: recording.partFrom, to: null });
    addWrites(change, 'standing', { id: recording.id, kind: RECORDING, doc: recording });
    const timer = timerOf(recording);
    addWrites(change, 'timers', timer);
    change.afterCommit.push(() => {
      // Armed as it is by then: a later change may have overtaken this one.
      const now = recordings.get(recording.id);
      if (now) timers.arm(timerOf(now));
    });
    change.undo?.push(() => restore(recording.id, former));
  }

  function restore(id: string, former: Recording | undefined): void {
    if (former) {
      recordings.set(id, former);
      options.hold(id, { camera: former.camera, from: former.partFrom, to: null });
    } else {
      recordings.delete(id);
      options.release(id);
    }
  }

  /** One more file of the recording, up to `to`; with the last one it is over. */
  function cut(recording: Recording, to: number, last: boolean, change: Change): void {
    const { id, camera, row, part, partFrom } = recording;
    const now = clock.now();
    const key = `${row.key}:clip:${camera.channel}:${part}`;
    const span: HeldSpan = { camera, from: partFrom, to };
    const clip: ActionRow = {
      ...row,
      key,
      kind: 'record-clip',
      deviceId: camera.deviceId,
      params: { channel: camera.channel, from: Math.round(partFrom), to: Math.round(to), part, last },
      requestedAt: now,
      deadlineAt: now + CLIP_DEADLINE_MS,
      ...untried,
    };
    addWrites(change, 'actions', clip);
    const pending: PendingClip = { span, until: clip.deadlineAt };
    addWrites(change, 'standing', { id: clipId(key), kind: CLIP, doc: pending });
    options.hold(clipId(key), span);
    change.undo?.push(() => options.release(clipId(key)));
    change.afterCommit.push(() => {
      options.submit([clip]).catch((thrown: unknown) => {
        // The row is on disk: the executor takes it up at its next look, or at the next start.
        log.warn('recording.clip-not-submitted', { key, error: asAlarmflowError(thrown).message });
      });
    });
    if (!last) {
      write({ ...recording, part: part + 1, partFrom: to }, change);
      return;
    }
    recordings.delete(id);
    options.release(id);
    change.undo?.push(() => restore(id, recording));
    addWrites(change, 'standingDeleted', id);
    addWrites(change, 'timersDeleted', id);
    change.afterCommit.push(() => timers.disarm(id));
  }

  async function commit(change: Change): Promise<void> {
    try {
      await options.writer.commit(change.writes);
    } catch (thrown) {
      for (const undo of change.undo?.reverse() ?? []) undo();
      throw thrown;
    }
    for (const follow of change.afterCommit) follow();
  }

  const undoable = (): Change => ({ ...emptyChange(), undo: [] });
  const ofAlarm = (alarmId: string): Recording[] =>
    [...recordings.values()].filter(({ row }) => row.alarmId === alarmId && follows(row));

  timers.onDue(RECORDING, async (timer, shiftMs = 0) => {
    const recording = recordings.get(timer.id);
    const change = undoable();
    const due = timer.at + shiftMs;
    if (!recording) {
      addWrites(change, 'timersDeleted', timer.id);
      return commit(change);
    }
    // It was moved on meanwhile: its own timer is on the way.
    if (nextAt(recording) > Math.max(due, timer.at)) {
      timers.arm(timerOf(recording));
      return;
    }
    const end = Math.min(recording.endsAt ?? recording.capAt, recording.capAt);
    const to = nextAt(recording);
    cut(recording, to, to >= end, change);
    await commit(change);
    const { alarmId } = recording.row;
    if (to >= end && alarmId !== null && follows(recording.row)) options.holdEnded(alarmId);
  });

  /** A recording is a duration: when the wall clock is set, its times move with it, in memory, on disk and at the timers. */
  timers.onWallSet?.((byMs) => {
    options.watchWall?.();
    const change = undoable();
    for (const recording of [...recordings.values()])
      write(
        {
          ...recording,
          capAt: recording.capAt + byMs,
          endsAt: recording.endsAt === null ? null : recording.endsAt + byMs,
          partFrom: recording.partFrom + byMs,
        },
        change,
      );
    if (change.afterCommit.length === 0) return;
    options.writer.commit(change.writes).catch((thrown: unknown) => {
      // In memory it counts already; only a crash would find the old times.
      log.warn('recording.not-moved', { byMs, error: asAlarmflowError(thrown).message });
    });
    for (const follow of change.afterCommit) follow();
  });

  function endAt(recording: Recording, at: number, change: Change): void {
    write({ ...recording, endsAt: at }, change);
  }

  return {
    resume(rows) {
      const now = clock.now();
      for (const { id, kind, doc } of rows) {
        if (kind === RECORDING) {
          const recording = doc as Recording;
          recordings.set(id, recording);
          options.hold(id, { camera: recording.camera, from: recording.partFrom, to: null });
        }
        if (kind === CLIP && (doc as PendingClip).until > now) options.hold(id, (doc as PendingClip).span);
      }
    },
    async flowsStarted() {
      const change = undoable();
      for (const recording of [...recordings.values()]) {
        const { alarmId } = recording.row;
        const lost = recording.endsAt === null && alarmId !== null && !options.alarm(alarmId);
        if (lost) endAt(recording, clock.now(), change);
      }
      if (change.afterCommit.length > 0) await commit(change);
    },

    begin(row, change) {
      const { channels, preSeconds, postSeconds, partSeconds, capSeconds } = readRecordParams(row.params);
      const undo: (() => void)[] = [];
      const now = clock.now();
      for (const camera of camerasOf(row, channels)) {
        const id = `${RECORDING}:${row.key}:${camera.channel}`;
        if (recordings.has(id) || !options.isSetUp(camera)) continue;
        const alarm = row.alarmId === null ? undefined : options.alarm(row.alarmId);
        const began = row.phase === 'raise' && row.alarm ? row.alarm.raisedAt : row.requestedAt;
        const from = Math.round(began - preSeconds * 1000);
        const postMs = postSeconds * 1000;
        const recording: Recording = {
          id,
          camera,
          row,
          postMs,
          partMs: partSeconds * 1000,
          capAt: from + capSeconds * 1000,
          endsAt: firstEnd(row, alarm, now, postMs),
          part: 1,
          partFrom: from,
        };
        const own: Change = { writes: change.writes, afterCommit: change.afterCommit, undo };
        write(recording, own);
      }
      return () => {
        for (const step of undo.reverse()) step();
      };
    },

    settled({ key, kind, status }) {
      if (kind !== 'record-clip' || !finals.has(status)) return;
      options.release(clipId(key));
      options.writer.commit({ standingDeleted: [clipId(key)] }).catch((thrown: unknown) => {
        // It stands until its deadline then, which only keeps the pictures longer.
        log.warn('recording.clip-not-forgotten', { key, error: asAlarmflowError(thrown).message });
      });
    },
    async releaseNode(nodeId) {
      const change = undoable();
      const now = clock.now();
      const alarmIds = new Set<string>();
      for (const recording of [...recordings.values()]) {
        if (recording.row.nodeId !== nodeId) continue;
        cut(recording, Math.min(now, nextAt(recording)), true, change);
        if (recording.row.alarmId !== null) alarmIds.add(recording.row.alarmId);
      }
      if (change.afterCommit.length === 0) return;
      await commit(change);
      for (const alarmId of alarmIds) options.holdEnded(alarmId);
    },
    live: () => recordings.size,

    alarmCleared(alarmId, at, change) {
      for (const recording of ofAlarm(alarmId)) endAt(recording, at + recording.postMs, change);
    },
    alarmResumed(alarmId, _at, change) {
      for (const recording of ofAlarm(alarmId)) write({ ...recording, endsAt: null }, change);
    },
    alarmEnded(alarmId, at, change) {
      for (const recording of ofAlarm(alarmId)) {
        // It came to its end by itself and the recording goes on; reset by hand, it ends at once.
        if (recording.endsAt !== null && recording.endsAt <= at) continue;
        endAt(recording, at, change);
      }
    },
    holdsFor: (alarmId) => ofAlarm(alarmId).length > 0,
  };
}

const clipId = (key: string): string => `${CLIP}:${key}`;

/** Whether it lasts as long as its alarm; what was asked for at another moment of its life has its own time. */
const follows = ({ alarmId, phase }: Pick<ActionRow, 'alarmId' | 'phase'>): boolean =>
  alarmId !== null && (phase === 'raise' || phase === 'escalate');

/** When a recording ends as far as is known at its beginning; null while its alarm lasts. */
function firstEnd(row: ActionRow, alarm: Alarm | undefined, now: number, postMs: number): number | null {
  if (!follows(row)) return row.requestedAt + postMs;
  if (alarm?.state === 'active' || alarm?.state === 'pending') return null;
  const over = alarm ?? row.alarm;
  if (over && over.endReason !== null && !naturalEnds.has(over.endReason))
    return Math.max(over.endedAt ?? now, row.requestedAt);
  return (over?.clearedAt ?? over?.endedAt ?? now) + postMs;
}
