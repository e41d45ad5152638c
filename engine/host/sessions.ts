import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../clock/clock';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { SettingsRecord } from '../domain/record';

/** One login. The token itself is known to the browser only. */
interface SessionRow {
  user: string;
  createdAt: number;
  seenAt: number;
}

export interface SessionLengths {
  /** A login ends after this, used or not. */
  totalMs: number;
  /** A login that is not used ends after this. */
  idleMs: number;
}

export interface Sessions {
  /** Begins a session; resolves to its token when it is on disk. */
  begin(user: string): Promise<string>;
  /** The user of a token, or null; counts as use. */
  user(token: string): string | null;
  end(token: string): Promise<void>;
  /** Ends every session of a user (removed, other role, other password). */
  endAll(user: string): Promise<void>;
}

const SETTING = 'console-sessions';
const MOST_PER_USER = 20;
const MOST = 1_000;
/** How often "last seen" is written: a crash may shorten an idle time by no more than this. */
const WRITE_SEEN_EVERY_MS = 60_000;

const digest = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** The value that a page of this session sends back with every change; only who has the cookie can know it. */
export const csrfOf = (token: string): string =>
  createHmac('sha256', token).update('alarmflow-csrf').digest('base64url');

/** Logins that outlive a restart; kept as hashes, so that a stolen record opens no door. */
export async function openSessions(
  settings: SettingsRecord,
  clock: Clock,
  log: Log,
  lengths: SessionLengths,
): Promise<Sessions> {
  const rows = new Map(Object.entries((await settings.readSetting<Record<string, SessionRow>>(SETTING)) ?? {}));
  let writtenAt = clock.now();
  let writing: Promise<void> = Promise.resolve();

  const isOver = (row: SessionRow, now: number): boolean =>
    now - row.createdAt >= lengths.totalMs || now - row.seenAt >= lengths.idleMs || now < row.createdAt - 60_000;

  function persist(): Promise<void> {
    const now = clock.now();
    for (const [id, row] of rows) if (isOver(row, now)) rows.delete(id);
    writtenAt = now;
    const next = writing.catch(() => undefined).then(() => settings.writeSetting(SETTING, Object.fromEntries(rows)));
    writing = next;
    return next;
  }

  const oldest = (of: [string, SessionRow][]): string | undefined =>
    of.sort((a, b) => a[1].seenAt - b[1].seenAt)[0]?.[0];

  return {
    async begin(user) {
      const own = [...rows].filter(([, row]) => row.user === user);
      const surplus = own.length >= MOST_PER_USER ? oldest(own) : rows.size >= MOST ? oldest([...rows]) : undefined;
      if (surplus !== undefined) rows.delete(surplus);
      const token = randomBytes(32).toString('base64url');
      const now = clock.now();
      rows.set(digest(token), { user, createdAt: now, seenAt: now });
      await persist();
      return token;
    },
    user(token) {
      const id = digest(token);
      const row = rows.get(id);
      if (!row) return null;
      const now = clock.now();
      if (isOver(row, now)) {
        rows.delete(id);
        return null;
      }
      row.seenAt = now;
      if (now - writtenAt >= WRITE_SEEN_EVERY_MS)
        persist().catch((error: unknown) =>
          log.warn('session.not-written', { error: asAlarmflowError(error).message }),
        );
      return row.user;
    },
    async end(token) {
      if (rows.delete(digest(token))) await persist();
    },
    async endAll(user) {
      const own = [...rows].filter(([, row]) => row.user === user);
      for (const [id] of own) rows.delete(id);
      if (own.length > 0) await persist();
    },
  };
}
