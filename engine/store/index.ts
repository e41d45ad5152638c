/** The record: PostgreSQL on a server, or PGlite in the data folder. The only place that knows SQL. */

export { type DatabaseLock, lockDatabase } from './database-lock';
export type { Restored } from './embedded';
export { type DataDirLock, lockDataDir } from './lock';
export { LARGEST_PICTURE } from './media';
export { schemaVersion } from './migrations';
export type { PruneLimits } from './prune';
export type { FlowStorage, FlowStorageName } from './settings';
export { openStore, type Store, type StoreOptions } from './store';
export type { User, UserRecord, UserRole } from './users';
