export type { OutputsOptions } from './options';
export { createOutputs, type Outputs } from './outputs';
