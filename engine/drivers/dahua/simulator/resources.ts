import { opticalPicture, thermalPicture } from '../../simulated/pictures';
import { presetPlace } from '../../simulated/turning-head';
import type { ConfigStore } from './config-store';
import type { EventWriter } from './event-writer';
import type { FaultName, Faults } from './faults';
import type { Hardware, SimulatorModel } from './hardware';

export interface Answer {
  status: number;
  type: string;
  body: string | Buffer;
}

export interface Resources {
  model: SimulatorModel;
  channels: number;
  outputs: number;
  serialNumber: string;
  faults: Faults;
  config: ConfigStore;
  hardware: Hardware;
  writer: EventWriter;
  /** Active indexes of a code, for getEventIndexes. */
  active(code: string): number[];
  /** Faults that come once and have come. */
  spent: Set<FaultName>;
}

const text = (body: string, status = 200): Answer => ({ status, type: 'text/plain;charset=utf-8', body });
const ok = (): Answer => text('OK\r\n');
const badRequest = (): Answer => text('Error\r\nBad Request!\r\n', 400);
const notImplemented = (): Answer => text('Error\r\nNot Implemented!\r\n', 501);
const models: Readonly<Record<SimulatorModel, { type: string; class: string }>> = {
  nvr: { type: 'SIM-NVR5216', class: 'NVR' },
  camera: { type: 'SIM-IPC-HFW5442', class: 'IPC' },
  thermal: { type: 'SIM-TPC-BF5421', class: 'IPC' },
};

/** Answers of the CGI programs (PROTOCOLS §2.1, §2.6); the event stream is not among them. */
export function answer(program: string, query: ReadonlyMap<string, string>, resources: Resources): Answer {
  const { faults, spent } = resources;
  if (faults.has('other-maker'))
    return { status: 200, type: 'text/html', body: '<!doctype html><html><title>Printer</title></html>' };
  if (faults.has('busy-once') && !spent.has('busy-once')) {
    spent.add('busy-once');
    return text('Error\r\nDevice is busy\r\n', 503);
  }
  const action = query.get('action') ?? '';
  switch (program) {
    case 'magicBox':
      if (faults.has('identity-busy')) return text('Error\r\nDevice is busy\r\n', 503);
      return magicBox(action, resources);
    case 'global':
      return action === 'getCurrentTime' && !faults.has('no-current-time')
        ? text(`result=${resources.writer.localTime()}\r\n`)
        : notImplemented();
    case 'configManager':
      return configManager(action, query, resources);
    case 'alarm':
      return alarm(action, resources);
    case 'eventManager':
      return events(action, query, resources);
    case 'coaxialControlIO':
      return coaxial(action, query, resources);
    case 'ptz':
      return ptz(action, query, resources);
    case 'RadiometryManager':
      return radiometry(action, query, resources);
    case 'snapshot':
      return snapshot(query, resources);
    default:
      return text('Error\r\nNot Found!\r\n', 404);
  }
}

function magicBox(action: string, { model, serialNumber }: Resources): Answer {
  const { type, class: kind } = models[model];
  switch (action) {
    case 'getDeviceType':
      return text(`type=${type}\r\n`);
    case 'getDeviceClass':
      return text(`class=${kind}\r\n`);
    case 'getSystemInfo':
      return text(
        `appAutoStart=true\r\ndeviceType=${type}\r\nhardwareVersion=1.00\r\nserialNumber=${serialNumber}\r\nupdateSerial=${type}\r\n`,
      );
    case 'getSoftwareVersion':
      return text('version=2.840.0000000.7.R,build:2024-05-06\r\n');
    case 'getMachineName':
      return text(`name=${serialNumber}\r\n`);
    default:
      return badRequest();
  }
}

function configManager(action: string, query: ReadonlyMap<string, string>, resources: Resources): Answer {
  const { faults, config, hardware } = resources;
  if (action === 'getConfig') {
    const section = config.section(query.get('name') ?? '');
    return section === null ? badRequest() : text(section);
  }
  if (action !== 'setConfig') return badRequest();
  if (faults.has('no-rights')) return text('Error\r\nNo permission!\r\n', 403);
  if (faults.has('error-in-200')) return text('Error\r\n');
  const values = [...query].filter(([name]) => name !== 'action');
  const ignored =
    (faults.has('output-ignored') && values.every(([name]) => name.startsWith('AlarmOut['))) ||
    (faults.has('record-ignored') && values.every(([name]) => name.startsWith('RecordMode[')));
  if (ignored) return ok();
  if (!config.set(values)) return badRequest();
  for (const [name, value] of values) hardware.log(`${name}=${value}`);
  return ok();
}

