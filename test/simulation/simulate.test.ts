import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ReportEntry,
  readEventLines,
  type SimulationRuntime,
  simulate,
  startSimulationRuntime,
} from '../../engine/simulation';
import { sourceNodes } from '../support/source-nodes';

let runtime: SimulationRuntime;
beforeAll(async () => {
  runtime = await startSimulationRuntime({ nodesDir: await sourceNodes() });
});
afterAll(async () => {
  await runtime.close();
});

const demo = JSON.parse(readFileSync('flows/demo-site.json', 'utf8')) as unknown;

async function run(flows: unknown, lines: object[]) {
  const entries: ReportEntry[] = [];
  const result = await simulate({
    runtime,
    flows,
    inputs: readEventLines(
      lines.map((line) => JSON.stringify(line)),
      { start: null, device: null, source: 'events' },
    ),
    onEntry: (entry) => entries.push(entry),
  });
  return { result, entries };
}

describe('a simulated demo site', () => {
  it('runs', async () => {
    const { result, entries } = await run(demo, [
      { at: '2026-11-23T18:05 Europe/Berlin', device: 'Yard camera', type: 'line-crossing', phase: 'pulse' },
      { at: '+2 s', device: 'Yard camera', type: 'line-crossing', phase: 'pulse' },
    ]);
    console.log(JSON.stringify(entries, null, 1), JSON.stringify(result, null, 1));
    expect(result.summary.raised).toBe(1);
  });
});
