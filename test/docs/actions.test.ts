import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ActionStatus, finalActionStatuses } from '../../engine/domain/actions';
import { capabilityProblem, type DeviceNeed } from '../../engine/domain/capabilities';
import { type DeviceFacts, type DeviceOffers, noOffers } from '../../engine/domain/devices';
import { type AlarmflowError, bugError, isRetryable, operationalError, userError } from '../../engine/domain/errors';
import { loadConfig } from '../../engine/host/config';
import { tablesIn } from '../support/doc-tables';

const text = readFileSync(join(__dirname, '../../docs/actions/README.md'), 'utf8');
const tables = tablesIn(text);
const rowsOf = (section: string): string[][] => tables.find((table) => table.section === section)!.rows;

const statuses: Record<ActionStatus, true> = {
  queued: true,
  running: true,
  retrying: true,
  done: true,
  failed: true,
  expired: true,
  skipped: true,
};

describe('docs/actions/README.md', () => {
  it('names every status, and as done later those that are not final', () => {
    const rows = rowsOf('Outcome');
    expect(new Set(rows.map(([status]) => status!.replaceAll('`', '')))).toEqual(new Set(Object.keys(statuses)));
    const later = rows.filter(([, , done]) => done!.startsWith('yes')).map(([status]) => status!.replaceAll('`', ''));
    for (const status of Object.keys(statuses) as ActionStatus[])
      expect(later.includes(status), status).toBe(!finalActionStatuses.includes(status));
  });

  it.each(rowsOf('Errors and retries'))(
    'says of the family "%s" whether it is tried again',
    (family, _example, again) => {
      const made: Record<string, AlarmflowError> = {
        user: userError('E_A', ''),
        operational: operationalError('E_B', ''),
        bug: bugError('E_C', ''),
      };
      expect(isRetryable(made[family!]!)).toBe(again !== 'never');
    },
  );

  it('names the switches of the dry run as the configuration does', () => {
    const [first] = rowsOf('Dry run');
    const [flag, variable, key] = first![0]!.split(', ').map((name) => name.replaceAll('`', ''));
    expect(flag).toBe('--dry-run');
    const from = (input: object) =>
      loadConfig({ flags: {}, env: {}, cwd: '/nowhere', command: 'other', ...input }).config[key as 'dryRun'];
    expect([from({}), from({ flags: { dryRun: true } }), from({ env: { [variable!]: 'true' } })]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it.each(rowsOf('What the device cannot do'))('warns of "%s" where a device has told %s', (asked, told, warning) => {
    const [, what, number] = /^(\D+) (\d+)$/.exec(asked!)!;
    const needs: Record<string, DeviceNeed> = {
      'alarm output': { need: 'output', kind: 'relay', output: number! },
      channel: { need: 'channel', channel: Number(number) },
      preset: { need: 'output', kind: 'ptz', output: '1', move: { move: 'preset', number: Number(number) } },
      siren: { need: 'output', kind: 'siren', output: number! },
    };
    const facts: DeviceFacts = {
      model: 'M1',
      serialNumber: '',
      firmware: '',
      deviceType: '',
      inputs: 0,
      outputs: told === 'no outputs' ? 0 : 2,
      channels: 2,
      hasPtz: false,
      hasThermal: false,
      warnings: [],
    };
    const offers: Record<string, Partial<DeviceOffers>> = {
      'presets 1, 2': { presets: [1, 2].map((preset) => ({ channel: 1, preset, name: '' })) },
      'a light': { switches: [{ kind: 'light', name: '1', title: '' }] },
      'a siren': { switches: [{ kind: 'siren', name: '1', title: '' }] },
    };
    const problem = capabilityProblem(needs[what!]!, {
      name: 'Camera',
      facts: told === 'nothing' ? null : facts,
      offers: told === 'nothing' ? null : { ...noOffers, ...offers[told!] },
    });
    expect(problem ?? '–').toBe(warning);
  });
});
