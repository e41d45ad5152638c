/** Temperature rules (REQUIREMENTS T1–T5, T7): pure machines that turn readings into conditions with a level. */
export { checkThermalRule } from './check';
export { thermalMachine } from './machine';
export type { ThermalState } from './state';
