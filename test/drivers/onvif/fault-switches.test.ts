import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { onvifFaultNames } from '../../../engine/drivers/onvif/simulator/faults';

it('every oddity of the simulated device has a test that switches it on', () => {
  const tests = readdirSync(__dirname).filter((file) => file.endsWith('.test.ts'));
  // What all makers have in common is tested once, with the oddities of each in its rows.
  const common = readFileSync(join(__dirname, '../ptz-read-back.test.ts'), 'utf8');
  const rows = [...common.matchAll(/\['onvif',\s*'[^']*',\s*\[([^\]]*)\]/g)].map(([, faults]) => faults);
  const written = [...tests.map((file) => readFileSync(join(__dirname, file), 'utf8')), ...rows].join('');
  expect(onvifFaultNames.filter((name) => !written.includes(`'${name}'`))).toEqual([]);
});
