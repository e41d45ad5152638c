export { createTimers, type Timers } from './timers';
