import { join } from 'node:path';
import type { Clock } from '../clock/clock';
import type { EmbeddedDatabase } from '../domain/embedded-database';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { LogReader } from '../domain/log-search';
import type {
  ActionRecord,
  MediaStore,
  RecordReader,
  RecordWriter,
  ResumeReader,
  SettingsRecord,
} from '../domain/record';
import type { WhyRecord } from '../domain/why';
import { type ActionLookup, createActionRecord } from './action-record';
import { writeBackup } from './backup';
import { tableNames } from './backup-tables';
import { codeOf, type Database, messageOf } from './database';
import { freeBytes, openEmbedded, RESERVE_BYTES, type Restored } from './embedded';
import { createLogReader } from './log-reader';
import { createMediaStore } from './media';
import { migrate } from './migrations';
import { openPostgres, tellingLoss } from './postgres-database';
import { type PruneLimits, prune, vacuum } from './prune';
import { createRecordReader, createResumeReader } from './reader';
import { createFlowStorage, createSettingsRecord, type FlowStorage } from './settings';
import { answersSomebody } from './turn';
import { createUserRecord, type UserRecord } from './users';
import { createWriteTrouble } from './write-trouble';
import { createWriter } from './writer';

const BACKUP_EVERY_MS = 15 * 60_000;
const VACUUM_EVERY_MS = 5 * 60_000;
const DISK_CHECK_EVERY_MS = 1_000;
const PROBE_MS = 15_000;

export interface StoreOptions {
  dataDir: string;
  /** `postgres://…`, or null for the embedded database in the data folder. */
  databaseUrl: string | null;
  clock: Clock;
  log: Log;
}

