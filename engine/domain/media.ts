/** Pictures and clips of a camera's past, and where they are kept. */
import type { Picture } from './devices';
import { type AlarmflowError, userError } from './errors';

/** What is kept of an alarm. */
export type MediaKind = 'picture' | 'clip';

/** What an alarm's kept file shows. */
export interface MediaReference {
  alarmId: string;
  mediaId: string;
  kind: MediaKind;
  deviceId: string;
  /** From 1; null: the device's only one, or none is told. */
  channel: number | null;
  /** Wall milliseconds of the picture, or of the first picture of a clip. */
  at: number;
  /** Of the last picture of a clip; null for pictures. */
  until: number | null;
  /** What a person must know of it ("without 12 s, in which the stream was broken off"), or null. */
  note: string | null;
}

/** A kept file of an alarm, as the console shows it. */
export interface AlarmMedia extends MediaReference {
  contentType: string;
  /** Size in bytes. */
  size: number;
  name: string | null;
}

/** One video channel of one device. */
export interface CameraChannel {
  deviceId: string;
  /** From 1. */
  channel: number;
}

/** A clip that was cut and is kept. */
export interface Clip {
  mediaId: string;
  /** `video/mp4`. */
  contentType: string;
  /** Size in bytes. */
  size: number;
  /** Wall milliseconds of its first and its last picture, as near as the stream allows (whole key frames). */
  from: number;
  to: number;
  /** How long it plays, in milliseconds; absent: from its first to its last picture. */
  playsMs?: number;
  /** Milliseconds of what was asked for of which it has no pictures, because the stream was broken off; absent: none. */
  missingMs?: number;
  /** Why that is so, where the stream was not broken off. */
  missingReason?: string;
}

/**
 * Local recordings of live streams: a ring on disk for each camera that somebody wants the past of, from which pictures
 * and clips are cut (L4, L6: pre-record).
 */
export interface Recordings {
  /** Whether the camera's ring runs, so that its past can be had. */
  isRecorded(camera: CameraChannel): boolean;
  /**
   * Why a camera is not recorded at the moment that its device's dialog says is to be; null: it is not to be.
   * Absent: what is not recorded is not to be.
   */
  hindrance?(camera: CameraChannel): AlarmflowError | null;
  /**
   * A picture for each moment (wall milliseconds), waiting for moments that are still to come.
   * Null in place of one that the ring does not hold. Rejects with the signal's reason only.
   */
  picturesAt(camera: CameraChannel, moments: readonly number[], signal: AbortSignal): Promise<(Picture | null)[]>;
  /**
   * Cuts and keeps a clip, waiting for its end if that is still to come; twice the same span is one clip.
   * @throws E_NOT_RECORDED (user) where no ring runs for the camera, E_NO_FOOTAGE (operational) where it has a gap,
   * E_RECORDER (operational), the signal's reason
   */
  clip(camera: CameraChannel, from: number, to: number, signal: AbortSignal): Promise<Clip>;
}

/** Where nothing is recorded: ffmpeg is missing, or no camera is set up for it. */
export const noRecordings: Recordings = {
  isRecorded: () => false,
  picturesAt: async (_camera, moments) => moments.map(() => null),
  clip: async (camera) => {
    throw userError(
      'E_NOT_RECORDED',
      `Channel ${camera.channel} of device ${camera.deviceId} is not recorded here: tick "Keep the last seconds for alarms" in the dialog of the device`,
    );
  },
};
