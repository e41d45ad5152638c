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
if (Number(process.versions.node.split('.')[0]) >= 24) {
  require(main);
} else {
  const pinned = join(root, 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(pinned)) {
    console.error(
      `alarmflow needs Node 24, this is ${process.version}: run "npm ci", which installs it beside the project`,
    );
    process.exit(1);
  }
  const child = spawn(pinned, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}
