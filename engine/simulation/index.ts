/** Simulation: the same engine under a virtual clock, sending nothing (ARCHITECTURE, "Simulation"). */
export { type EventLineOptions, readEventLines, recordedInput } from './event-lines';
export type * from './report';
export { createPlayer, runOn, type SimulateOptions, simulate } from './run';
export { type LoadedFlow, type LoadOptions, type SimulationRuntime, startSimulationRuntime } from './runtime';
export type { SimulationInput } from './steps';
export { parseMoment, parseSpan, spanText } from './times';
