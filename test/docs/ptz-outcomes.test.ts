/** The table of outcomes in docs/actions/ptz.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type PtzOutcome, ptzOutcomes } from '../../engine/domain/ptz-outcomes';
import { ActionBench, aRow } from '../actions/action-bench';

const text = readFileSync(join(__dirname, '../../docs/actions/ptz.md'), 'utf8');
const rows = [...text.matchAll(/^\| `([a-z-]+)` \| ([^|]+) \| (yes|no) \|$/gm)].map(
  ([, outcome, words, again]) => [outcome as PtzOutcome, words!.trim(), again!] as const,
);

describe('docs/actions/ptz.md', () => {
  it('has all outcomes', () => {
    expect(rows.map(([outcome]) => outcome)).toEqual([...ptzOutcomes]);
  });

  it.each(rows)('%s: %s, tried again: %s', async (outcome, words, again) => {
    const bench = new ActionBench();
    bench.cameras.get('cam')!.turn = async () => ({ arrival: async () => outcome });
    const run = bench.run(aRow('ptz-preset', { channel: 1, preset: 7 }));
    const said = `"Hall camera" channel 1 ${words}`;
    if (again === 'no') expect(await run).toEqual({ status: 'done', summary: said });
    else
      await expect(run).rejects.toMatchObject({
        code: 'E_PTZ_NOT_MOVED',
        family: 'operational',
        message: expect.stringContaining(said),
      });
  });
});
