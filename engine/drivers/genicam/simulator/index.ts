import type { Clock } from '../../../clock/clock';
import { systemClock } from '../../../clock/system-clock';
import { operationalError, userError } from '../../../domain/errors';
import { createFaultSwitches, type FaultSwitches } from '../../simulated/faults';
import { GVCP_PORT } from '../discover';
import type { RunTool, ToolCommand, ToolOutput } from '../tool';
import { lineNumbers, lineRegister, registers, variantNames } from './camera-features';
import { type FakeCamera, startFakeCamera } from './fake-camera';
import { createCameraModel } from './model';
import { type StandInAnswer, startStandIn } from './stand-in';

/** What the camera can be made to do wrong. Variants (what it lacks) restart it, as a change of the camera would. */
export const genicamFaultNames = [
  ...variantNames,
  // Of the camera; these also of Aravis' fake camera.
  'unplugged',
  'frozen',
  // Of the camera behind the stand-in for arv-tool.
  'slow',
  'in-use',
  'usb-busy',
  'usb-access',
  'locked',
  'writes-ignored',
  'rounds',
  'selector-refused',
  'source-locked',
  'read-timeouts',
  'mask-differs',
  'mask-in-hex',
  'mask-unreadable',
  'levels-unreadable',
  // Of the tool.
  'cut-output',
  'garbage',
  'flood',
  'crash',
  'no-description',
  'old-tool',
] as const;
export type GenicamFaultName = (typeof genicamFaultNames)[number];

/** Those that Aravis' own fake camera can be brought to. */
export const aravisFaults: readonly string[] = [...variantNames, 'unplugged', 'frozen'];

export interface GenicamSimulatorOptions {
  /** Address of this machine; default 127.0.0.1. */
  host?: string;
  /** GigE Vision's port is fixed: 3956 or 0. */
  port?: number;
  /** Serial number. */
  serial?: string;
  faults?: readonly string[];
  /**
   * `aravis` (default): Aravis' fake camera with our description, for any GigE Vision program. `stand-in`: a camera in
   * memory and a stand-in for arv-tool, where Aravis is missing or must fail.
   */
  camera?: 'aravis' | 'stand-in';
  clock?: Clock;
}

export interface GenicamSimulator {
  /** `gvcp://127.0.0.1:3956` */
  url: string;
  port: number;
  /** The stand-in as a program; null with Aravis. */
  tool: ToolCommand | null;
  /** The stand-in without a process; null with Aravis. */
  run: RunTool | null;
  /** What it was told and asked. */
  state(): { camera: string; serial: string; wires: number; calls: number; fired: number };
  /** Argument lists of the calls of the stand-in since the last `clearCalls`. */
  calls(): readonly (readonly string[])[];
  clearCalls(): void;
  /** Level of the wire at a line. Throws `E_BAD_PARAMETER` (user). */
  setInput(line: string, high: boolean): Promise<void>;
  /** What a line that is an output shows, null while it is an input. */
  output(line: string): Promise<boolean | null>;
  /** Register of a trigger: how it was left. */
  trigger(
    selector?: number,
  ): Promise<{ mode: number; source: number; activation: number; delay: number; divider: number }>;
  line(line: string): Promise<{ mode: number; inverter: number; debouncer: number; source: number }>;
  /** Whether a software trigger came since the last call. */
  wasFired(): Promise<boolean>;
  /** Writes a register from outside, as another program would. */
  poke(address: number, value: number): Promise<void>;
  /** Off and on again: everything as after power-on. */
  reboot(): Promise<void>;
  faults: FaultSwitches<GenicamFaultName>;
  close(): Promise<void>;
}

