import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { driverKinds, driverOf } from '../../engine/drivers';
import { describeConfig } from '../../engine/host/config';

const readme = readFileSync('README.md', 'utf8');

describe('the README', () => {
  it.each(describeConfig().map((row) => [row.flag, row] as const))(
    'tells the setting %s as the schema has it',
    (_flag, row) => {
      const line = readme.split('\n').find((text) => text.startsWith(`| \`${row.flag}\``));
      expect(line).toBe(settingLine(row));
    },
  );
});

describe("the README's table of devices", () => {
  it.each(driverKinds())('tells of %s and where its guide is', (kind) => {
    const line = readme.split('\n').find((text) => text.includes(`| \`${kind}\` |`));
    expect(line).toContain(`](docs/devices/${kind}.md)`);
    expect(existsSync(`docs/devices/${kind}.md`)).toBe(true);
    const searches = driverOf(kind).discover !== undefined;
    expect(line?.endsWith(searches ? '| yes |' : '| – |')).toBe(true);
  });
});

/** One line of the README's table of settings. */
function settingLine(row: ReturnType<typeof describeConfig>[number]): string {
  const cells = [
    `\`${row.flag}\``,
    `\`${row.env}\``,
    `\`${row.file}\``,
    row.default,
    `${row.description}; ${row.allowed}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
