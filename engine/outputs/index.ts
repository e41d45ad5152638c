export { createOutputs, type Outputs, type OutputsOptions } from './outputs';
