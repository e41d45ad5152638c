/**
 * The embedded database as record and executor share it. PGlite in our own thread fits it, and so does the PGlite
 * class itself. All values are plain data: they may cross a thread.
 */

/** Outcome of one statement. */
export interface EmbeddedResult<Row> {
  rows: Row[];
  /** Rows that the statement changed; absent where PostgreSQL does not tell. */
  affectedRows?: number;
}

/** Errors carry PostgreSQL's fields: `code` (SQLSTATE), `detail`, `constraint`… */
export interface EmbeddedSession {
  /** Runs one statement. */
  query<Row>(sql: string, params?: unknown[]): Promise<EmbeddedResult<Row>>;
  /** Runs several statements of one text. */
  exec(sql: string): Promise<EmbeddedResult<unknown>[]>;
}

export interface EmbeddedTransaction extends EmbeddedSession {
  /** Undoes everything and ends the transaction before its callback does. */
  rollback(): Promise<void>;
}

export interface EmbeddedDatabase extends EmbeddedSession {
  /** No more calls are taken. */
  readonly closed: boolean;
  /**
   * For how many milliseconds it has answered nobody although somebody waits; 0 while nobody does. There is one
   * session, so under load a statement waits long behind others: that is work, and silence is not. Left out where it
   * is not known.
   */
  silentMs?(): number;
  /**
   * There is one session: while a transaction is open, everybody else waits, in the order of their calls.
   * Commits when `work` resolves, undoes when it rejects.
   */
  transaction<Result>(work: (transaction: EmbeddedTransaction) => Promise<Result>): Promise<Result>;
  /** Resolves to what ends the listening. */
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>;
}
