/** Runs the fault table of docs/actions/log.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asAlarmflowError } from '../../engine/domain/errors';
import { ActionBench, anAlarm, aRow } from '../actions/action-bench';
import { tablesIn } from '../support/doc-tables';

const table = tablesIn(readFileSync(join(__dirname, '../../docs/actions/log.md'), 'utf8')).find(
  ({ section }) => section === 'Faults',
)!;

const right = { text: 'Heat in {{alarm.deviceName}}', level: 'warn' };
const broken: Record<string, { params?: object; deviceName?: string }> = {
  'control characters and line breaks of a device': { deviceName: 'Hall\r\n\u001b[31m{"level":60}' },
  'a text without end': { deviceName: 'x'.repeat(100_000) },
  'level that is none': { params: { level: 'shout' } },
};

describe('docs/actions/log.md', () => {
  it('has a scene for each fault, and no other', () => {
    expect(table.rows.map(([fault]) => fault)).toEqual(Object.keys(broken));
  });

  it.each(table.rows)('%s: %s', async (fault, code, again, journal, then, lines) => {
    const { params = {}, deviceName = 'Hall' } = broken[fault!]!;
    const bench = new ActionBench();
    const row = (fields: object) =>
      aRow('log', { ...right, ...fields }, { alarm: { ...anAlarm({ deviceName }), phase: 'raise' } });
    const error = await bench.run(row(params)).then(
      () => null,
      (thrown: unknown) => asAlarmflowError(thrown),
    );
    expect(error?.code ?? '–').toBe(code);
    expect(error?.family === 'operational' ? 'yes' : 'no').toBe(again);
    if (error) {
      expect(error.message).toContain(journal);
      expect((await bench.run(row({}))).status).toBe(then);
    }
    expect(bench.lines).toHaveLength(Number(lines));
    const text = String(bench.lines[0]?.fields?.text);
    expect(text.length).toBeLessThanOrEqual(2_000);
    expect(text).not.toMatch(/\p{Cc}/u);
  });
});
