export type { BackendChoice } from './backend';
export { createExecutor, type Executor, type ExecutorHealth, type ExecutorOptions } from './executor';
export { createTimers, type Timers } from './timers';
