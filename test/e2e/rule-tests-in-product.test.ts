import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { RuleTestReport } from '../../engine/domain/rule-tests';
import { startAlarmflow } from '../support/alarmflow-process';
import { temporaryFolder } from '../support/temporary-folder';

it('runs the tests of a flow that is not deployed yet, as the editor asks for before a deploy', async () => {
  const site = await startAlarmflow({ args: ['start', '--demo', '--port', '0'], dataDir: await temporaryFolder() });
  try {
    const flows = JSON.parse(await readFile('flows/demo-site.json', 'utf8')) as Record<string, unknown>[];
    const tests = await readFile('flows/demo-site.test.json', 'utf8');
    const tab = flows.find((node) => node.type === 'tab');
    const run = async (draft: unknown[]): Promise<RuleTestReport> => {
      const response = await fetch(new URL('/editor/alarmflow/rule-tests/run', site.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ flows: draft }),
      });
      expect([response.status, response.ok ? '' : await response.text()]).toEqual([200, '']);
      return (await response.json()) as RuleTestReport;
    };
    const node = { id: 'own-tests', type: 'alarmflow-rule-tests', z: tab?.id, name: 'Tests', tests, atDeploy: 'offer' };
    const asItIs = await run([...flows, node]);
    expect(asItIs.failed).toBe(0);
    expect(asItIs.passed).toBeGreaterThan(5);

    const quieter = flows.map((one) => (one.type === 'alarmflow-relay-out' ? { ...one, postAlarm: 1 } : one));
    const changed = await run([...quieter, node]);
    expect(changed.failed).toBeGreaterThan(0);
    // Nothing of the draft has reached the site that runs.
    expect((await site.api<{ alarms: unknown[] }>('/api/v1/alarms?live=0')).alarms).toEqual([]);
  } finally {
    await site.kill('SIGTERM');
  }
}, 400_000);
