#!/usr/bin/env node
// Starts the built command line on the runtime that the project pins (Node 24): the machine's own may be older.
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { spawn } = require('node:child_process');

const root = join(__dirname, '..');
const main = join(root, 'dist', 'engine', 'cli', 'main.js');
if (!existsSync(main)) {
  console.error('alarmflow is not built: run "npm ci" or "npm run build" in its folder first');
  process.exit(1);
}

// Memory of a small box, measured with `npm run bench -- start throughput`: the optimising compiler works through the
// embedded database one function at a time instead of several at once, what it frees goes back to the machine, and
// young objects get as little room as the throughput allows; the embedded database's thread has such a room of its own.
const outside = process.env.DATABASE_URL || process.argv.some((word) => word.startsWith('--database-url'));
const small = ['--wasm-num-compilation-tasks=1', `--max-semi-space-size=${outside ? 12 : 6}`];
const environment = { ...process.env, MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '1' };
const servesSite = ['start', 'run'].includes(process.argv[2]);
const flags = servesSite ? small : [];

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // Takes the place of this process, so that there is one, with one process id and one receiver of signals.
  if (servesSite && typeof process.execve === 'function' && process.platform !== 'win32')
    process.execve(process.execPath, [process.execPath, ...flags, main, ...process.argv.slice(2)], environment);
  else require(main);
} else {
  const pinned = join(root, 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(pinned)) {
    console.error(
      `alarmflow needs Node 24, this is ${process.version}: run "npm ci", which installs it beside the project`,
    );
    process.exit(1);
  }
  const child = spawn(pinned, [...flags, main, ...process.argv.slice(2)], { stdio: 'inherit', env: environment });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}
