import type { Clock } from '../clock/clock';
import { userError } from '../domain/errors';
import type { Database } from './database';

export type UserRole = 'viewer' | 'operator' | 'administrator';

/** One account. The hash is opaque here. */
export interface User {
  name: string;
  role: UserRole;
  passwordHash: string;
  createdAt: number;
  lastLoginAt: number | null;
}

export interface UserRecord {
  /** By name. */
  list(): Promise<User[]>;
  find(name: string): Promise<User | null>;
  /** Throws `E_USER_EXISTS` (user). */
  add(user: { name: string; role: UserRole; passwordHash: string }): Promise<User>;
  /** Throws `E_UNKNOWN_USER` (user). */
  update(name: string, changes: { role?: UserRole; passwordHash?: string }): Promise<User>;
  /** Throws `E_UNKNOWN_USER` (user). */
  remove(name: string): Promise<void>;
  recordLogin(name: string, at: number): Promise<void>;
}

const columns = `name, role, password_hash AS "passwordHash", created_at AS "createdAt", last_login_at AS "lastLoginAt"`;

const unknownUser = (name: string) =>
  userError('E_UNKNOWN_USER', `There is no user "${name}": check the name in the list of users`);

export function createUserRecord(database: Database, clock: Clock): UserRecord {
  return {
    list: () => database.query<User>(`SELECT ${columns} FROM alarmflow.users ORDER BY name`),
    async find(name) {
      return (await database.query<User>(`SELECT ${columns} FROM alarmflow.users WHERE name = $1`, [name]))[0] ?? null;
    },
    async add(user) {
      const rows = await database.query<User>(
        `INSERT INTO alarmflow.users (name, role, password_hash, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO NOTHING RETURNING ${columns}`,
        [user.name, user.role, user.passwordHash, clock.now()],
      );
      if (!rows[0]) {
        throw userError(
          'E_USER_EXISTS',
          `There is a user "${user.name}" already: choose another name, or change that one`,
        );
      }
      return rows[0];
    },
    async update(name, changes) {
      const rows = await database.query<User>(
        `UPDATE alarmflow.users SET role = COALESCE($2, role), password_hash = COALESCE($3, password_hash)
          WHERE name = $1 RETURNING ${columns}`,
        [name, changes.role ?? null, changes.passwordHash ?? null],
      );
      if (!rows[0]) throw unknownUser(name);
      return rows[0];
    },
    async remove(name) {
      const rows = await database.query('DELETE FROM alarmflow.users WHERE name = $1 RETURNING name', [name]);
      if (rows.length === 0) throw unknownUser(name);
    },
    async recordLogin(name, at) {
      await database.query('UPDATE alarmflow.users SET last_login_at = $2 WHERE name = $1', [name, at]);
    },
  };
}