/** The relay: on while it is forced, or held by the device's own linkage while it is on automatic. */
export const outputIsOn = (index: number, { config, faults }: Pick<Resources, 'config' | 'faults'>): boolean => {
  const mode = config.get(`AlarmOut[${index}].Mode`);
  return mode === '1' || (mode === '0' && faults.has('output-held-by-linkage'));
};

function alarm(action: string, resources: Resources): Answer {
  const { faults, hardware, outputs } = resources;
  const mask = (bits: boolean[]): Answer =>
    text(`result=${bits.reduce((sum, on, i) => sum + (on ? 2 ** i : 0), 0)}\r\n`);
  switch (action) {
    case 'getInSlots':
      return text(`result=${hardware.inputs.length}\r\n`);
    case 'getOutSlots':
      return text(`result=${outputs}\r\n`);
    case 'getInState':
      if (faults.has('no-in-state')) return notImplemented();
      return mask(hardware.inputs.map((active) => active !== faults.has('inverted-inputs')));
    case 'getOutState':
      if (faults.has('output-status-missing')) return notImplemented();
      return mask(Array.from({ length: outputs }, (_, i) => outputIsOn(i, resources)));
    default:
      return badRequest();
  }
}

function events(action: string, query: ReadonlyMap<string, string>, { faults, active }: Resources): Answer {
  if (action === 'getExposureEvents')
    return text('events[0]=CrossLineDetection\r\nevents[1]=CrossRegionDetection\r\nevents[2]=AudioMutation\r\n');
  if (action !== 'getEventIndexes') return badRequest();
  if (faults.has('no-event-indexes')) return notImplemented();
  const code = query.get('code') ?? '';
  const indexes = code === 'AlarmLocal' && faults.has('no-input-indexes') ? [] : active(code);
  return indexes.length === 0
    ? text('Error\r\n')
    : text(indexes.map((index, i) => `channels[${i}]=${index}\r\n`).join(''));
}

function coaxial(action: string, query: ReadonlyMap<string, string>, { model, faults, hardware }: Resources): Answer {
  if (model === 'nvr' || faults.has('no-coaxial') || query.get('channel') !== '1') return badRequest();
  const word = (on: boolean): string => (on ? 'On' : 'Off');
  if (action === 'getStatus')
    return text(
      `status.status.Speaker=${word(hardware.siren)}\r\nstatus.status.WhiteLight=${word(hardware.light)}\r\n`,
    );
  const type = query.get('info[0].Type');
  const io = query.get('info[0].IO');
  if (action !== 'control' || !/^[12]$/.test(type ?? '') || !/^[12]$/.test(io ?? '')) return badRequest();
  if (faults.has('error-in-200')) return text('Error\r\n');
  if (type === '2') hardware.sound(io === '1');
  else hardware.light = io === '1';
  hardware.log(`${type === '2' ? 'siren' : 'light'} ${io === '1' ? 'on' : 'off'}`);
  return ok();
}

/** Temperatures on demand (PROTOCOLS §2.4). */
function radiometry(action: string, query: ReadonlyMap<string, string>, resources: Resources): Answer {
  const { model, faults, hardware, config } = resources;
  if (model !== 'thermal' || faults.has('no-radiometry')) return notImplemented();
  if (query.get('channel') !== '2') return badRequest();
  const mislabelled = faults.has('fahrenheit-called-centigrade');
  const told = (celsius: number): string => (mislabelled ? celsius * 1.8 + 32 : celsius).toFixed(6);
  const { celsius } = hardware;
  const unit = 'TemperatureUnit=Centigrade\r\n';
  if (action === 'getRandomPointTemper') {
    const [x, y] = [Number(query.get('coordinate[0]')), Number(query.get('coordinate[1]'))];
    if (!(x >= 0 && x <= 8191 && y >= 0 && y <= 8191)) return badRequest();
    return text(`pointTempInfo.TemperAver=${told(celsius)}\r\npointTempInfo.${unit}pointTempInfo.Type=Spot\r\n`);
  }
  if (action !== 'getTemper' || faults.has('rules-not-measured')) return badRequest();
  if (query.get('RuleId') !== config.get('ThermometryRule[1][0][0].RuleId')) return badRequest();
  return text(
    `TempInfo.Type=Area\r\nTempInfo.TemperAve=${told(celsius - 2)}\r\nTempInfo.TemperMax=${told(celsius)}\r\nTempInfo.TemperMin=${told(celsius - 5)}\r\nTempInfo.${unit}`,
  );
}

