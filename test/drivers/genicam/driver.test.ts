import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import type { AlarmflowError } from '../../../engine/domain/errors';
import { silentLog } from '../../../engine/domain/log';
import { createGenicamDriver, startGenicamSimulator } from '../../../engine/drivers/genicam';
import { recordingSink } from '../../support/recording-sink';
import { type ConnectedCamera, type ConnectedOptions, cameraAt, never, withCamera } from './connected';

interface Turned extends ConnectedCamera {
  turn(ms: number): Promise<void>;
}

/** With a clock that is turned by hand; the first look at the lines has been. */
async function turned(options: ConnectedOptions, work: (camera: Turned) => Promise<void>): Promise<void> {
  const clock = new VirtualClock(1_800_000_000_000);
  await withCamera({ ...options, clock }, async (camera) => {
    await clock.advance(50);
    await work({ ...camera, turn: (ms) => clock.advance(ms) });
  });
}

/** The error of a refused action, while the clock goes on. */
async function refusal(work: Promise<unknown>): Promise<AlarmflowError> {
  try {
    await work;
  } catch (thrown) {
    return thrown as AlarmflowError;
  }
  throw new Error('it was not refused');
}

const last = <T>(list: readonly T[]): T | undefined => list.at(-1);
const triggerOptions = {
  triggerMode: 'On',
  triggerSource: 'Line1',
  triggerActivation: 'FallingEdge',
  triggerDelay: '500',
  triggerDivider: '2',
  debouncer: '1500',
  lineInverter: 'on',
};