/** Starts a simulated camera. Throws `E_ARAVIS_MISSING`, `E_PORT_IN_USE` (operational), `E_BAD_PARAMETER` (user). */
export async function startGenicamSimulator(options: GenicamSimulatorOptions = {}): Promise<GenicamSimulator> {
  const { host = '127.0.0.1', port = 0, serial = 'AF01', camera = 'aravis', clock = systemClock } = options;
  if (port !== 0 && port !== GVCP_PORT)
    throw userError('E_BAD_PARAMETER', `GigE Vision's port is ${GVCP_PORT} and cannot be ${port}: leave --port out`);
  const url = `gvcp://${host}:${GVCP_PORT}`;
  let wires = 0;
  const store = camera === 'aravis' ? await startAravis() : await startModel();

  const has = (name: string): boolean => store.faults.has(name as GenicamFaultName);
  const numberOf = (line: string): number => {
    const number = Number(/^Line(\d)$/.exec(line)?.[1] ?? Number.NaN);
    const numbers = lineNumbers(new Set(store.faults.list()));
    if (numbers.includes(number)) return number;
    throw userError(
      'E_BAD_PARAMETER',
      `The camera has no "${line}"; it has: ${numbers.map((n) => `Line${n}`).join(', ')}`,
    );
  };
  const lineState = async (line: string) => {
    const read = (of: Parameters<typeof lineRegister>[1]): Promise<number> =>
      store.read(lineRegister(numberOf(line), of));
    return {
      mode: await read('mode'),
      inverter: await read('inverter'),
      debouncer: await read('debouncer'),
      source: await read('source'),
    };
  };

  return {
    url,
    port: GVCP_PORT,
    tool: store.tool,
    run: store.run,
    state: () => ({ camera, serial, wires, calls: store.calls.length, fired: store.fired() }),
    calls: () => store.calls,
    clearCalls: () => void store.calls.splice(0),
    async setInput(line, high) {
      const bit = 1 << numberOf(line);
      wires = high ? wires | bit : wires & ~bit;
      if (!has('unplugged')) await store.write(registers.wires, wires);
    },
    async output(line) {
      const { mode, source, inverter } = await lineState(line);
      if (mode !== 1) return null;
      const value = source < 3 ? await store.read(registers.userOutput + 4 * source) : 0;
      return (value === 1) !== (inverter === 1);
    },
    async trigger(selector = 0) {
      const at = registers.trigger + selector * 0x20;
      const [mode = 0, source = 0, activation = 0, delay = 0, divider = 0] = [
        await store.read(at),
        await store.read(at + 4),
        await store.read(at + 8),
        await store.read(at + 12),
        await store.read(at + 16),
      ];
      return { mode, source, activation, delay, divider };
    },
    line: lineState,
    async wasFired() {
      const fired = (await store.read(registers.software)) === 1;
      await store.write(registers.software, 0);
      return fired;
    },
    poke: (address, value) => store.write(address, value),
    async reboot() {
      await store.reboot();
      await store.write(registers.wires, wires);
    },
    faults: store.faults,
    close: () => store.close(),
  };

  // ---- Aravis' fake camera ----

  async function startAravis(): Promise<Store> {
    const onlyThese = (name: string): void => {
      if (!aravisFaults.includes(name))
        throw userError(
          'E_UNKNOWN_FAULT',
          `Aravis' fake camera has no fault "${name}"; it has: ${aravisFaults.join(', ')}`,
        );
    };
    for (const name of options.faults ?? []) onlyThese(name);
    const variants = (): Set<string> => new Set(faults.list());
    let fake: FakeCamera | null = null;
    /** Starts and stops follow one another. */
    let turn: Promise<void> = Promise.resolve();
    const then = (work: () => Promise<void>): Promise<void> => {
      turn = turn.catch(() => undefined).then(work);
      return turn;
    };
    const start = async (): Promise<void> => {
      fake = await startFakeCamera(host, serial, variants(), clock);
      await fake.registers.write(registers.wires, wires);
    };
    const stop = async (): Promise<void> => {
      await fake?.stop();
      fake = null;
    };
    const switches = createFaultSwitches(genicamFaultNames, options.faults ?? [], (name, on) => {
      const work = async (): Promise<void> => {
        if (name === 'frozen') return fake?.freeze(on);
        await stop();
        if (!faults.has('unplugged')) await start();
      };
      // A start that fails shows itself at the next read or write.
      then(work).catch(() => undefined);
    });
    const faults: typeof switches = {
      ...switches,
      set(name, on) {
        onlyThese(name);
        switches.set(name, on);
      },
    };
    const running = async (): Promise<FakeCamera> => {
      await turn;
      if (fake) return fake;
      throw operationalError('E_DEVICE_OFFLINE', 'The simulated camera is unplugged');
    };
    if (!faults.has('unplugged')) await then(start);
    return {
      tool: null,
      run: null,
      calls: [],
      fired: () => 0,
      faults,
      read: async (address) => (await running()).registers.read(address),
      write: async (address, value) => (await running()).registers.write(address, value),
      reboot: () =>
        then(async () => {
          await stop();
          await start();
        }),
      close: () => then(stop),
    };
  }

  // ---- the camera in memory ----

  async function startModel(): Promise<Store> {
    const calls: string[][] = [];
    const faults = createFaultSwitches(genicamFaultNames, options.faults ?? [], (name) => {
      if (variantNames.some((variant) => variant === name)) model = create();
    });
    const create = () =>
      createCameraModel(serial, {
        variants: new Set(faults.list()),
        inUse: () => faults.has('in-use'),
        locked: () => faults.has('locked'),
        ignoring: () => faults.has('writes-ignored'),
        rounding: () => faults.has('rounds'),
      });
    let model = create();

    const answer = (args: readonly string[]): StandInAnswer => {
      calls.push([...args]);
      if (calls.length > 10_000) calls.splice(0, 5_000);
      return faulty(faults, args, () => printed(args));
    };
    const printed = (args: readonly string[]): string => {
      const at = args.findIndex((arg) => arg === 'control' || arg === 'features');
      if (at < 0) return `Aravis-Fake-${serial} (${host})\n`;
      if (args[at] === 'features') return model.features();
      const items = args.slice(at + 1);
      const lines = items.map((item) => {
        const refused = /^(\w+Selector)=/.exec(item)?.[1];
        if (faults.has('selector-refused') && refused !== undefined)
          return `${refused} write error: [${refused}] [${refused}] Value 2 not found`;
        if (faults.has('source-locked') && item.startsWith('TriggerSource='))
          return 'TriggerSource write error: [TriggerSource] Write error on read only feature';
        if (faults.has('read-timeouts'))
          return `${item.split('=')[0]} read error: [${item.split('=')[0]}] GigEVision read_register timeout`;
        const line = model.control(item);
        if (faults.has('levels-unreadable') && item === 'LineStatus') return 'LineStatus = ';
        if (faults.has('mask-unreadable') && item === 'LineStatusAll') return 'LineStatusAll = unknown';
        if (faults.has('mask-in-hex') && item === 'LineStatusAll')
          return `LineStatusAll = 0x${Number(line.split(' ')[2]).toString(16).padStart(8, '0')}`;
        return faults.has('mask-differs') && item === 'LineStatusAll' && line !== 'LineStatusAll = 0'
          ? `LineStatusAll = ${Number(line.split(' ')[2]) << 1}`
          : line;
      });
      return `${lines.join('\n')}\n`;
    };
    const standIn = await startStandIn(async (args) => {
      if (faults.has('slow')) await clock.sleep(SLOW_MS);
      return answer(args);
    });
    return {
      tool: standIn.tool,
      run: runInMemory(answer, clock, () => (faults.has('slow') ? SLOW_MS : 0)),
      calls,
      fired: () => model.fired(),
      faults,
      read: async (address) => model.read(address),
      write: async (address, value) => model.write(address, value),
      reboot: async () => model.reboot(),
      close: () => standIn.close(),
    };
  }
}

