/** Simulation: the same engine under a virtual clock, sending nothing (ARCHITECTURE, "Simulation"). */

export type { RuleTestFailure, RuleTestReport, RuleTestResult } from '../domain/rule-tests';
export { type Beginning, beginningAt } from './beginning';
export { type Comparison, compare, comparisonSentence } from './compare';
export { type EventLineOptions, readEventLines, recordedInput } from './event-lines';
export { recordedInputs } from './recorded-inputs';
export type * from './report';
export {
  type RuleTestOptions,
  type RuleTestRun,
  runRuleTests,
} from './rule-test-run';
export { type RuleTest, readRuleTests } from './rule-tests';
export { createPlayer, runOn, type SimulateOptions, simulate } from './run';
export { type LoadedFlow, type LoadOptions, type SimulationRuntime, startSimulationRuntime } from './runtime';
export type { SimulationInput } from './steps';
export { comparisonLines, entryLine, summaryLines } from './text';
export { parseMoment, parseSpan, spanText } from './times';
