import { describe, expect, it } from 'vitest';
import { AlarmflowError } from '../../engine/index';
import { firstVersion, type Migration, migrate } from '../../nodes/shared/migrations';

const steps: Migration[] = [
  firstVersion,
  { version: 2, up: ({ delay, ...rest }) => ({ ...rest, filteringTime: delay }) },
  { version: 3, up: (config) => ({ ...config, filteringTime: Number(config.filteringTime) / 1000 }) },
];

describe('migrations', () => {
  it('bring a configuration through every step to the current version', () => {
    expect(migrate({ version: 1, delay: 5000 }, steps, 'Node "a"')).toEqual({ version: 3, filteringTime: 5 });
  });

  it('begin where the configuration stands', () => {
    expect(migrate({ version: 2, filteringTime: 9000 }, steps, 'Node "a"')).toEqual({ version: 3, filteringTime: 9 });
  });

  it('take a configuration without version as written by hand for the first', () => {
    expect(migrate({ delay: 1000 }, steps, 'Node "a"')).toEqual({ version: 3, filteringTime: 1 });
  });

  it('leave a current one and the original alone', () => {
    const config = { version: 3, filteringTime: 1 };
    const migrated = migrate(config, steps, 'Node "a"');
    expect(migrated).toEqual(config);
    expect(migrated).not.toBe(config);
  });

  it('understand a version in quotes', () => {
    expect(migrate({ version: '2', filteringTime: 1000 }, steps, 'Node "a"')).toMatchObject({ filteringTime: 1 });
  });

  it.each([[4], [1.5], [-1], ['x'], [''], [{}], [true], [Number.NaN]])('refuse the version %j', (version) => {
    expect(() => migrate({ version }, steps, 'Node "a"')).toThrow(AlarmflowError);
    expect(() => migrate({ version }, steps, 'Node "a"')).toThrow(/^Node "a"/);
  });
});
