/** What the uploads of a site need: their queue on disk, and the alarm when it has to drop something. */
import { join } from 'node:path';
import { type DroppedUploads, openUploadSpool, type UploadParts } from '../actions';
import type { Clock, Timer } from '../clock/clock';
import type { ReceivedEvent } from '../domain/devices';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { ArmingSchedule } from '../domain/schedules';
import { scheduleWindow } from '../gates';

/** What the configuration says of uploads. */
export interface UploadSettings {
  folders: readonly string[];
  queueBytes: number;
  queueDays: number;
}

export const usualUploads: UploadSettings = { folders: [], queueBytes: 2 * 1024 ** 3, queueDays: 7 };

/** What is dropped together is told together. */
const TELL_MS = 5_000;
/** The condition is over when nothing was dropped for so long. */
const QUIET_MS = 15 * 60_000;
const DAY_MS = 24 * 60 * 60_000;

export type SiteUploads = UploadParts['uploads'] & { close(): Promise<void> };

export async function openUploads(parts: {
  dataDir: string;
  settings: UploadSettings;
  recordings: UploadParts['uploads']['recordings'];
  openClip: UploadParts['uploads']['openClip'];
  schedule(id: string): ArmingSchedule | undefined;
  /** Puts an event of a file server on record, as one of a device. */
  receive(serverId: string, received: ReceivedEvent): Promise<unknown>;
  clock: Clock;
  log: Log;
}): Promise<SiteUploads> {
  const { clock, log, settings } = parts;
  const untold = new Map<string, { full: number; old: number; bytes: number }>();
  let telling: Timer | null = null;

  function onDropped({ serverId, count, bytes, reason }: DroppedUploads): void {
    const sum = untold.get(serverId) ?? { full: 0, old: 0, bytes: 0 };
    if (reason === 'full') sum.full += count;
    else sum.old += count;
    sum.bytes += bytes;
    untold.set(serverId, sum);
    telling ??= clock.after(TELL_MS, tell, { background: true });
  }

  function tell(): void {
    telling = null;
    for (const [serverId, { full, old, bytes }] of untold) {
      const why = [
        full === 0 ? null : `${full} because more than ${settings.queueBytes} bytes waited`,
        old === 0 ? null : `${old} because they had waited for ${settings.queueDays} days`,
      ].filter((part) => part !== null);
      const description = `${full + old} uploads were dropped (${bytes} bytes), ${why.join(', ')}: bring the file server back, or enlarge the queue`;
      const draft: ReceivedEvent['draft'] = {
        type: 'upload-queue-full',
        vendorType: 'upload-queue',
        phase: 'start',
        description,
        quietMs: QUIET_MS,
        deviceTime: null,
        deviceAt: null,
        raw: JSON.stringify({ serverId, full, old, bytes }),
      };
      const received = { draft, pictures: [], receivedAt: clock.now(), late: false, clockSuspect: false };
      parts.receive(serverId, received).catch((thrown: unknown) => {
        log.error('upload.alarm-not-kept', { serverId, error: asAlarmflowError(thrown).message });
      });
    }
    untold.clear();
  }

  const spool = await openUploadSpool({
    folder: join(parts.dataDir, 'uploads'),
    mostBytes: settings.queueBytes,
    mostAgeMs: settings.queueDays * DAY_MS,
    clock,
    log,
    onDropped,
  });

  return {
    spool,
    folders: settings.folders,
    recordings: parts.recordings,
    openClip: parts.openClip,
    period(id, at) {
      const schedule = parts.schedule(id);
      return schedule && scheduleWindow(schedule, at);
    },
    async close() {
      telling?.cancel();
      tell();
      await spool.close();
    },
  };
}
