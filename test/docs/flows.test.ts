/** The flows that come with alarmflow have tests beside them, and pass them. */
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readRuleTests, runRuleTests } from '../../engine/simulation';
import { simulationRuntime } from '../support/simulated-flow';

const runtime = simulationRuntime();

describe('a flow in flows/', () => {
  const testFiles = globSync('flows/*.test.json');

  it('is not without tests', () => {
    expect(testFiles.sort()).toEqual(
      globSync('flows/*.json', { exclude: ['flows/*.test.json'] })
        .map(testFileOf)
        .sort(),
    );
  });

  it.each(testFiles)('passes %s', async (file) => {
    const flows = JSON.parse(readFileSync(file.replace(/\.test\.json$/, '.json'), 'utf8')) as unknown;
    const tests = readRuleTests(readFileSync(file, 'utf8'), file);
    const { results } = await runRuleTests({ runtime: runtime(), flows, tests });
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(results).toHaveLength(tests.length);
  });
});

function testFileOf(flow: string): string {
  return flow.replace(/\.json$/, '.test.json');
}