function ptz(
  action: string,
  query: ReadonlyMap<string, string>,
  { model, faults, hardware, channels }: Resources,
): Answer {
  const channel = Number(query.get('channel'));
  if (hardware.presets === 0 || !(channel >= 1 && channel <= channels)) return badRequest();
  if (action === 'getStatus') {
    if (faults.has('no-ptz-status')) return badRequest();
    const { moving, pan, tilt, zoom } = hardware.head.read();
    const word = moving ? 'Moving' : 'Idle';
    const at = faults.has('no-preset-places') || moving ? 0 : (hardware.preset?.preset ?? 0);
    const place = [pan, tilt, zoom].map((value, i) => `status.Postion[${i}]=${value.toFixed(6)}\r\n`).join('');
    return text(
      `status.MoveStatus=${word}\r\n${place}status.PresetID=${at}\r\nstatus.Sequence=0\r\nstatus.ZoomStatus=${word}\r\n`,
    );
  }
  if (action === 'getPresets') {
    if (model === 'nvr' && channel > 1) return badRequest();
    const numbers = Array.from({ length: Math.min(hardware.presets, 3) }, (_, i) => i);
    return text(numbers.map((i) => `presets[${i}].Index=${i + 1}\r\npresets[${i}].Name=Place ${i + 1}\r\n`).join(''));
  }
  const code = query.get('code') ?? '';
  if (faults.has('error-in-200')) return text('Error\r\n');
  if (action === 'stop') {
    hardware.motion = null;
    hardware.head.stop();
    hardware.log('stop');
    return ok();
  }
  if (action !== 'start') return badRequest();
  if (code !== 'GotoPreset') return goOn(code, Number(query.get('arg1')), hardware);
  hardware.motion = null;
  const preset = Number(query.get('arg2'));
  if (!(preset >= 1 && preset <= hardware.presets)) return badRequest();
  hardware.head.go(presetPlace(preset));
  hardware.preset = { channel, preset, at: hardware.commands.at(-1)?.at ?? 0 };
  hardware.log(`channel ${channel} preset ${preset}`);
  return ok();
}

/** Tours, patterns and scans that are set up on the device. */
const MOST_TOURS = 5;
const goings: Readonly<Record<string, string | null>> = {
  StartTour: 'tour',
  StopTour: null,
  StartPattern: 'pattern',
  StopPattern: null,
  AutoScanOn: 'scan',
  AutoScanOff: null,
  AutoPanOn: 'pan',
  AutoPanOff: null,
};

function goOn(code: string, number: number, hardware: Resources['hardware']): Answer {
  if (code === 'AuxOn' || code === 'AuxOff') {
    if (!(number >= 1 && number <= 8)) return badRequest();
    if (code === 'AuxOn') hardware.aux.add(number);
    else hardware.aux.delete(number);
    hardware.log(`aux ${number} ${code === 'AuxOn' ? 'on' : 'off'}`);
    return ok();
  }
  if (!Object.hasOwn(goings, code)) return badRequest();
  const going = goings[code] ?? null;
  if (going !== null && going !== 'pan' && !(number >= 1 && number <= MOST_TOURS)) return badRequest();
  hardware.motion = going === null || going === 'pan' ? going : `${going} ${number}`;
  if (hardware.motion === null) hardware.head.stop();
  else hardware.head.wander();
  hardware.log(hardware.motion ?? code);
  return ok();
}

function snapshot(query: ReadonlyMap<string, string>, { model, faults, channels, spent }: Resources): Answer {
  if (faults.has('snapshot-error-once') && !spent.has('snapshot-error-once')) {
    spent.add('snapshot-error-once');
    return text('Error\r\n', 500);
  }
  const asked = query.get('channel');
  if (faults.has('snapshot-without-channel') && asked !== undefined) return badRequest();
  const channel = asked === undefined ? 1 : Number(asked);
  if (!(channel >= 1 && channel <= channels)) return badRequest();
  const picture = model === 'thermal' && channel === 2 ? thermalPicture : opticalPicture;
  const bytes = faults.has('truncated-jpeg') ? picture.subarray(0, picture.length / 2) : picture;
  return { status: 200, type: 'image/jpeg', body: bytes };
}
