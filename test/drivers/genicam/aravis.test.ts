import { spawnSync } from 'node:child_process';
import { describe, expect, vi } from 'vitest';
import { createGenicamDriver, startGenicamSimulator } from '../../../engine/drivers/genicam';
import { gvcpRegisters } from '../../../engine/drivers/genicam/simulator/gvcp';
import { until } from '../../support/recording-sink';
import { serverTest } from '../../support/server-test';
import { pause, steadyClock } from '../../support/steady-clock';
import { type ConnectedOptions, never, withCamera } from './connected';

// The fixed port of GigE Vision is waited for, and programs are started.
vi.setConfig({ testTimeout: 120_000 });

/** The driver with the real arv-tool against Aravis' own fake camera: neither end is ours but its description. */
const missing = (): string | null => {
  for (const program of ['arv-tool-0.8', 'arv-fake-gv-camera-0.8'])
    if (spawnSync(program, ['--help']).error) return `${program} is not installed (aravis-tools-cli, aravis-tools)`;
  return null;
};

/** GigE Vision's port is fixed: a camera that another test run has going is waited for. */
async function portFree(): Promise<void> {
  const registers = gvcpRegisters('127.0.0.1', steadyClock);
  const end = steadyClock.monotonic() + 40_000;
  while (await registers.answers()) {
    if (steadyClock.monotonic() > end) throw new Error('another program has had 127.0.0.1:3956 for 40 s');
    await pause(200);
  }
}

const onAravis = async (options: ConnectedOptions, work: Parameters<typeof withCamera>[1]): Promise<void> => {
  for (;;) {
    await portFree();
    try {
      await withCamera({ ...options, sim: { ...options.sim, camera: 'aravis' } }, work);
      return;
    } catch (thrown) {
      // Another test run was quicker between the look and the start.
      if ((thrown as { code?: string }).code !== 'E_PORT_IN_USE') throw thrown;
    }
  }
};

describe("Aravis' fake camera", () => {
  serverTest('tells its lines as alarm inputs as they rise and fall', missing, () =>
    onAravis({ settings: { pollMs: 50 } }, async ({ sim, sink }) => {
      await until('it is watched', () => sink.events.length === 2);
      expect(sink.told()).toEqual(['digital-input stop', 'digital-input stop']);
      await sim.setInput('Line1', true);
      await until('Line1 rose', () => sink.events.length === 3);
      expect(sink.events[2]?.draft).toMatchObject({ type: 'digital-input', phase: 'start', input: 'Line1' });
      await sim.setInput('Line2', true);
      await until('Line2 rose', () => sink.events.length === 4);
      await sim.setInput('Line1', false);
      await until('Line1 fell', () => sink.events.length === 5);
      expect(sink.events[4]?.draft).toMatchObject({ phase: 'stop', input: 'Line1' });
      expect(sink.links.map((l) => l.link)).toEqual(['connecting', 'online']);
    }),
  );

  serverTest('switches a line as an alarm output and reads it back', missing, () =>
    onAravis({ settings: { outputs: 'Line0\nLine2 = UserOutput1' } }, async ({ sim, sink, connection }) => {
      await until('it is online', () => sink.links.at(-1)?.link === 'online');
      expect(await connection.setOutput('Line0', true, never)).toBe(true);
      expect(await sim.output('Line0')).toBe(true);
      expect(await connection.readOutput('Line0', never)).toBe(true);
      expect(await connection.setSwitch?.('line', 'Line2', true, {}, never)).toBe(true);
      expect(await sim.line('Line2')).toMatchObject({ mode: 1, source: 1 });
      expect(await connection.setOutput('Line0', false, never)).toBe(false);
      expect(await sim.output('Line0')).toBe(false);
      expect(await connection.readSwitch?.('line', 'Line2', never)).toBe(true);
    }),
  );

  serverTest(
    'writes the trigger set-up, is missed when it hangs, and has its set-up again after a reboot',
    missing,
    () =>
      onAravis(
        {
          settings: {
            triggerSelector: 'AcquisitionStart',
            triggerMode: 'On',
            triggerSource: 'Line1',
            triggerActivation: 'FallingEdge',
            triggerDelay: '1000000',
            triggerDivider: '3',
            debouncer: '1500',
            lineInverter: 'on',
          },
        },
        async ({ sim, sink, warnings }) => {
          await until('it is online', () => sink.links.at(-1)?.link === 'online');
          expect(warnings()).toEqual([]);
          const setUp = { mode: 1, source: 1, activation: 1, delay: 1_000_000, divider: 3 };
          expect(await sim.trigger(1)).toEqual(setUp);
          expect(await sim.line('Line1')).toMatchObject({ debouncer: 1500, inverter: 1 });
          sim.faults.set('frozen');
          const from = steadyClock.monotonic();
          await until('it is missed', () => sink.links.at(-1)?.link === 'offline');
          expect(steadyClock.monotonic() - from).toBeLessThan(15_000);
          await sim.reboot();
          sim.faults.set('frozen', false);
          await until('it is back', () => sink.links.at(-1)?.link === 'online', 20_000);
          expect(await sim.trigger(1)).toEqual(setUp);
        },
      ),
  );

  serverTest('fires the software trigger', missing, () =>
    onAravis({ settings: { triggerMode: 'On', triggerSource: 'Software' } }, async ({ sim, sink, connection }) => {
      await until('it is online', () => sink.links.at(-1)?.link === 'online');
      expect(await sim.wasFired()).toBe(false);
      await connection.trigger?.('', never);
      expect(await sim.wasFired()).toBe(true);
    }),
  );

  serverTest('is read right by bits that begin with Line1, and by older names', missing, () =>
    onAravis(
      {
        sim: { faults: ['lines-from-1', 'old-names', 'entries-not-available'] },
        settings: { pollMs: 50, triggerSource: 'Line1', triggerMode: 'On', triggerDelay: '40', debouncer: '20' },
      },
      async ({ sim, sink, warnings }) => {
        await until('it is online', () => sink.links.at(-1)?.link === 'online');
        expect(warnings()).toEqual([]);
        expect(await sim.trigger()).toMatchObject({ mode: 1, source: 1, delay: 40 });
        await until('it is watched', () => sink.events.length === 1);
        await sim.setInput('Line3', true);
        await until('Line3 rose', () => sink.told().includes('digital-input start'));
        expect(sink.events.at(-1)?.draft.input).toBe('Line3');
      },
    ),
  );

  serverTest('is found by a search', missing, async () => {
    await portFree();
    const sim = await startGenicamSimulator({ serial: 'AF77' });
    try {
      const found: string[] = [];
      const search = new AbortController();
      await createGenicamDriver().discover?.((device) => {
        found.push(`${device.title} ${device.host}`);
        search.abort();
      }, search.signal);
      expect(found).toContain('Aravis-Fake-AF77 127.0.0.1');
    } finally {
      await sim.close();
    }
  });
});
