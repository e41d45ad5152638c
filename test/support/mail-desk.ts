/** The email handler with real runs of its rows, a record in memory and cameras that can be had: no queue, no flow. */
import { type EmailParts, emailHandler } from '../../engine/actions/email';
import type { Clock } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import { type ActionRow, finalActionStatuses } from '../../engine/domain/actions';
import type { AlarmPhase, MessageAlarm } from '../../engine/domain/alarms';
import type { Picture } from '../../engine/domain/devices';
import { operationalError, userError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import type { MailServer } from '../../engine/domain/mail';
import { noRecordings } from '../../engine/domain/media';
import type { ActionRecord } from '../../engine/domain/record';
import { createActionRuns } from '../../engine/executor/action-runs';
import type { Verdict } from '../../engine/executor/jobs';

export const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 0, 10, 13, 46, 13, 10]);

export class MailDesk {
  readonly rows = new Map<string, ActionRow>();
  /** Rows that were handed to the queue and have not been carried out yet, in their order. */
  readonly queue: string[] = [];
  readonly kept = new Map<string, { contentType: string; bytes: Buffer }>();
  server: MailServer;
  snapshot: (signal: AbortSignal) => Promise<Picture> = () =>
    Promise.reject(userError('E_NOT_SUPPORTED', '"Hall camera" has no snapshots'));
  readonly parts: EmailParts;
  readonly #clock: Clock;

  constructor(server: MailServer, clock: Clock = systemClock) {
    this.server = server;
    this.#clock = clock;
    this.parts = {
      devices: {
        device: (id) => ({
          id,
          name: 'Hall camera',
          snapshot: (_channel, signal) => this.snapshot(signal),
          gotoPreset: async () => undefined,
          setOutput: async () => null,
          readOutput: async () => null,
        }),
      },
      media: {
        keep: async (picture) => {
          const id = `media-${this.kept.size + 1}`;
          this.kept.set(id, picture);
          return id;
        },
        read: async (id) => this.kept.get(id) ?? null,
      },
      pictures: async () => [],
      clock,
      log: silentLog,
      siteName: 'Depot',
      mailServer: (id) => (id === this.server.id ? this.server : undefined),
      recordings: noRecordings,
      mailRows: {
        find: async (key) => this.rows.get(key) ?? null,
        add: async (row) => {
          if (!this.rows.has(row.key)) this.rows.set(row.key, structuredClone(row));
        },
        submit: async (row) => {
          this.queue.push(row.key);
        },
      },
    };
  }

  /** Puts a row on record, as an email node asks for it. */
  ask(row: ActionRow): ActionRow {
    const asked: ActionRow = { ...row, status: 'queued', attempts: 0 };
    if (!this.rows.has(row.key)) this.rows.set(row.key, asked);
    return this.rows.get(row.key)!;
  }

  /** One try of a row, as the executor makes it. */
  async attempt(key: string): Promise<Verdict> {
    return this.#runs().run({ key });
  }

  /** Asks and carries out once; resolves to the row as it is then. */
  async send(row: ActionRow): Promise<ActionRow> {
    this.ask(row);
    await this.attempt(row.key);
    return this.rows.get(row.key)!;
  }

  /** Carries out what was handed to the queue meanwhile. */
  async drain(): Promise<void> {
    for (let key = this.queue.shift(); key !== undefined; key = this.queue.shift()) await this.attempt(key);
  }

  /** As a person at the console does with a dead letter. */
  retryByHand(key: string): void {
    const row = this.rows.get(key)!;
    if (row.status === 'failed' || row.status === 'expired')
      this.rows.set(key, { ...row, status: 'queued', attempts: 0, summary: null, errorCode: null, finishedAt: null });
  }

  #runs(): ReturnType<typeof createActionRuns> {
    const record: ActionRecord = {
      claimAction: async (key) => {
        const row = this.rows.get(key);
        if (!row || finalActionStatuses.includes(row.status)) return null;
        const claimed: ActionRow = { ...row, status: 'running', attempts: row.attempts + 1 };
        this.rows.set(key, claimed);
        return structuredClone(claimed);
      },
      settleAction: async (key, outcome) => {
        this.rows.set(key, { ...this.rows.get(key)!, ...outcome });
      },
      openActions: async () => [],
      requeueAction: async () => null,
    };
    return createActionRuns({ record, handlers: [this.#handler], clock: this.#clock, log: silentLog });
  }

  #made: ReturnType<typeof emailHandler> | null = null;
  /** One handler for one life of the process. */
  get #handler(): ReturnType<typeof emailHandler> {
    this.#made ??= emailHandler(this.parts);
    return this.#made;
  }

  /** What a restart forgets. */
  restart(): void {
    this.#made = null;
    this.queue.length = 0;
  }
}

/** A camera whose ring of pictures is there, or says what is wrong with it. */
export const recordedCamera = (
  desk: MailDesk,
  given: { delayMs?: number; fails?: string; clipBytes?: number; without?: number } = {},
): { asked: number[][] } => {
  const asked: number[][] = [];
  desk.parts.recordings = {
    isRecorded: () => true,
    async picturesAt(_camera, moments, signal) {
      asked.push([...moments]);
      await systemClock.sleep(given.delayMs ?? 0, signal);
      return moments.map((_at, index) =>
        index === given.without
          ? null
          : { contentType: 'image/jpeg', bytes: Buffer.concat([jpeg, Buffer.from([index])]) },
      );
    },
    async clip(_camera, from, to, signal) {
      await systemClock.sleep(given.delayMs ?? 0, signal);
      if (given.fails !== undefined) throw operationalError('E_MEDIA_WRITE', given.fails);
      const bytes = Buffer.alloc(given.clipBytes ?? 1_000, 7);
      desk.kept.set('clip-1', { contentType: 'video/mp4', bytes });
      return { mediaId: 'clip-1', contentType: 'video/mp4', size: bytes.length, from, to };
    },
  };
  return { asked };
};

/** An alarm as it stands in a phase. */
export const inPhase = (alarm: MessageAlarm, phase: AlarmPhase): MessageAlarm => ({ ...alarm, phase });
