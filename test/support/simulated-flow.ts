/** A runtime for simulations in a test file, and one call that runs a flow over lines of events. */
import { afterAll, beforeAll } from 'vitest';
import {
  entryLine,
  type ReportEntry,
  readEventLines,
  type SimulationResult,
  type SimulationRuntime,
  simulate,
  startSimulationRuntime,
} from '../../engine/simulation';
import { sourceNodes } from './source-nodes';

/** Starts Node-RED once for the tests of the file. */
export function simulationRuntime(): () => SimulationRuntime {
  let runtime: SimulationRuntime;
  beforeAll(async () => {
    runtime = await startSimulationRuntime({ nodesDir: await sourceNodes() });
  });
  afterAll(async () => {
    await runtime?.close();
  });
  return () => runtime;
}

export interface SimulatedRun {
  result: SimulationResult;
  entries: ReportEntry[];
  /** The report as people read it, times as seconds from the first event. */
  lines: string[];
}

export async function simulateLines(
  runtime: SimulationRuntime,
  flows: unknown,
  lines: object[],
  options: { armed?: boolean; allow?: string[]; runOnMs?: number } = {},
): Promise<SimulatedRun> {
  const entries: ReportEntry[] = [];
  const result = await simulate({
    runtime,
    flows,
    inputs: readEventLines(
      lines.map((line) => JSON.stringify(line)),
      { start: null, device: null, source: 'events' },
    ),
    armed: options.armed,
    allow: new Set(options.allow),
    runOnMs: options.runOnMs,
    onEntry: (entry) => entries.push(entry),
  });
  const told = entries.flatMap((entry) => {
    const line = entryLine(entry);
    return line === null ? [] : [`${(entry.at - result.summary.from) / 1_000} ${line.slice(26).replace(/\s+/g, ' ')}`];
  });
  return { result, entries, lines: told };
}