describe('lines as alarm inputs', () => {
  it('are watched when they are inputs, and no others', () =>
    turned({}, async ({ sim, sink, turn }) => {
      expect(sink.events.map((e) => e.draft.input)).toEqual(['Line1', 'Line2']);
      await sim.setInput('Line1', true);
      await turn(150);
      expect(last(sink.events)?.draft).toMatchObject({ type: 'digital-input', phase: 'start', input: 'Line1' });
    }));

  it('are read in one call of the tool, at the pace that is set', () =>
    turned({ settings: { pollMs: 50 } }, async ({ sim, turn }) => {
      sim.clearCalls();
      await turn(1_000);
      expect(sim.calls().length).toBeGreaterThanOrEqual(19);
      expect(sim.calls().length).toBeLessThanOrEqual(21);
      for (const call of sim.calls())
        expect(call).toEqual([
          '-a',
          '127.0.0.1',
          '--access-check=enable',
          '--range-check=enable',
          'control',
          'LineStatusAll',
        ]);
    }));

  it('are read from a mask in hexadecimal digits', () =>
    turned({ sim: { faults: ['mask-in-hex'] } }, async ({ sim, sink, turn }) => {
      await sim.setInput('Line1', true);
      await turn(150);
      expect(last(sink.events)?.draft).toMatchObject({ input: 'Line1', phase: 'start' });
    }));

  it('begin and end nothing while they cannot be read', () =>
    turned({}, async ({ sim, sink, turn }) => {
      await sim.setInput('Line1', true);
      await turn(150);
      const known = sink.told();
      expect(known.at(-1)).toBe('digital-input start');
      sim.faults.set('mask-unreadable');
      sim.faults.set('levels-unreadable');
      await turn(5_000);
      expect(sink.told()).toEqual(known);
      await turn(60_000);
      expect(last(sink.links)).toMatchObject({ link: 'offline', detail: expect.stringMatching(/can't be read/) });
      sim.faults.clear();
      await turn(20_000);
      // Never online and lost by turns.
      expect(sink.links.map(({ link }) => link).join(' ')).toMatch(/^connecting online( offline)+ online$/);
      expect(sink.told().slice(known.length)).toEqual(['digital-input refresh']);
    }));

  it.each([['no-line-mask'], ['mask-differs'], ['mask-unreadable']])('are read one by one with %s', (fault) =>
    turned({ sim: { faults: [fault] } }, async ({ sim, sink, turn }) => {
      await sim.setInput('Line1', true);
      await turn(150);
      expect(sink.told().filter((t) => t.endsWith('start'))).toHaveLength(1);
      expect(last(sink.events)?.draft.input).toBe('Line1');
      sim.clearCalls();
      await turn(100);
      expect(last(sim.calls())?.slice(-2)).toEqual(['LineSelector=Line2', 'LineStatus']);
    }),
  );

  it('are read one by one where the operator wants it', () =>
    turned({ settings: { status: 'each' } }, async ({ sim, sink, turn }) => {
      await sim.setInput('Line2', true);
      await turn(150);
      expect(last(sink.events)?.draft).toMatchObject({ input: 'Line2', phase: 'start' });
      expect(sim.calls().some((call) => call.includes('LineStatusAll'))).toBe(false);
    }));

  it('are counted from Line1 where there is no Line0', () =>
    turned({ sim: { faults: ['lines-from-1'] } }, async ({ sim, sink, turn }) => {
      await sim.setInput('Line3', true);
      await turn(150);
      expect(last(sink.events)?.draft).toMatchObject({ input: 'Line3', phase: 'start' });
      sim.clearCalls();
      await turn(300);
      expect(sim.calls().map((call) => call.at(-1))).toEqual(['LineStatusAll', 'LineStatusAll', 'LineStatusAll']);
    }));

  it('take a debounce', () =>
    turned({ settings: { inputs: 'Line1', debounceMs: 400 } }, async ({ sim, sink, turn }) => {
      await sim.setInput('Line1', true);
      await turn(250);
      await sim.setInput('Line1', false);
      await turn(1_000);
      expect(sink.told()).toEqual(['digital-input stop']);
      await sim.setInput('Line1', true);
      await turn(600);
      expect(sink.told()).toEqual(['digital-input stop', 'digital-input start']);
    }));

  it('that the camera does not have are named in a warning', () =>
    turned({ settings: { inputs: 'Line1\nLine9' } }, async ({ warnings, sink }) => {
      expect(warnings().join()).toContain('"Alarm inputs" names Line9');
      expect(last(sink.links)).toMatchObject({ link: 'online', detail: 'Fake answers; watches Line1' });
    }));

  it('that the camera has as outputs are named in a warning', () =>
    turned({ settings: { inputs: 'Line0' } }, async ({ warnings }) => {
      expect(warnings().join()).toContain('Line0 is watched as an input, but the camera has it as an output');
    }));

  it('go on while another program controls the camera', () =>
    turned({ sim: { faults: ['in-use'] }, settings: triggerOptions }, async ({ sim, sink, turn, warnings }) => {
      expect(last(sink.links)?.link).toBe('online');
      await sim.setInput('Line1', true);
      await turn(150);
      expect(last(sink.events)?.draft).toMatchObject({ input: 'Line1', phase: 'start' });
      expect(warnings().join()).toContain('Another program holds the control');
      expect(warnings().join()).toContain('The trigger set-up was not written');
      sim.faults.clear();
      await turn(61_000);
      expect(await sim.trigger()).toMatchObject({ mode: 1, delay: 500 });
      // Which lines are outputs is known now.
      expect(warnings()).toEqual([]);
      expect(last(sink.factList)).toMatchObject({ inputs: 2, outputs: 1 });
      expect(sink.links.some((l) => l.link === 'offline')).toBe(false);
    }));

  it('say when a look takes longer than its pace', () =>
    turned({ settings: { pollMs: 100 }, sim: { faults: ['slow'] } }, async ({ turn, warnings }) => {
      await turn(15_000);
      expect(warnings().join()).toContain('edges shorter than that are lost');
    }));

  it('give what was printed to a capture', () =>
    turned({ tap: true }, async ({ parts }) => {
      expect(parts.map((p) => p.bytes.toString()).join('')).toContain('LineStatusAll = 0\n');
      expect(parts[0]?.contentType).toBe('text/x-arv-tool');
    }));
});

describe('a camera that is lost', () => {
  it.each([
    ['unplugged', 'does not answer'],
    ['frozen', 'had no answer'],
    ['read-timeouts', 'answers no question'],
    ['usb-busy', 'is in use'],
    ['usb-access', 'udev rule'],
    ['crash', 'ended by SIGSEGV'],
    ['cut-output', 'cut short'],
    ['garbage', 'cut short'],
    ['flood', 'printed more than'],
    ['no-description', 'no GenICam description'],
    ['old-tool', 'install Aravis 0.8.26'],
  ])('(%s) is missed within 15 s, and comes back', (fault, words) =>
    turned({}, async ({ sim, sink, turn }) => {
      await sim.setInput('Line1', true);
      await turn(200);
      const told = sink.told().length;
      sim.faults.set(fault);
      await turn(15_000);
      expect(last(sink.links)?.link).toBe('offline');
      expect(last(sink.links)?.detail).toContain(words);
      expect(sink.told()).toHaveLength(told);
      sim.faults.set(fault, false);
      await turn(80_000);
      expect(last(sink.links)?.link).toBe('online');
      // What was open goes on; nothing was invented meanwhile.
      expect(sink.told().slice(told)).toEqual(['digital-input refresh']);
    }),
  );

  it('without lines to watch is missed within 15 s as well', () =>
    turned({ sim: { faults: ['no-lines'] } }, async ({ sim, sink, turn }) => {
      expect(last(sink.links)?.detail).toContain('no line is watched');
      sim.faults.set('frozen');
      await turn(15_000);
      expect(last(sink.links)?.link).toBe('offline');
    }));

  it('while an action waits for it is missed within 15 s as well', () =>
    turned({ settings: { pollMs: 3_000 } }, async ({ sim, sink, turn, connection }) => {
      sim.faults.set('frozen');
      const action = refusal(connection.setOutput('Line0', true, never));
      await turn(15_000);
      expect(last(sink.links)?.link).toBe('offline');
      expect((await action).code).toBe('E_DEVICE_TIMEOUT');
    }));

  it.each([0, 1, 2, 3, 4, 5])('is missed within 15 s also while its set-up is compared (%d s before)', (before) =>
    turned({ settings: { ...triggerOptions, pollMs: 3_000 } }, async ({ sim, sink, turn }) => {
      await turn(60_000 - before * 1_000);
      sim.faults.set('frozen');
      await turn(15_000);
      expect(last(sink.links)?.link).toBe('offline');
    }),
  );

  it('is not given up for a single failure', () =>
    turned({}, async ({ sim, sink, turn }) => {
      sim.faults.set('unplugged');
      await turn(120);
      sim.faults.set('unplugged', false);
      await turn(3_000);
      expect(sink.links.map((l) => l.link)).toEqual(['connecting', 'online']);
    }));

  it('has its list of features read once for each firmware', () =>
    turned({}, async ({ sim, turn }) => {
      sim.faults.set('unplugged');
      await turn(15_000);
      sim.faults.set('unplugged', false);
      await turn(20_000);
      expect(sim.calls().filter((call) => call.includes('features'))).toHaveLength(1);
    }));
});

describe('a machine without Aravis', () => {
  it('says what to install, and looks again every minute', async () => {
    const clock = new VirtualClock(1_800_000_000_000);
    const sink = recordingSink();
    const driver = createGenicamDriver({ tool: { command: '/nowhere/arv-tool-0.8' } });
    const connection = driver.connect({ definition: cameraAt(), sink, clock, log: silentLog });
    connection.start();
    const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
    await settled();
    expect(last(sink.links)).toMatchObject({ link: 'offline' });
    expect(last(sink.links)?.detail).toContain('sudo apt install aravis-tools-cli');
    expect((await refusal(connection.probe(never))).code).toBe('E_ARAVIS_MISSING');
    expect((await refusal(connection.setOutput('Line0', true, never))).message).toContain('aravis-tools-cli');
    await clock.advance(59_000);
    await settled();
    expect(sink.links).toHaveLength(2);
    await clock.advance(2_000);
    await settled();
    expect(sink.links).toHaveLength(3);
    await connection.close();
  });
});

describe('a line as an alarm output', () => {
  const outputs = { outputs: 'Line0\nLine2 = UserOutput1' };

  it('shows a user output, and what is read back proves it', () =>
    turned({ settings: outputs }, async ({ sim, connection }) => {
      expect(await connection.setOutput('Line0', true, never)).toBe(true);
      expect(await sim.output('Line0')).toBe(true);
      expect(await sim.line('Line0')).toMatchObject({ mode: 1, source: 0 });
      expect(await connection.readOutput('Line0', never)).toBe(true);
      expect(await connection.setOutput('Line0', false, never)).toBe(false);
      expect(await sim.output('Line0')).toBe(false);
    }));

  it('that works both ways is made an output when it is named as one', () =>
    turned({ settings: outputs }, async ({ sim, connection }) => {
      expect(await sim.output('Line2')).toBeNull();
      expect(await connection.setSwitch?.('line', 'Line2', true, { forMs: 1_000 }, never)).toBe(true);
      expect(await sim.line('Line2')).toMatchObject({ mode: 1, source: 1 });
      expect(await sim.output('Line2')).toBe(true);
    }));

  it('that is an input is left alone', () =>
    turned({}, async ({ sim, connection }) => {
      const error = await refusal(connection.setOutput('Line1', true, never));
      expect(error).toMatchObject({ code: 'E_BAD_PARAMETER', family: 'user' });
      expect(error.message).toContain('add it to "Alarm outputs"');
      expect(await sim.line('Line1')).toMatchObject({ mode: 0 });
    }));

  it('may be a user output by its own name', () =>
    turned({}, async ({ connection }) => {
      expect(await connection.setOutput('UserOutput2', true, never)).toBe(true);
      expect(await connection.readOutput('UserOutput2', never)).toBe(true);
    }));

  it('that shows something else is neither on nor off', () =>
    turned({}, async ({ connection }) => {
      expect(await connection.readOutput('Line0', never)).toBeNull();
    }));

  it.each(['Line0', 'UserOutput2'])('never writes to another one when the selector is refused (%s)', (output) =>
    turned({}, async ({ sim, connection }) => {
      await connection.setOutput(output, false, never);
      sim.faults.set('selector-refused');
      sim.clearCalls();
      await refusal(connection.setOutput(output, true, never));
      const written = sim
        .calls()
        .flat()
        .filter((arg) => /^(LineMode|LineSource|UserOutputValue)=/.test(arg));
      expect(written).toEqual([]);
    }),
  );

  it('is not on when its value reads back as off', () =>
    turned({}, async ({ sim, connection }) => {
      sim.faults.set('writes-ignored');
      const error = await refusal(connection.setOutput('UserOutput2', true, never));
      expect(error).toMatchObject({ code: 'E_OUTPUT_UNCONFIRMED', family: 'operational' });
    }));

  it.each([
    ['in-use', 'E_DEVICE_BUSY', 'is in use'],
    ['writes-ignored', 'E_OUTPUT_UNCONFIRMED', 'did not confirm'],
    ['locked', 'E_DEVICE_LOCKED', 'locked while the camera acquires'],
    ['unplugged', 'E_DEVICE_OFFLINE', 'does not answer'],
    ['usb-busy', 'E_DEVICE_BUSY', 'is in use'],
    ['crash', 'E_DEVICE_ERROR', 'ended by'],
    ['cut-output', 'E_DEVICE_ERROR', 'cut short'],
  ])('is not on when the tool ends with 0 and prints an error (%s)', (fault, code, words) =>
    turned({}, async ({ sim, connection }) => {
      sim.faults.set(fault);
      const error = await refusal(connection.setOutput('Line0', true, never));
      expect(error).toMatchObject({ code, family: 'operational' });
      expect(error.message).toContain(words);
    }),
  );

  it('is not there without user outputs', () =>
    turned({ sim: { faults: ['no-user-outputs'] } }, async ({ connection }) => {
      expect((await refusal(connection.setOutput('Line0', true, never))).code).toBe('E_NOT_SUPPORTED');
    }));

  it.each(['R[0x8004]', 'Line0=1', '--help', '', 'Line7'])('is never "%s"', (output) =>
    turned({}, async ({ sim, connection }) => {
      sim.clearCalls();
      expect((await refusal(connection.setOutput(output, true, never))).code).toBe('E_BAD_PARAMETER');
      expect(sim.calls()).toEqual([]);
    }),
  );

  it('ends when its action is called off', () =>
    turned({}, async ({ sim, connection }) => {
      sim.faults.set('frozen');
      const off = new AbortController();
      const work = refusal(connection.setOutput('Line0', true, off.signal));
      off.abort(new Error('called off'));
      expect((await work).message).toBe('called off');
    }));
});

describe('the trigger set-up', () => {
  it('is written off first and on last', () =>
    turned({ settings: triggerOptions, prepare: (sim) => sim.poke(0x8200, 1) }, async ({ sim, warnings }) => {
      expect(warnings()).toEqual([]);
      expect(await sim.trigger()).toEqual({ mode: 1, source: 1, activation: 1, delay: 500, divider: 2 });
      expect(await sim.line('Line1')).toMatchObject({ debouncer: 1500, inverter: 1 });
      const written = sim
        .calls()
        .flatMap((call) => call.filter((arg) => arg.includes('=') && !/^--|Selector/.test(arg)));
      expect(written).toEqual([
        'TriggerMode=Off',
        'TriggerSource=Line1',
        'TriggerActivation=FallingEdge',
        'TriggerDelay=500',
        'TriggerDivider=2',
        'LineDebouncerTime=1500',
        'LineInverter=true',
        'TriggerMode=On',
      ]);
    }));

  it('belongs to the trigger that is chosen', () =>
    turned({ settings: { ...triggerOptions, triggerSelector: 'AcquisitionStart' } }, async ({ sim }) => {
      expect(await sim.trigger(1)).toMatchObject({ mode: 1, delay: 500 });
      expect(await sim.trigger(0)).toMatchObject({ mode: 0, delay: 0 });
    }));

  it('finds older names', () =>
    turned({ settings: triggerOptions, sim: { faults: ['old-names'] } }, async ({ sim, warnings }) => {
      expect(warnings()).toEqual([]);
      expect(await sim.trigger()).toMatchObject({ delay: 500 });
      expect(await sim.line('Line1')).toMatchObject({ debouncer: 1500 });
    }));

  it('that is right already is not written', () =>
    turned({ settings: triggerOptions }, async ({ sim, turn }) => {
      sim.faults.set('unplugged');
      await turn(15_000);
      sim.clearCalls();
      sim.faults.set('unplugged', false);
      await turn(20_000);
      expect(
        sim
          .calls()
          .flat()
          .filter((arg) => /^Trigger(Mode|Source)=/.test(arg)),
      ).toEqual([]);
    }));

  it('is written again after a reboot, also one that hardly anybody saw', () =>
    turned({ settings: triggerOptions }, async ({ sim, turn, sink }) => {
      sim.faults.set('unplugged');
      await sim.reboot();
      await turn(120);
      sim.faults.set('unplugged', false);
      await turn(2_000);
      expect(sink.links.map((l) => l.link)).toEqual(['connecting', 'online']);
      expect(await sim.trigger()).toMatchObject({ mode: 1, source: 1, delay: 500 });
    }));

  it('that somebody changed is a warning, not a fight', () =>
    turned({ settings: triggerOptions }, async ({ sim, turn, warnings }) => {
      await sim.poke(0x820c, 9_000);
      await turn(62_000);
      expect(warnings().join()).toContain('TriggerDelay is 9000 us, set up is 500');
      expect(await sim.trigger()).toMatchObject({ delay: 9_000 });
      await sim.poke(0x820c, 500);
      await turn(62_000);
      expect(warnings()).toEqual([]);
    }));

  it('takes what the camera rounds to its own steps', () =>
    turned(
      { settings: { ...triggerOptions, triggerDelay: '100000' }, sim: { faults: ['rounds'] } },
      async ({ warnings }) => {
        expect(warnings()).toEqual([]);
      },
    ));

  it.each([
    ['entries-not-available', { triggerSource: 'Line2' }, 'Line2 is not available in the camera now'],
    ['no-lines', { triggerSource: 'Line1' }, 'TriggerSource Line1 does not exist'],
    ['locked', {}, 'locked while the camera acquires'],
    ['writes-ignored', {}, 'The camera took'],
  ])('that cannot be written is a warning (%s)', (fault, settings, words) =>
    turned(
      { settings: { ...triggerOptions, setupLine: 'Line1', ...settings }, sim: { faults: [fault] } },
      async (camera) => {
        expect(camera.warnings().join('\n')).toContain(words);
        expect(await camera.sim.trigger()).toMatchObject({ mode: 0 });
        expect(last(camera.sink.links)?.link).toBe('online');
      },
    ),
  );

  it('does not leave a running trigger off when its source cannot be written', () =>
    turned(
      {
        settings: triggerOptions,
        sim: { faults: ['source-locked'] },
        prepare: (sim) => sim.poke(0x8200, 1),
      },
      async (camera) => {
        expect(camera.warnings().join()).toContain('TriggerSource could not be written now');
        expect(camera.sim.calls().flat()).toContain('TriggerMode=Off');
        expect(await camera.sim.trigger()).toMatchObject({ mode: 1, source: 0, delay: 0 });
      },
    ));

  it('does without what the camera has no room for', () =>
    turned(
      {
        settings: { triggerMode: 'On', triggerDivider: '60000', triggerSource: 'Line1' },
        prepare: (sim) => sim.poke(0x8200, 1),
      },
      async (camera) => {
        expect(camera.warnings().join()).toContain("greater than allowed maximum '255'");
        expect(await camera.sim.trigger()).toMatchObject({ mode: 1, source: 1 });
      },
    ));
});

describe('the software trigger', () => {
  const software = { triggerMode: 'On', triggerSource: 'Software' };

  it('is executed once', () =>
    turned({ settings: software }, async ({ sim, connection }) => {
      await connection.trigger?.('', never);
      await connection.trigger?.('FrameStart', never);
      expect(sim.state().fired).toBe(2);
    }));

  it.each([
    [{}, 'TriggerMode is Off'],
    [{ triggerSource: 'Software' }, 'TriggerMode is Off'],
    [{ triggerMode: 'On', triggerSource: 'Line1' }, 'TriggerSource is Line1'],
  ])('that the camera would ignore is refused (%o)', (settings, words) =>
    turned({ settings }, async ({ sim, connection }) => {
      expect((await refusal(connection.trigger!('', never))).message).toContain(words);
      expect(sim.state().fired).toBe(0);
    }),
  );

  it.each([
    ['Bogus', null, 'E_BAD_PARAMETER'],
    ['', 'no-software-trigger', 'E_NOT_SUPPORTED'],
    ['', 'in-use', 'E_DEVICE_BUSY'],
    ['', 'unplugged', 'E_DEVICE_OFFLINE'],
  ])('"%s" fails with what is wrong (%s)', (name, fault, code) =>
    turned(
      { settings: software, sim: { faults: fault === 'no-software-trigger' ? [fault] : [] } },
      async ({ sim, connection }) => {
        if (fault) sim.faults.set(fault);
        expect((await refusal(connection.trigger!(name, never))).code).toBe(code);
        expect(sim.state().fired).toBe(0);
      },
    ),
  );
});

describe('a camera that is asked', () => {
  it('tells who it is and what it offers', () =>
    turned({}, async ({ connection }) => {
      expect(await connection.probe(never)).toEqual({
        model: 'Aravis Fake',
        serialNumber: 'AF01',
        firmware: '0.8.26',
        deviceType: 'area-scan camera',
        inputs: 2,
        outputs: 1,
        channels: 1,
        hasPtz: false,
        hasThermal: false,
        warnings: [],
      });
      expect(await connection.offers?.(never)).toMatchObject({
        inputs: [
          { input: 'Line1', name: 'Line1' },
          { input: 'Line2', name: 'Line2' },
        ],
        outputs: [{ output: 'Line0', name: 'Line0' }],
        eventTypes: ['digital-input'],
        switches: [{ kind: 'line', name: 'Line0', title: 'Line0' }],
      });
    }));

  it('offers only what exists', () =>
    turned({ sim: { faults: ['no-lines'] } }, async ({ connection }) => {
      expect(await connection.offers?.(never)).toMatchObject({ inputs: [], outputs: [], eventTypes: [], switches: [] });
      expect((await connection.probe(never)).warnings.join()).toContain('no lines');
    }));

  it('compares the trigger set-up without writing it', () =>
    turned({ settings: triggerOptions }, async ({ sim, connection }) => {
      await sim.poke(0x820c, 7);
      expect((await connection.probe(never)).warnings.join()).toContain('TriggerDelay is 7 us, set up is 500');
      expect(await sim.trigger()).toMatchObject({ delay: 7 });
    }));

  it('has no pictures, presets, sirens or pushes', () =>
    turned({}, async ({ connection }) => {
      expect((await refusal(connection.snapshot(1, never))).code).toBe('E_NOT_SUPPORTED');
      expect((await refusal(connection.gotoPreset(1, 1, never))).code).toBe('E_NOT_SUPPORTED');
      expect((await refusal(connection.setSwitch!('siren', 'x', true, {}, never))).code).toBe('E_NOT_SUPPORTED');
      const push = { method: 'POST', path: '/', headers: {}, body: Buffer.alloc(0), remoteAddress: '127.0.0.1' };
      expect((await refusal(connection.push(push))).code).toBe('E_BAD_PUSH');
    }));

  it('is asked by one process at a time, whoever asks', () =>
    turned({ sim: { faults: ['slow'] } }, async ({ sim, connection, turn }) => {
      await turn(3_000);
      sim.clearCalls();
      const all = Promise.all([1, 2, 3].map(() => connection.readOutput('UserOutput0', never)));
      await turn(250);
      expect(sim.calls().length).toBeLessThanOrEqual(1);
      await turn(5_000);
      expect(await all).toEqual([false, false, false]);
    }));

  it('is asked by one process at a time also by two connections', async () => {
    const clock = new VirtualClock(1_800_000_000_000);
    const sim = await startGenicamSimulator({ camera: 'stand-in', clock, faults: ['slow'] });
    let now = 0;
    let most = 0;
    const driver = createGenicamDriver({
      run: async (args, limits) => {
        most = Math.max(most, ++now);
        try {
          return await sim.run!(args, limits);
        } finally {
          now--;
        }
      },
    });
    const connections = [1, 2].map(() =>
      driver.connect({ definition: cameraAt(), sink: recordingSink(), clock, log: silentLog }),
    );
    for (const connection of connections) connection.start();
    await clock.advance(10_000);
    expect(most).toBe(1);
    for (const connection of connections) await connection.close();
    await sim.close();
  });
});
