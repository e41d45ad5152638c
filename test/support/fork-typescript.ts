import { type ChildProcess, fork } from 'node:child_process';
import { resolve } from 'node:path';

/** Node's own version matters: the machine's may be older than the one the project pins. */
const pinnedNode = resolve('node_modules/node/bin/node');

/**
 * Starts a TypeScript file of the project as a process of its own, with an IPC channel.
 * Its standard output and errors are pipes. The caller kills it.
 *
 * @param file path from the project's root
 */
export function forkTypescript(file: string, args: string[] = [], env: Record<string, string> = {}): ChildProcess {
  return fork(resolve(file), args, {
    execPath: Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : pinnedNode,
    execArgv: ['--disable-warning=ExperimentalWarning', '--import', resolve('test/support/run-typescript.mjs')],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}
