/**
 * Builds dist/: the TypeScript sources, the files that Node-RED loads beside its nodes, and the console.
 * With --if-stale it compares modification times first, so that `npm start` costs nothing after an install.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withScripts } from './editor-page.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

const bin = (name) => join(root, 'node_modules', '.bin', name);
const stamp = join('dist', '.built');
const inputs = [
  'engine/**/*',
  'nodes/**/*',
  'flows/**/*',
  'ui/**/*',
  'package.json',
  'tsconfig*.json',
  'resources/*.js',
  'scripts/*.mjs',
];

function stale() {
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  return globSync(inputs).some((file) => statSync(file).mtimeMs > built);
}

function run(command, args) {
  const result = spawnSync(command, args, { stdio: 'inherit' });
  if (result.status !== 0) {
    console.error(
      `build: "${[command, ...args].join(' ')}" failed; mend what it printed and run "npm run build" again`,
    );
    process.exit(result.status ?? 1);
  }
}

/** `npx alarmflow` and npm scripts look for commands there; npm links those of dependencies only. */
function linkCommand() {
  const link = join('node_modules', '.bin', 'alarmflow');
  if (process.platform === 'win32' || !existsSync(dirname(link))) return;
  if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(join('..', '..', 'bin', 'alarmflow.cjs'), link);
}

linkCommand();
if (process.argv.includes('--if-stale') && !stale()) process.exit(0);
if (!existsSync(bin('tsc'))) {
  // A production install (npm ci --omit=dev) ships dist/ and has no compiler.
  if (existsSync(stamp)) process.exit(0);
  console.error(
    'build: TypeScript is not installed and dist/ is missing; run "npm ci" with the development dependencies',
  );
  process.exit(1);
}

const ui = 'ui/vite.config.mts';
rmSync(join('dist', 'engine'), { recursive: true, force: true });
rmSync(join('dist', 'nodes'), { recursive: true, force: true });
run(bin('tsc'), ['-p', 'tsconfig.build.json']);
for (const file of globSync(['nodes/**/*.{html,json,svg,png}', 'engine/**/*.{sql,jpg,json,html,css}'])) {
  const target = join('dist', file);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(file, target);
}
const editorPage = join('dist', 'nodes', 'plugins', 'editor', 'editor.html');
writeFileSync(editorPage, withScripts(readFileSync(editorPage, 'utf8'), 'resources'));
if (existsSync(ui)) run(bin('vite'), ['build', '--config', ui, '--logLevel', 'warn']);
mkdirSync('dist', { recursive: true });
writeFileSync(stamp, `${JSON.parse(readFileSync('package.json', 'utf8')).version}\n`);