export interface Store
  extends RecordWriter,
    ResumeReader,
    ActionRecord,
    ActionLookup,
    SettingsRecord,
    RecordReader,
    WhyRecord,
    LogReader {
  kind: 'pglite' | 'postgres';
  /** The executor runs BullMQ on the same instance, in its own schema; null on a server. */
  pglite: EmbeddedDatabase | null;
  databaseUrl: string | null;
  media: MediaStore;
  users: UserRecord;
  flowStorage: FlowStorage;
  /** A torn database was replaced by the last backup at this start. */
  restored: Restored | null;
  /** Why the embedded database cannot be used any more until the process starts again, or null. */
  broken(): AlarmflowError | null;
  /** Why nothing can be written at the moment, or null. */
  trouble(): AlarmflowError | null;
  /** Called when `trouble` begins and when it ends. */
  onTrouble(listener: () => void): void;
  /**
   * Resolves when the database has answered us; the embedded one, which many wait for, also when it answers others.
   * Throws `E_DATABASE_UNREACHABLE` (operational).
   */
  answers(): Promise<void>;
  /** Writes a backup now and resolves to its path. The embedded record makes one every 15 minutes and at its close. */
  backup(): Promise<string>;
  prune(limits: PruneLimits): Promise<void>;
  /** Rows by table, `databaseBytes`, `mediaBytes`, `freeBytes`. */
  stats(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

/** The database, with a count of the statements that change something. */
function counted(database: Database): { database: Database; changes(): number } {
  let changes = 0;
  return {
    changes: () => changes,
    database: {
      ...database,
      query: (sql, params, limitMs) => {
        if (!/^\s*SELECT (?!alarmflow)|^\s*VACUUM/i.test(sql)) changes++;
        return database.query(sql, params, limitMs);
      },
    },
  };
}

/** Knows whether the disk has room, without asking it at every write. */
function watchDisk(
  folder: string,
  clock: Clock,
  log: Log,
): { trouble(): AlarmflowError | null; onChange(listener: () => void): void; stop(): void } {
  const listeners: (() => void)[] = [];
  let free = Number.POSITIVE_INFINITY;
  let low = false;
  const timer = clock.every(
    DISK_CHECK_EVERY_MS,
    () => {
      freeBytes(folder).then(
        (bytes) => {
          free = bytes;
          if (free < RESERVE_BYTES !== low) {
            low = !low;
            if (low) log.error('the disk of the record is full; nothing is written until there is space', { free });
            else log.info('the disk of the record has space again', { free });
            for (const listener of listeners) listener();
          }
        },
        (error: unknown) => log.warn('the free space of the disk is not known', { reason: messageOf(error) }),
      );
    },
    { background: true },
  );
  return {
    stop: () => timer.cancel(),
    onChange: (listener) => void listeners.push(listener),
    trouble() {
      if (!low) return null;
      return operationalError(
        'E_RECORD_WRITE',
        `The record cannot be written: its disk has ${Math.floor(free / 1048576)} MB free and ${RESERVE_BYTES / 1048576} are needed; free some space in ${folder}`,
        { retryAfterMs: DISK_CHECK_EVERY_MS, facts: { free } },
      );
    },
  };
}

/** Writes as much as a commit and keeps none of it: a disk that is full lets the smallest rows through for a while. */
async function tryToWrite(database: Database): Promise<void> {
  const rolledBack = new Error('rolled back on purpose');
  try {
    await database.transaction(async (query) => {
      await query(
        `INSERT INTO alarmflow.settings (name, value)
         SELECT 'write-probe', to_jsonb(string_agg(md5(random()::text), '')) FROM generate_series(1, 2000)`,
        undefined,
        PROBE_MS,
      );
      throw rolledBack;
    });
  } catch (thrown) {
    if (thrown !== rolledBack) throw thrown;
  }
}

/**
 * Opens the record and brings it to this version's layout. The data folder must be locked before (`lockDataDir`).
 * Throws `E_DATABASE_UNREACHABLE`, `E_RECORD_OPEN` (operational), `E_DATABASE_URL`, `E_SCHEMA_NEWER` (user).
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dataDir, databaseUrl, clock, log } = options;
  const embedded = databaseUrl === null ? await openEmbedded(dataDir, clock, log) : null;
  const { database, changes } = counted(embedded?.database ?? (await openPostgres(databaseUrl!, log)));
  if (!embedded) {
    try {
      await migrate(database, clock.now());
    } catch (thrown) {
      await database.close();
      throw codeOf(thrown) === '42501'
        ? operationalError(
            'E_DATABASE_UNREACHABLE',
            `The database does not let this user make the schema "alarmflow": ${messageOf(thrown)}; grant it CREATE on the database`,
            { cause: thrown },
          )
        : thrown;
    }
  }
  const mediaFolder = join(dataDir, 'media');
  const backupFolder = join(dataDir, 'backups');
  const disk = embedded ? watchDisk(dataDir, clock, log) : null;
  const guard = (): void => {
    const full = disk?.trouble();
    if (full) throw full;
  };
  // Not counted as changes: what is rolled back calls for no backup.
  const trouble = createWriteTrouble(() => tryToWrite(database), clock, log);
  const writer = createWriter(database, clock, log, guard, trouble);
  const asked = databaseUrl === null ? database : tellingLoss(database, databaseUrl);

  let backedUp = embedded?.restored ? -1 : changes();
  let running: Promise<string> | null = null;
  /** One at a time: who asks while one is written gets that one. */
  const backup = (): Promise<string> => {
    const seen = changes();
    running ??= writeBackup(database, backupFolder, clock.now())
      .then((path) => {
        backedUp = seen;
        return path;
      })
      .finally(() => {
        running = null;
      });
    return running;
  };
  let vacuuming: Promise<void> = Promise.resolve();
  let vacuumed = 0;
  const background = (what: string, work: () => Promise<unknown>): void => {
    if (database.broken() === null) {
      work().catch((error: unknown) => log.error(`${what} failed`, { reason: asAlarmflowError(error).message }));
    }
  };
  const timers = embedded
    ? [
        clock.every(
          BACKUP_EVERY_MS,
          () => background('the backup of the record', async () => (changes() === backedUp ? null : backup())),
          { background: true },
        ),
        clock.every(
          VACUUM_EVERY_MS,
          () =>
            background('the clean-up of the record', () => {
              if (changes() !== vacuumed) vacuuming = vacuum(database, false);
              vacuumed = changes();
              return vacuuming;
            }),
          { background: true },
        ),
      ]
    : [];

  return {
    kind: database.kind,
    pglite: embedded?.pglite ?? null,
    databaseUrl,
    restored: embedded?.restored ?? null,
    commit: (writes) => writer.commit(writes),
    ...createResumeReader(asked),
    ...createActionRecord(asked, writer),
    ...createSettingsRecord(asked),
    ...createRecordReader(asked),
    ...createLogReader(asked),
    media: createMediaStore(mediaFolder, asked, writer, clock, log, guard),
    users: createUserRecord(asked, clock),
    flowStorage: createFlowStorage(asked),
    broken: () => {
      const broken = database.broken();
      return broken === null ? null : asAlarmflowError(broken);
    },
    trouble: () => disk?.trouble() ?? trouble.now(),
    onTrouble(listener) {
      disk?.onChange(listener);
      trouble.onChange(listener);
    },
    async answers() {
      const answered = asked.query('SELECT 1');
      const pglite = embedded?.pglite;
      await (pglite ? answersSomebody(answered, () => pglite.silentMs(), clock) : answered);
    },
    backup,
    async prune(limits) {
      await prune(database, mediaFolder, clock, limits);
      if (embedded) await vacuum(database, true);
    },
    async stats() {
      const rows: Record<string, number> = {};
      for (const table of tableNames) {
        const [row] = await database.query<{ count: number }>(`SELECT count(*) AS count FROM alarmflow.${table}`);
        rows[table] = row?.count ?? 0;
      }
      const [sizes] = await database.query<{ database: number; media: string | number }>(
        `SELECT pg_database_size(current_database()) AS database,
                (SELECT COALESCE(sum(size), 0) FROM alarmflow.media) AS media`,
      );
      return {
        ...rows,
        databaseBytes: Number(sizes?.database ?? 0),
        mediaBytes: Number(sizes?.media ?? 0),
        freeBytes: await freeBytes(dataDir),
      };
    },
    async close() {
      for (const timer of timers) timer.cancel();
      disk?.stop();
      trouble.stop();
      await writer.close();
      await vacuuming;
      if (embedded && database.broken() === null && changes() !== backedUp) {
        // A stop must not fail for want of a backup: the database itself is sound.
        await backup().catch((error: unknown) =>
          log.error('the last backup of the record failed', { reason: messageOf(error) }),
        );
      }
      await (embedded ?? database).close();
    },
  };
}
