import type { Clock, Timer } from '../clock/clock';
import type { DeviceLink } from '../domain/devices';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';

/** What is known of a device's last sign of life over a restart. */
export interface KeptLife {
  /** Wall time of the last sign; where none ever came, since when one is expected. */
  at: number;
  heard: boolean;
  /** It was missing already. */
  overdue: boolean;
}

export interface LifeRecord {
  read(): Promise<KeptLife | null>;
  /** null: none is expected any more. */
  write(kept: KeptLife | null): Promise<void>;
}

/** Watches that a device which cannot be asked is heard of at least every so often. */
export interface LifeWatch {
  /** What the driver says of the link: passed on, but a device that is overdue is offline. */
  link(link: DeviceLink, detail: string): void;
  /** Something came from it. */
  heard(at: number): void;
  /** None is expected any more, or it is another device now. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

/** What came while alarmflow was away is lost: after a start a device has this long, or its own time if that is shorter. */
const GRACE_MS = 5 * 60_000;
/** A device that tells ten things a second must not write ten rows. */
const WRITE_EVERY_MS = 60_000;

/** `90 s`, `5 minutes`. */
export function spanWords(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes < 2) return `${Math.round(ms / 1_000)} s`;
  return `${Number(minutes.toFixed(1))} minutes`;
}

/**
 * @param tell takes the link that people are to see
 * @param restored told when it was heard last before the start
 */
export function watchLife(options: {
  everyMs: number;
  record: LifeRecord | undefined;
  tell(link: DeviceLink, detail: string): void;
  restored(at: number): void;
  clock: Clock;
  log: Log;
}): LifeWatch {
  const { everyMs, record, clock, log } = options;
  let told: { link: DeviceLink; detail: string } | null = null;
  let overdue = false;
  /** Until it is known what the last run has left, a receiver that listens is not taken for a sender that lives. */
  let known = record === undefined;
  let closed = false;
  const since = clock.now();
  let heardAt: number | null = null;
  let due = clock.monotonic() + everyMs;
  let timer: Timer | null = null;
  let writtenAt = Number.NEGATIVE_INFINITY;
  let unwritten = false;
  let writing: Promise<void> = Promise.resolve();

  function show(): void {
    if (closed || told === null) return;
    const { link, detail } = told;
    if (overdue && (link === 'online' || link === 'connecting')) options.tell('offline', words());
    else if (known || link !== 'online') options.tell(link, detail);
  }

  const words = (): string =>
    `${heardAt === null ? 'Nothing has come from it yet' : 'No sign of life'} for ${spanWords(everyMs)} or longer: check the sender, its power, the network and the address that it sends to`;

  function write(kept: KeptLife | null): Promise<void> {
    if (!record) return writing;
    unwritten = false;
    writtenAt = clock.monotonic();
    writing = writing
      .then(() => record.write(kept))
      .catch((thrown: unknown) => {
        log.warn('device.sign-of-life-not-kept', { reason: asAlarmflowError(thrown).message });
      });
    return writing;
  }

  const keep = (): Promise<void> => write({ at: heardAt ?? since, heard: heardAt !== null, overdue });

  function arm(): void {
    timer?.cancel();
    timer = clock.after(Math.max(0, due - clock.monotonic()), look, { background: true });
  }

  function look(): void {
    timer = null;
    if (closed) return;
    // A sign only moves the time: a timer for each would be set and cancelled hundreds of times a second.
    if (clock.monotonic() < due) {
      arm();
      return;
    }
    overdue = true;
    show();
    void keep();
  }

  async function load(): Promise<void> {
    let kept: KeptLife | null = null;
    try {
      kept = (await record?.read()) ?? null;
    } catch (thrown) {
      log.warn('device.sign-of-life-not-read', { reason: asAlarmflowError(thrown).message });
    }
    if (closed) return;
    known = true;
    if (kept && heardAt === null) {
      if (kept.heard) {
        heardAt = kept.at;
        options.restored(kept.at);
      }
      overdue = kept.overdue;
      const left = kept.at + everyMs - clock.now();
      due = clock.monotonic() + Math.min(everyMs, Math.max(left, Math.min(everyMs, GRACE_MS)));
    }
    if (!overdue) arm();
    show();
    if (!kept) await keep();
  }

  void load();

  return {
    link(link, detail) {
      told = { link, detail };
      show();
    },
    heard(at) {
      heardAt = at;
      due = clock.monotonic() + everyMs;
      unwritten = true;
      const isBack = overdue;
      overdue = false;
      if (closed || !known) return;
      if (timer === null) arm();
      // A driver that waits for a first message says itself that it has come.
      if (isBack && told?.link === 'online') show();
      if (isBack || clock.monotonic() - writtenAt >= Math.min(WRITE_EVERY_MS, everyMs / 4)) void keep();
    },
    async forget() {
      closed = true;
      timer?.cancel();
      await write(null);
    },
    async close() {
      closed = true;
      timer?.cancel();
      await (unwritten ? keep() : writing);
    },
  };
}