const SLOW_MS = 300;

interface Store {
  tool: ToolCommand | null;
  run: RunTool | null;
  calls: string[][];
  fired(): number;
  faults: FaultSwitches<GenicamFaultName>;
  read(address: number): Promise<number>;
  write(address: number, value: number): Promise<void>;
  reboot(): Promise<void>;
  close(): Promise<void>;
}

/** What arv-tool prints where something is wrong; its exit code is 0 all the same (PROTOCOLS §6.1). */
function faulty(faults: FaultSwitches<GenicamFaultName>, args: readonly string[], print: () => string): StandInAnswer {
  const to = args[1] ?? '';
  const said = (stderr: string): StandInAnswer => ({ stdout: '', stderr: `${stderr}\n` });
  if (faults.has('old-tool'))
    return { stdout: 'Option parsing failed: Unknown option --access-check=enable\n', stderr: '' };
  if (faults.has('unplugged')) {
    if (args.length === 0) return said('No device found');
    return said(args[0] === '-a' ? `Can't connect to device at address '${to}'` : `Device '${to}' not found`);
  }
  if (faults.has('usb-busy')) return said(`Failed to claim USB interface to '${to}': LIBUSB_ERROR_BUSY`);
  if (faults.has('usb-access')) return said(`Failed to open device '${to}': LIBUSB_ERROR_ACCESS`);
  if (faults.has('no-description')) return said('Genicam data not found');
  if (faults.has('frozen')) return { ...said(''), hang: true };
  if (faults.has('crash')) return { ...said('** CRITICAL **: assertion failed'), signal: 'SIGSEGV' };
  if (faults.has('flood')) return { ...said(''), flood: true };
  if (faults.has('garbage')) return { stdout: '\u0000\ufffd[[ = =\n\n= 3\nLineStatusAll = banana\n', stderr: '' };
  const stdout = print();
  return { stdout: faults.has('cut-output') ? stdout.slice(0, stdout.length / 2) : stdout, stderr: '' };
}

/** The stand-in without a process, for a clock that is turned by hand. */
const runInMemory =
  (answer: (args: readonly string[]) => StandInAnswer, clock: Clock, slowMs: () => number): RunTool =>
  async (args, { signal, timeoutMs, maxBytes = 256 * 1024 }): Promise<ToolOutput> => {
    signal.throwIfAborted();
    if (slowMs() > 0) await clock.sleep(slowMs(), signal);
    const { stdout, stderr, hang, flood, signal: by } = answer(args);
    if (hang) {
      await clock.sleep(timeoutMs, signal);
      throw operationalError('E_DEVICE_TIMEOUT', `arv-tool had no answer from the camera within ${timeoutMs} ms`);
    }
    if (flood) throw operationalError('E_DEVICE_ERROR', `arv-tool printed more than ${maxBytes} bytes and was stopped`);
    if (by) throw operationalError('E_DEVICE_ERROR', `arv-tool ended by ${by}`);
    return { stdout, stderr };
  };
