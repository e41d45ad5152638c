/** What the simulated camera has; its GenICam description and its model are both made of this one table. */

export interface FeatureSpec {
  name: string;
  kind: 'text' | 'enum' | 'number' | 'flag' | 'command' | 'level' | 'levels';
  /** Register of four bytes, or of a text. */
  address: number;
  category: string;
  /** The register moves by `stride` for each step of the selector. */
  per?: { selector: string; stride: number };
  entries?: { name: string; value: number; available: boolean }[];
  min?: number;
  max?: number;
  unit?: string;
  /** Printed with a point where needed. */
  float?: boolean;
  access?: 'RO';
}

/** Kinds of cameras: what they lack or call by older names. */
export const variantNames = [
  'old-names',
  'no-line-mask',
  'lines-from-1',
  'no-lines',
  'no-user-outputs',
  'no-software-trigger',
  'entries-not-available',
] as const;
export type VariantName = (typeof variantNames)[number];

/** Registers of the camera's own memory; the fake camera has 64 KiB, of which the upper half is free. */
export const registers = {
  lineSelector: 0x8000,
  /** Levels of the wires at the inputs, bit 0 is Line0. */
  wires: 0x8004,
  userOutputSelector: 0x8008,
  triggerSelector: 0x800c,
  line: 0x8010,
  userOutput: 0x8100,
  trigger: 0x8200,
  software: 0x8280,
} as const;

export const LINE_STRIDE = 0x20;
const MODE = 0x0;
const INVERTER = 0x4;
const DEBOUNCER = 0x8;
const SOURCE = 0xc;

/** Numbers of the lines: Line0 opto-isolated output, Line1 opto-isolated input, Line2 both ways (manual, 3.7). */
export const lineNumbers = (variants: ReadonlySet<string>): number[] =>
  variants.has('lines-from-1') ? [1, 2, 3] : [0, 1, 2];

export const lineRegister = (number: number, of: 'mode' | 'inverter' | 'debouncer' | 'source'): number =>
  registers.line + number * LINE_STRIDE + { mode: MODE, inverter: INVERTER, debouncer: DEBOUNCER, source: SOURCE }[of];

export const userOutputCount = 3;
/** LineSource that shows nothing. */
export const SOURCE_OFF = 7;

/** What the registers hold after power-on: Line0 is an output. */
export const powerOn = (variants: ReadonlySet<string>): [number, number][] => {
  const first = lineNumbers(variants)[0] ?? 0;
  return [
    [lineRegister(first, 'mode'), 1],
    [lineRegister(first, 'source'), SOURCE_OFF],
    [registers.lineSelector, first],
    [registers.trigger + 0x10, 1],
    [registers.trigger + LINE_STRIDE + 0x10, 1],
  ];
};

/** All features of a camera. */
export function cameraFeatures(variants: ReadonlySet<string>): FeatureSpec[] {
  const has = (name: VariantName): boolean => variants.has(name);
  const lines = lineNumbers(variants);
  const scarce = has('entries-not-available');
  const entries = (names: readonly (readonly [string, number])[], absent: readonly string[] = []) =>
    names.map(([name, value]) => ({ name, value, available: !absent.includes(name) }));
  const perTrigger = { selector: 'TriggerSelector', stride: LINE_STRIDE };
  const perLine = { selector: 'LineSelector', stride: LINE_STRIDE };
  const lineEntries = lines.map((n) => [`Line${n}`, n] as const);
  const outputs = Array.from({ length: userOutputCount }, (_, n) => [`UserOutput${n}`, n] as const);
  const trigger = 'AcquisitionControl';
  const io = 'DigitalIOControl';
  const identity = 'DeviceControl';

  const list: FeatureSpec[] = [
    { name: 'DeviceVendorName', kind: 'text', address: 0x48, category: identity, access: 'RO' },
    { name: 'DeviceModelName', kind: 'text', address: 0x68, category: identity, access: 'RO' },
    { name: 'DeviceVersion', kind: 'text', address: 0x88, category: identity, access: 'RO' },
    { name: 'DeviceID', kind: 'text', address: 0xd8, category: identity, access: 'RO' },
    {
      name: 'TriggerSelector',
      kind: 'enum',
      address: registers.triggerSelector,
      category: trigger,
      entries: entries([
        ['FrameStart', 0],
        ['AcquisitionStart', 1],
      ]),
    },
    {
      name: 'TriggerMode',
      kind: 'enum',
      address: registers.trigger,
      category: trigger,
      per: perTrigger,
      entries: entries([
        ['Off', 0],
        ['On', 1],
      ]),
    },
    {
      name: 'TriggerSource',
      kind: 'enum',
      address: registers.trigger + 0x4,
      category: trigger,
      per: perTrigger,
      entries: entries([['Software', 9], ...(has('no-lines') ? [] : lineEntries)], scarce ? ['Line2'] : []),
    },
    {
      name: 'TriggerActivation',
      kind: 'enum',
      address: registers.trigger + 0x8,
      category: trigger,
      per: perTrigger,
      entries: entries([
        ['RisingEdge', 0],
        ['FallingEdge', 1],
        ['AnyEdge', 2],
      ]),
    },
    {
      name: has('old-names') ? 'TriggerDelayAbs' : 'TriggerDelay',
      kind: 'number',
      float: true,
      address: registers.trigger + 0xc,
      category: trigger,
      per: perTrigger,
      min: 0,
      max: 1_000_000,
      unit: 'us',
    },
    {
      name: 'TriggerDivider',
      kind: 'number',
      address: registers.trigger + 0x10,
      category: trigger,
      per: perTrigger,
      min: 1,
      max: 255,
    },
  ];
  if (!has('no-software-trigger'))
    list.push({ name: 'TriggerSoftware', kind: 'command', address: registers.software, category: trigger });
  if (!has('no-lines')) {
    list.push(
      {
        name: 'LineSelector',
        kind: 'enum',
        address: registers.lineSelector,
        category: io,
        entries: entries(lineEntries, scarce ? ['Line2'] : []),
      },
      {
        name: 'LineMode',
        kind: 'enum',
        address: registers.line + MODE,
        category: io,
        per: perLine,
        entries: entries([
          ['Input', 0],
          ['Output', 1],
        ]),
      },
      { name: 'LineInverter', kind: 'flag', address: registers.line + INVERTER, category: io, per: perLine },
      {
        name: has('old-names') ? 'LineDebouncerTimeAbs' : 'LineDebouncerTime',
        kind: 'number',
        float: true,
        address: registers.line + DEBOUNCER,
        category: io,
        per: perLine,
        min: 0,
        max: 1_000_000,
        unit: 'us',
      },
      { name: 'LineStatus', kind: 'level', address: 0, category: io, access: 'RO' },
    );
    if (!has('no-line-mask'))
      list.push({ name: 'LineStatusAll', kind: 'levels', address: 0, category: io, access: 'RO' });
    if (!has('no-user-outputs'))
      list.push(
        {
          name: 'LineSource',
          kind: 'enum',
          address: registers.line + SOURCE,
          category: io,
          per: perLine,
          entries: entries([...outputs, ['Off', SOURCE_OFF]]),
        },
        {
          name: 'UserOutputSelector',
          kind: 'enum',
          address: registers.userOutputSelector,
          category: io,
          entries: entries(outputs),
        },
        {
          name: 'UserOutputValue',
          kind: 'flag',
          address: registers.userOutput,
          category: io,
          per: { selector: 'UserOutputSelector', stride: 4 },
        },
      );
  }
  return list;
}
