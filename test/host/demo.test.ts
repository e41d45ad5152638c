import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { demoAlertArgument } from '../../engine/host/demo';

describe('the demo', () => {
  it.each([
    ['/opt/alarmflow', '@flows/demo-alert.xml'],
    ['/opt', '@alarmflow/flows/demo-alert.xml'],
    ['/home/anna', '@../../opt/alarmflow/flows/demo-alert.xml'],
  ])('names its alert as it is found from %s', (cwd, expected) => {
    expect(demoAlertArgument('/opt/alarmflow', cwd)).toBe(expected);
  });

  it('quotes a path as a shell needs it', () => {
    const argument = demoAlertArgument("/opt/anna's alarm flow", '/opt');
    const printed = execFileSync('/bin/sh', ['-c', `printf %s ${argument}`], { encoding: 'utf8' });
    expect(printed).toBe("@anna's alarm flow/flows/demo-alert.xml");
  });

  it('ends the alarm of a single pushed alert by itself, so that the siren falls silent without a second push', () => {
    const flow = JSON.parse(readFileSync(join('flows', 'demo-site.json'), 'utf8')) as Record<string, unknown>[];
    const trigger = flow.find((node) => node.id === 'demo-thermal');
    expect(trigger).toMatchObject({ quietMode: 'after', quietTime: 10 });
  });
});
