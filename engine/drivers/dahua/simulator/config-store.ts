/** The configuration of the device: names and values as getConfig writes them, without `table.`. */
export interface ConfigStore {
  get(name: string): string | undefined;
  /** The lines of a section, or null where there is none of that name. */
  section(name: string): string | null;
  /** Sets all or, where one of the names is unknown, none. */
  set(values: readonly (readonly [string, string])[]): boolean;
  /** The firmware doesn't know that setting. */
  drop(name: string): void;
}

export interface ConfigOptions {
  channels: number;
  inputs: number;
  outputs: number;
  thermal: boolean;
  named: boolean;
}

export function createConfigStore(options: ConfigOptions): ConfigStore {
  const values = new Map<string, string>();
  const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  for (const i of range(options.channels)) {
    values.set(`ChannelTitle[${i}].Name`, options.named ? `Gate ${i + 1}` : '');
    values.set(`ChannelTitle[${i}].SerialNo`, '');
    values.set(`MotionDetect[${i}].Enable`, 'true');
    values.set(`RecordMode[${i}].Mode`, '0');
    values.set(`RecordMode[${i}].ModeExtra1`, '2');
    values.set(`RecordMode[${i}].ModeExtra2`, '2');
    const rules = [
      ['1', 'Fence', 'CrossLineDetection', 'true'],
      ['2', 'Yard', 'CrossRegionDetection', 'true'],
      ['3', 'Old', 'LeftDetection', 'false'],
    ] as const;
    for (const [n, [id, name, type, enable]] of rules.entries()) {
      const rule = `VideoAnalyseRule[${i}][${n}]`;
      values.set(`${rule}.Enable`, enable);
      values.set(`${rule}.Id`, id);
      values.set(`${rule}.Name`, name);
      values.set(`${rule}.Type`, type);
    }
    if (options.thermal) values.set(`HeatImagingThermometry[${i}].TemperEnable`, 'true');
    if (options.thermal && i === 1) {
      values.set('ThermometryRule[1][0][0].Enable', 'true');
      values.set('ThermometryRule[1][0][0].Name', 'Boiler');
      values.set('ThermometryRule[1][0][0].RuleId', '1');
      values.set('ThermometryRule[1][0][0].Type', 'Area');
    }
  }
  for (const i of range(options.inputs)) {
    values.set(`Alarm[${i}].Enable`, 'true');
    values.set(`Alarm[${i}].Name`, options.named ? `Door ${i + 1}` : '');
    values.set(`Alarm[${i}].SensorType`, 'NO');
  }
  for (const i of range(options.outputs)) {
    values.set(`AlarmOut[${i}].Mode`, '0');
    values.set(`AlarmOut[${i}].Name`, options.named ? `Horn ${i + 1}` : '');
  }
  values.set('DisableEventNotify.Enable', 'false');
  values.set('DisableLinkage.Enable', 'false');

  return {
    get: (name) => values.get(name),
    section(name) {
      const lines = [...values].filter(([key]) => key.startsWith(`${name}[`) || key.startsWith(`${name}.`));
      if (lines.length === 0) return null;
      return lines.map(([key, value]) => `table.${key}=${value}\r\n`).join('');
    },
    set(changes) {
      if (changes.length === 0 || changes.some(([name]) => !values.has(name))) return false;
      for (const [name, value] of changes) values.set(name, value);
      return true;
    },
    drop(name) {
      values.delete(name);
    },
  };
}
