import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { onvifFaultNames } from '../../../engine/drivers/onvif/simulator/faults';

it('every oddity of the simulated device has a test that switches it on', () => {
  const tests = readdirSync(__dirname).filter((file) => file.endsWith('.test.ts'));
  const written = tests.map((file) => readFileSync(join(__dirname, file), 'utf8')).join('');
  expect(onvifFaultNames.filter((name) => !written.includes(`'${name}'`))).toEqual([]);
});
