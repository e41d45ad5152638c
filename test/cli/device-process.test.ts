import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { driverKinds, simulatorKinds } from '../../engine/drivers';
import { cliMain } from '../support/alarmflow-process';
import { freePort, freeUdpPort } from '../support/free-port';

vi.setConfig({ testTimeout: 180_000 });

/** The built command line, as people start it. */
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
});

const ask = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, [cliMain, 'device', ...args])).stdout;

async function device(...args: string[]) {
  const child = spawn(process.execPath, [cliMain, 'device', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
  const prints = async (pattern: RegExp): Promise<RegExpExecArray> => {
    const limit = performance.now() + 80_000;
    for (;;) {
      const found = pattern.exec(printed);
      if (found) return found;
      if (child.exitCode !== null || performance.now() > limit) throw new Error(`it printed:\n${printed}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    prints,
    address: async () => (await prints(/device at (\S+?:\d+)/))[1]!,
    /** Milliseconds from SIGTERM to its end. */
    async stop(): Promise<number> {
      const gone = once(child, 'exit');
      const began = performance.now();
      child.kill('SIGTERM');
      const [code] = (await gone) as [number | null];
      expect(code).toBe(0);
      return performance.now() - began;
    },
  };
}

const hasAravis = spawnSync('arv-fake-gv-camera-0.8', ['--help']).error === undefined;
const mayLack = process.env.ALARMFLOW_REQUIRE_ALL !== '1';
/** Arguments that a kind needs here, where other tests run beside this one. */
const special: Record<string, () => Promise<string[]>> = {
  'snmp-traps': async () => ['--port', String(await freeUdpPort())],
};
/** Connections that are waited for would take 5 s; a busy machine needs its time, too. */
const SOON_MS = 4_500;

/** GigE Vision's port is fixed: a camera that another test has going is waited for. */
async function startedDevice(kind: string): Promise<{ running: Awaited<ReturnType<typeof device>>; address: string }> {
  const limit = performance.now() + 60_000;
  for (;;) {
    const running = await device(kind, ...((await special[kind]?.()) ?? []));
    try {
      return { running, address: await running.address() };
    } catch (error) {
      if (kind !== 'genicam' || !/E_PORT_IN_USE/.test(String(error)) || performance.now() > limit) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}

describe('the built command "device"', () => {
  it('has a simulated device for every driver', () => {
    expect(
      simulatorKinds()
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(driverKinds().sort());
  });

  for (const { kind } of simulatorKinds()) {
    const lacking = kind === 'genicam' && !hasAravis && mayLack;
    const name = `starts a device of ${kind}, prints its address and stops soon after SIGTERM`;
    it.skipIf(lacking)(lacking ? `${name} (skipped: aravis-tools are not installed)` : name, async () => {
      const { running, address } = await startedDevice(kind);
      expect(address).toMatch(/^(?:https?|gvcp|snmp|mqtts?|tcp|modbus\S*):\/\/127\.0\.\d+\.\d+:\d+$/);
      if (/^http:/.test(address)) expect((await fetch(`${address}/sim/state`)).status).toBe(200);
      expect(await running.stop()).toBeLessThan(SOON_MS);
    });
  }

  it.each([
    ['http-push', '/ingest/token', 'application/json'],
    ['vivotek', '/ingest/token/motion/start', 'image/jpeg'],
  ])('lets %s push to its target, and tells what was answered', async (kind, path, type) => {
    const pushes: { url?: string; type?: string }[] = [];
    const server = createServer((request, response) => {
      pushes.push({ url: request.url, type: request.headers['content-type'] });
      request.resume();
      request.on('end', () => response.writeHead(202).end());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ingest/token`;
    const running = await device(kind, '--target', target, '--every', '0.1');
    await running.prints(/motion start: 202[\s\S]*motion stop: 202/);
    expect(pushes[0]).toEqual({ url: path, type });
    expect(await running.stop()).toBeLessThan(SOON_MS);
    server.close();
    server.closeAllConnections();
  });

  it('lets snmp-traps send to its target', async () => {
    const receiver = createSocket('udp4');
    receiver.bind(0, '127.0.0.1');
    await once(receiver, 'listening');
    const came = once(receiver, 'message');
    const running = await device(
      'snmp-traps',
      ...(await special['snmp-traps']!()),
      '--target',
      `127.0.0.1:${receiver.address().port}`,
      '--every',
      '0.1',
    );
    const [bytes] = (await came) as [Buffer];
    expect(bytes[0]).toBe(0x30);
    expect(await running.stop()).toBeLessThan(SOON_MS);
    receiver.close();
  });

  it('goes on where nobody takes its pushes', async () => {
    const target = `127.0.0.1:${await freePort()}`;
    const running = await device('http-push', '--target', `http://${target}/ingest/x`, '--every', '0.1');
    await running.prints(new RegExp(`motion start: The push to ${target} failed[\\s\\S]*motion stop: The push`));
    expect(await running.stop()).toBeLessThan(SOON_MS);
  });

  it('tells kinds and faults in its help', async () => {
    const help = await ask('--help');
    for (const { kind, faults } of simulatorKinds()) {
      expect(help).toContain(`\n  ${kind}\n`);
      for (const fault of faults) expect(help).toContain(fault);
    }
    expect(help).toContain('push to --target: snmp-traps, http-push, vivotek');
  });

  it('lists the faults of one kind, one a line', async () => {
    const { faults } = simulatorKinds().find(({ kind }) => kind === 'onvif')!;
    expect((await ask('onvif', '--faults')).trim().split('\n')).toEqual([...faults]);
  });
});
