import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Who may know whom (DESIGN §6). A folder may always import itself. `clock` and `domain/log` are open to all but the pure parts. */
const mayImport: Record<string, string[]> = {
  'engine/domain': [],
  'engine/clock': [],
  'engine/log': ['engine/domain', 'engine/clock'],
  'engine/gates': ['engine/domain'],
  'engine/thermal': ['engine/domain'],
  'engine/snmp': [],
  'engine/alarms': ['engine/domain', 'engine/clock', 'engine/gates', 'engine/thermal'],
  'engine/outputs': ['engine/domain', 'engine/clock', 'engine/gates', 'engine/thermal'],
  'engine/actions': ['engine/domain', 'engine/clock', 'engine/gates', 'engine/thermal', 'engine/snmp'],
  'engine/drivers': ['engine/domain', 'engine/clock', 'engine/gates', 'engine/thermal', 'engine/snmp'],
  'engine/executor': ['engine/domain', 'engine/clock', 'engine/gates', 'engine/thermal'],
  'engine/store': ['engine/domain', 'engine/clock', 'engine/gates', 'engine/thermal'],
  'engine/recording': ['engine/domain', 'engine/clock'],
  'engine/host': [
    'engine/domain',
    'engine/clock',
    'engine/log',
    'engine/gates',
    'engine/thermal',
    'engine/alarms',
    'engine/outputs',
    'engine/actions',
    'engine/drivers',
    'engine/executor',
    'engine/store',
    'engine/recording',
    'engine/index.ts',
  ],
  // Joins the engine as the host does, around the host's own flow engine and Node-RED.
  'engine/simulation': [
    'engine/domain',
    'engine/clock',
    'engine/gates',
    'engine/thermal',
    'engine/alarms',
    'engine/outputs',
    'engine/actions',
    'engine/drivers',
    'engine/recording',
    'engine/host',
    'engine/index.ts',
  ],
  'engine/cli': [
    'engine/domain',
    'engine/clock',
    'engine/log',
    'engine/alarms',
    'engine/outputs',
    'engine/actions',
    'engine/drivers',
    'engine/executor',
    'engine/store',
    'engine/host',
    'engine/simulation',
    'engine/index.ts',
  ],
  'engine/index.ts': ['engine/domain'],
  nodes: ['engine/index.ts'],
  ui: ['engine/host/console-api.ts'],
};

/** Packages that only one part may use. */
const reservedPackages: Record<string, string[]> = {
  bullmq: ['engine/executor'],
  'node-red': ['engine/host'],
  '@node-red/registry': ['engine/host'],
  '@electric-sql/pglite': ['engine/store', 'engine/executor'],
};

const sources = globSync(['engine/**/*.ts', 'nodes/**/*.ts', 'ui/**/*.{ts,tsx}'], { exclude: ['**/node_modules/**'] })
  .filter((file) => !file.endsWith('.d.ts') && !file.endsWith('.config.mts'))
  .sort();

/** The source without comments and, for the search for names, without the contents of strings. */
function code(file: string): string {
  return readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

function importsOf(file: string): string[] {
  const found: string[] = [];
  const pattern =
    /(?:import|export)\s+(?:type\s+)?(?:[\w*{}\s,$]+\s+from\s+)?['"]([^'"]+)['"]|(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g;
  for (const match of code(file).matchAll(pattern)) found.push((match[1] ?? match[2])!);
  return found;
}

function resolve(from: string, specifier: string): string | null {
  const base = normalize(join(dirname(from), specifier.replace(/\.js$/, '')));
  for (const candidate of [base, `${base}.ts`, `${base}.tsx`, join(base, 'index.ts')]) {
    if (existsSync(candidate) && statSync(candidate).isFile()) return candidate;
  }
  return null;
}

function partOf(file: string): string {
  if (file === 'engine/index.ts') return file;
  return file.startsWith('engine/') ? file.split('/').slice(0, 2).join('/') : file.split('/')[0]!;
}

const edges = sources.flatMap((file) =>
  importsOf(file).map((specifier) => ({
    file,
    specifier,
    target: specifier.startsWith('.') ? resolve(file, specifier) : null,
  })),
);

describe('the house', () => {
  it('has only parts whose neighbours are written down', () => {
    expect([...new Set(sources.map(partOf))].filter((part) => !(part in mayImport))).toEqual([]);
  });

  it('lets each part import only those that it may know', () => {
    const wrong = edges
      .filter(({ file, target }) => {
        if (target === null) return false;
        const from = partOf(file);
        const to = partOf(target);
        if (from === to) return false;
        const allowed = mayImport[from] ?? [];
        return !allowed.includes(to) && !allowed.includes(target);
      })
      .map(({ file, target }) => `${file} imports ${target}`);
    expect(wrong).toEqual([]);
  });

  it('finds every relative import', () => {
    const missing = edges
      .filter(
        ({ specifier, target }) =>
          specifier.startsWith('.') && target === null && !/\.(css|json|sql)(\?\w+)?$/.test(specifier),
      )
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(missing).toEqual([]);
  });

  it('keeps reserved packages in their part', () => {
    const wrong = edges
      .filter(({ file, specifier }) => {
        const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]!;
        return name in reservedPackages && !reservedPackages[name]!.includes(partOf(file));
      })
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(wrong).toEqual([]);
  });

  it('has no import cycle', () => {
    const graph = new Map<string, string[]>();
    for (const { file, target } of edges) if (target) graph.set(file, [...(graph.get(file) ?? []), target]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      const at = path.indexOf(file);
      if (at >= 0) {
        cycles.push([...path.slice(at), file].join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of sources) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it('touches time only in the clock', () => {
    const time =
      /\bDate\.now\b|\bnew Date\b|\bDate\.parse\b|(?<![.\w])setTimeout\b|(?<![.\w])setInterval\b|AbortSignal\.timeout/;
    const withoutTexts = (source: string): string => source.replace(/'[^'\n]*'|"[^"\n]*"/g, "''");
    const wrong = sources
      .filter((file) => file.startsWith('engine/') && partOf(file) !== 'engine/clock')
      .filter(
        (file) => time.test(withoutTexts(code(file))) || importsOf(file).some((name) => /^(node:)?timers/.test(name)),
      );
    expect(wrong).toEqual([]);
  });

  it('keeps the pure parts free of input and output', () => {
    const impure = /^node:(?!crypto$|assert$|util$)/;
    const wrong = edges
      .filter(({ file }) => ['engine/domain', 'engine/gates', 'engine/thermal'].includes(partOf(file)))
      .filter(
        ({ specifier }) => !specifier.startsWith('.') && (impure.test(specifier) || !specifier.startsWith('node:')),
      )
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(wrong).toEqual([]);
  });

  it('names no file manager, helper, util or misc', () => {
    expect(sources.filter((file) => /(^|[/.-])(manager|helpers?|utils?|misc)([./-]|$)/i.test(file))).toEqual([]);
  });

  it('keeps files small enough to fit in the head', () => {
    const long = sources.filter((file) => readFileSync(file, 'utf8').split('\n').length > 600);
    expect(long).toEqual([]);
  });
});
