/** The little that the record needs of a PostgreSQL: the same on the embedded one and on a server. */

/**
 * Runs one statement and resolves to its rows. Values that are JSON are given as text and cast in the statement.
 * @param limitMs a server that has not answered by then counts as lost; the embedded database knows no such thing
 */
export type Query = <R>(sql: string, params?: readonly unknown[], limitMs?: number) => Promise<R[]>;

export interface Database {
  readonly kind: 'pglite' | 'postgres';
  query: Query;
  /** Runs several statements of one text, without parameters. */
  script(sql: string): Promise<void>;
  /** What is done through the given query is kept together or not at all. `snapshot` reads one moment in time. */
  transaction<T>(work: (query: Query) => Promise<T>, mode?: 'write' | 'snapshot'): Promise<T>;
  /** Why the database cannot be used any more in this process, or null. */
  broken(): Error | null;
  close(): Promise<void>;
}

/** SQLSTATE or operating system code of a thrown thing, or an empty text. */
export const codeOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : '';

export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** The connection to the database broke, or none could be made: nothing is wrong with what was asked. */
export function lostConnection(thrown: unknown): boolean {
  const code = codeOf(thrown);
  if (code !== '') return /^(?:08|57P)/.test(code) || networkCodes.has(code);
  // pg tells some of it in words alone.
  return /^connection terminated|timeout exceeded when trying to connect/i.test(messageOf(thrown)) || silent(thrown);
}

/** The server had not answered in time: nothing more comes over this connection that is still of use. */
export const silent = (thrown: unknown): boolean => /^query read timeout/i.test(messageOf(thrown));

const networkCodes = new Set(['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);
