import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../../engine/clock/clock';
import { systemClock } from '../../../engine/clock/system-clock';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { createToolRunner, type RunTool } from '../../../engine/drivers/genicam/tool';
import { until } from '../../support/recording-sink';
import { pause, steadyClock } from '../../support/steady-clock';
import { never, withCamera } from './connected';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'alarmflow-tool-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A runner for a program of a few lines of JavaScript. */
function runnerOf(program: string, clock: Clock = systemClock): RunTool {
  const file = join(folder, 'tool.cjs');
  writeFileSync(file, program);
  return createToolRunner(clock, { command: process.execPath, args: [file] });
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A process that was killed and not yet fetched by its parent is no longer alive.
    return !/\bZ/.test(execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }));
  } catch {
    return false;
  }
};

/** A program that starts another one, says both numbers, and never ends. */
const family = `
const { spawn } = require('node:child_process');
const child = spawn('sleep', ['60'], { stdio: 'inherit' });
require('node:fs').writeFileSync(process.argv[2], process.pid + ' ' + child.pid);
setInterval(() => {}, 1000);`;

const familyOf = async (): Promise<number[]> => {
  const file = join(folder, 'pids');
  const read = (): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  await until('the processes run', () => / \d+$/.test(read()));
  return read().split(' ').map(Number);
};

describe('a process of the tool', () => {
  it('is given its arguments as they are, never through a shell', async () => {
    const run = runnerOf('process.stdout.write(JSON.stringify(process.argv.slice(2)))');
    const args = ['-n', '$(id)', '; rm -rf /', "a'b", '`x`', '*'];
    expect(JSON.parse((await run(args, { signal: never, timeoutMs: 30_000 })).stdout)).toEqual(args);
  });

  it('sees nothing of the environment but its path, and prints numbers with a point', async () => {
    process.env.ALARMFLOW_TEST_SECRET = 'hidden';
    const run = runnerOf('process.stdout.write(Object.keys(process.env).sort().join() + process.env.LC_ALL)');
    const { stdout } = await run([], { signal: never, timeoutMs: 30_000 });
    delete process.env.ALARMFLOW_TEST_SECRET;
    expect(stdout).toMatch(/^LC_ALL,PATH(,\w+)*C$/);
    expect(stdout).not.toContain('SECRET');
  });

  it('is killed with what it started when it lasts too long', async () => {
    const clock = new VirtualClock(0);
    const run = runnerOf(family, clock);
    const ended = run([join(folder, 'pids')], { signal: never, timeoutMs: 1_500 });
    ended.catch(() => undefined);
    const pids = await familyOf();
    await clock.advance(1_499);
    expect(pids.map(isAlive)).toEqual([true, true]);
    await clock.advance(1);
    await expect(ended).rejects.toMatchObject({ code: 'E_DEVICE_TIMEOUT', family: 'operational' });
    await until('both are gone', () => !pids.some(isAlive));
  });

  it('is killed with what it started when it is called off', async () => {
    const run = runnerOf(family);
    const off = new AbortController();
    const ended = run([join(folder, 'pids')], { signal: off.signal, timeoutMs: 30_000 });
    ended.catch(() => undefined);
    const pids = await familyOf();
    off.abort(new Error('called off'));
    await expect(ended).rejects.toThrow('called off');
    await until('both are gone', () => !pids.some(isAlive));
  });

  it('is killed when it prints without end', async () => {
    const run = runnerOf(
      "(function more() { process.stdout.write('x'.repeat(65536), more); })(); require('node:fs').writeFileSync(process.argv[2], process.pid + ' ' + process.pid)",
    );
    const ended = run([join(folder, 'pids')], { signal: never, timeoutMs: 30_000, maxBytes: 1_000_000 });
    await expect(ended).rejects.toMatchObject({ code: 'E_DEVICE_ERROR' });
    const pids = await familyOf();
    await until('it is gone', () => !pids.some(isAlive));
  });

  it('that crashes is an error', async () => {
    const run = runnerOf("process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000);");
    await expect(run([], { signal: never, timeoutMs: 30_000 })).rejects.toThrow('SIGSEGV');
  });

  it('is not started for what is called off already', async () => {
    const run = runnerOf('require("node:fs").writeFileSync(process.argv[2], "ran")');
    const off = AbortSignal.abort(new Error('called off'));
    await expect(run([join(folder, 'ran')], { signal: off, timeoutMs: 30_000 })).rejects.toThrow('called off');
    expect(() => readFileSync(join(folder, 'ran'))).toThrow();
  });

  it('that is not installed is an error that says how to install it', async () => {
    const run = createToolRunner(systemClock, { command: 'arv-tool-that-nobody-has' });
    await expect(run([], { signal: never, timeoutMs: 30_000 })).rejects.toMatchObject({
      code: 'E_ARAVIS_MISSING',
      family: 'operational',
      retryAfterMs: 60_000,
    });
  });
});

describe('the driver with a process for each call', () => {
  it('watches lines, switches an output, and leaves no process behind', () =>
    withCamera(
      { driver: (sim) => ({ tool: sim.tool ?? undefined }), settings: { pollMs: 100 } },
      async ({ sim, sink, connection }) => {
        await until('it is watched', () => sink.events.length === 2);
        await sim.setInput('Line1', true);
        await until('Line1 rose', () => sink.told().at(-1) === 'digital-input start');
        expect(await connection.setOutput('Line0', true, never)).toBe(true);
        expect(await sim.output('Line0')).toBe(true);
        sim.faults.set('frozen');
        await pause(200);
        const from = steadyClock.monotonic();
        await connection.close();
        expect(steadyClock.monotonic() - from).toBeLessThan(1_000);
      },
    ));

  it.each([
    ['crash', 'ended by SIGSEGV'],
    ['flood', 'printed more than'],
    ['unplugged', 'does not answer'],
  ])('tells a %s of the tool', (fault, words) =>
    withCamera({ driver: (sim) => ({ tool: sim.tool ?? undefined }), sim: { faults: [fault] } }, async ({ sink }) => {
      await until('it is told', () => sink.links.at(-1)?.link === 'offline');
      expect(sink.links.at(-1)?.detail).toContain(words);
    }),
  );
});
