export interface ParametersOptions {
  model: string;
  inputs: number;
  outputs: number;
  presets: readonly string[];
}

/** The parameters of a simulated camera, as getparam.cgi knows them. */
export interface Parameters {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  has(name: string): boolean;
  /** A parameter by its name, or all of a group. */
  select(name: string): [string, string][];
}

export function createParameters(options: ParametersOptions): Parameters {
  const all = new Map<string, string>([
    ['system_info_modelname', options.model],
    ['system_info_extendedmodelname', options.model],
    ['system_info_serialnumber', '0002D1AA53C1'],
    ['system_info_firmwareversion', `${options.model}-VVTK-0108a`],
    ['system_hostname', "Yard's \\ camera"],
    ['capability_ndi', String(options.inputs)],
    ['capability_ndo', String(options.outputs)],
    ['capability_nvideoin', '2'],
    ['capability_ptzenabled', options.presets.length > 0 ? '1' : '0'],
    ['capability_thermal_support', /^TB/.test(options.model) ? '1' : '0'],
  ]);
  options.presets.forEach((name, i) => {
    all.set(`camctrl_c0_preset_i${i}_name`, name);
  });
  for (let i = 0; i < 3; i++) {
    const rule = [
      { name: 'Gate', trigger: 'di' },
      { name: 'Yard motion', trigger: 'motion' },
      { name: '', trigger: 'seq' },
    ][i]!;
    const prefix = `event_i${i}_`;
    all.set(`${prefix}name`, rule.name);
    all.set(`${prefix}enable`, rule.name === '' ? '0' : '1');
    all.set(`${prefix}trigger`, rule.trigger);
    all.set(`${prefix}delay`, '10');
    for (let server = 0; server < 5; server++) all.set(`${prefix}action_server_i${server}_enable`, '0');
  }
  for (let i = 0; i < 5; i++) {
    all.set(`server_i${i}_name`, '');
    all.set(`server_i${i}_type`, 'email');
    all.set(`server_i${i}_http_url`, 'http://');
    all.set(`server_i${i}_http_username`, '');
    all.set(`server_i${i}_http_passwd`, '');
  }
  return {
    get: (name) => all.get(name),
    set: (name, value) => void all.set(name, value),
    has: (name) => all.has(name),
    select: (name) => [...all].filter(([key]) => key === name || key.startsWith(`${name}_`)),
  };
}

/** A line of an answer: quoted, with the quotes inside escaped. */
export const paramLine = (name: string, value: string, quoted: boolean): string =>
  quoted ? `${name}='${value.replace(/[\\']/g, '\\$&')}'` : `${name}=${value}`;
