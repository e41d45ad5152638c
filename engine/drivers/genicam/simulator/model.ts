import {
  cameraFeatures,
  type FeatureSpec,
  lineNumbers,
  lineRegister,
  powerOn,
  registers,
  SOURCE_OFF,
  userOutputCount,
} from './camera-features';

/** A camera in memory, and what arv-tool prints of it, word for word as version 0.8.26 does. */
export interface CameraModel {
  read(address: number): number;
  write(address: number, value: number): void;
  /** Times that TriggerSoftware was executed. */
  fired(): number;
  /** Registers as after power-on. */
  reboot(): void;
  features(): string;
  /** What `arv-tool control item` prints. */
  control(item: string): string;
}

/** Odd behaviour of a single feature; each has been met, or is what arv-tool prints for it. */
export interface ModelManner {
  variants: ReadonlySet<string>;
  /** Writes and commands get no answer: another program has control. */
  inUse(): boolean;
  /** Writes are refused as to a locked feature. */
  locked(): boolean;
  /** Writes are accepted and change nothing. */
  ignoring(): boolean;
  /** Times are taken in steps of 8 µs. */
  rounding(): boolean;
}

const typeNames: Record<FeatureSpec['kind'], string> = {
  text: 'StringReg',
  enum: 'Enumeration',
  number: 'Integer',
  flag: 'Boolean',
  command: 'Command',
  level: 'Boolean',
  levels: 'IntSwissKnife',
};

/** As C prints `%g`. */
const printFloat = (value: number): string => {
  if (value !== 0 && Math.abs(value) >= 1e6)
    return value
      .toExponential(5)
      .replace(/\.?0+e/, 'e')
      .replace(/e\+(\d)$/, 'e+0$1');
  return String(Number(value.toPrecision(6)));
};

export function createCameraModel(serial: string, manner: ModelManner): CameraModel {
  const { variants } = manner;
  const specs = cameraFeatures(variants);
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const memory = new Map<number, number>(powerOn(variants));
  const texts: Record<string, string> = {
    DeviceVendorName: 'Aravis',
    DeviceModelName: 'Fake',
    DeviceVersion: '0.8.26',
    DeviceID: serial,
  };
  let fired = 0;

  const read = (address: number): number => memory.get(address) ?? 0;
  const selectorValue = (name: string): number => read(byName.get(name)?.address ?? 0);
  const addressOf = (spec: FeatureSpec): number =>
    spec.address + (spec.per ? selectorValue(spec.per.selector) * spec.per.stride : 0);

  function levels(): number {
    let mask = 0;
    for (const n of lineNumbers(variants)) {
      const source = read(lineRegister(n, 'source'));
      const shown =
        read(lineRegister(n, 'mode')) === 1
          ? source < Math.min(userOutputCount, SOURCE_OFF) && read(registers.userOutput + 4 * source)
          : (read(registers.wires) >> n) & 1;
      if (Boolean(shown) !== (read(lineRegister(n, 'inverter')) === 1)) mask |= 1 << n;
    }
    return mask;
  }

  function print(spec: FeatureSpec): string {
    const value = read(addressOf(spec));
    switch (spec.kind) {
      case 'text':
        return texts[spec.name] ?? '';
      case 'enum':
        return spec.entries?.find((e) => e.value === value)?.name ?? '';
      case 'number': {
        const show = spec.float ? printFloat : String;
        const unit = spec.unit ? ` ${spec.unit}` : '';
        return `${show(value)}${unit} min:${show(spec.min ?? 0)} max:${show(spec.max ?? 0)}`;
      }
      case 'flag':
        return String(value === 1);
      case 'level':
        return String(((levels() >> selectorValue('LineSelector')) & 1) === 1);
      default:
        return String(levels() >> (lineNumbers(variants)[0] ?? 0));
    }
  }

  /** The value to store, or what arv-tool says against it. */
  function take(spec: FeatureSpec, given: string): number | string {
    const { name } = spec;
    if (spec.access === 'RO' || manner.locked()) return `[${name}] Write error on read only feature`;
    if (manner.inUse()) return `[${name}] [${name}] [${name}Register] GigEVision write_register timeout`;
    switch (spec.kind) {
      case 'enum': {
        const entry = spec.entries?.find((e) => e.name === given);
        if (!entry) return `[${name}] '${given}' not an entry`;
        return entry.available ? entry.value : `[${name}] [${name}] Value ${entry.value} not found`;
      }
      case 'flag':
        if (given === 'true' || given === '1') return 1;
        return given === 'false' || given === '0' ? 0 : `Invalid string for a boolean feature (${given})`;
      default: {
        const value = Number(given);
        const kind = spec.float ? 'float' : 'integer';
        const show = spec.float ? printFloat : String;
        if (Number.isNaN(value)) return `Invalid string for a ${kind} feature (${given})`;
        const { min = 0, max = 0 } = spec;
        if (value > max) return `[${name}] Value '${show(value)}' greater than allowed maximum '${show(max)}'`;
        if (value < min) return `[${name}] Value '${show(value)}' lower than allowed minimum '${show(min)}'`;
        return manner.rounding() && spec.float ? Math.round(value / 8) * 8 : Math.round(value);
      }
    }
  }

  return {
    read,
    write: (address, value) => void memory.set(address, value),
    fired: () => fired,
    reboot() {
      memory.clear();
      for (const [address, value] of powerOn(variants)) memory.set(address, value);
    },

    features() {
      const lines = ["Category    : 'Root'"];
      for (const category of new Set(specs.map((s) => s.category))) {
        lines.push(`    Category    : '${category}'`);
        for (const spec of specs.filter((s) => s.category === category)) {
          const type = spec.float ? 'Float' : typeNames[spec.kind];
          lines.push(`        ${type.padEnd(13)}: [${spec.access ?? 'RW'}] '${spec.name}'`);
          for (const entry of [...(spec.entries ?? [])].reverse())
            lines.push(`            EnumEntry   : '${entry.name}'${entry.available ? '' : ' (Not available)'}`);
        }
      }
      return `${lines.join('\n')}\n`;
    },

    control(item) {
      const [name = '', given] = item.split(/=(.*)/s, 2);
      const spec = byName.get(name);
      if (!spec) return `Feature '${name}' not found`;
      if (spec.kind === 'command') {
        if (manner.inUse())
          return `${name} execute error: [${name}] [${name}Register] GigEVision write_register timeout`;
        fired++;
        memory.set(spec.address, 1);
        return `${name} executed`;
      }
      if (given !== undefined) {
        const taken = take(spec, given);
        if (typeof taken === 'string') return `${name} write error: ${taken}`;
        if (!manner.ignoring() || name.endsWith('Selector')) memory.set(addressOf(spec), taken);
      }
      return `${name} = ${print(spec)}`;
    },
  };
}
