export type { BackendChoice } from './backend';
export { DRY_PARAM, isDryRow, rehearsal, withDryRun } from './dry-run';
export { createExecutor, type Executor, type ExecutorHealth, type ExecutorOptions } from './executor';
export { createTimers, type Timers } from './timers';
