/** The examples of docs/simulation.md, run as they stand there. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { entryLine, readEventLines, readRuleTests, runRuleTests, simulate } from '../../engine/simulation';
import { simulationRuntime } from '../support/simulated-flow';

const runtime = simulationRuntime();
const text = readFileSync('docs/simulation.md', 'utf8');
const demo = JSON.parse(readFileSync('flows/demo-site.json', 'utf8')) as unknown;
const blocks = (language: string): string[] =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].filter(([, name]) => name === language).map(([, , body]) => body!);

describe('docs/simulation.md', () => {
  it('shows what the events of its example set off', async () => {
    const lines: string[] = [];
    await simulate({
      runtime: runtime(),
      flows: demo,
      inputs: readEventLines(blocks('jsonl')[0]!.split('\n'), { start: null, device: null, source: 'docs' }),
      onEntry(entry) {
        const line = entryLine(entry);
        if (line !== null) lines.push(line);
      },
    });
    expect(lines).toEqual(
      blocks('')
        .find((body) => body.startsWith('2026-'))!
        .trim()
        .split('\n'),
    );
  });

  it('shows tests that pass', async () => {
    const tests = readRuleTests(blocks('json')[0]!, 'docs');
    const { results } = await runRuleTests({ runtime: runtime(), flows: demo, tests });
    expect(results.map(({ ok, failures }) => ({ ok, failures }))).toEqual(
      tests.map(() => ({ ok: true, failures: [] })),
    );
  });
});
