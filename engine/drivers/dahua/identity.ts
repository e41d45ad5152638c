import type { Clock } from '../../clock/clock';
import type { DeviceFacts } from '../../domain/devices';
import { AlarmflowError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { parseDeviceTime } from '../device-time';
import { errorIn, listIn } from './answer';
import type { Cgi, CgiRequest } from './cgi';

export interface QuestionOptions {
  cgi: Cgi;
  name: string;
  /** IANA zone of the device's clock; null: that of this machine. */
  timeZone: string | null;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** A device's clock that is farther off than this should be mended. */
const WRONG_CLOCK_MS = 60_000;
/** Channels that are named in one warning. */
const MOST_NAMED = 8;

type Parameters = CgiRequest['parameters'];

/** A question whose answer may be missing: null for a device that doesn't have it, or won't tell this user. */
export async function askIf(
  options: QuestionOptions,
  name: string,
  parameters: Parameters,
): Promise<Map<string, string> | null> {
  const { cgi, log, signal } = options;
  const what = `${name}.cgi ${parameters[0]?.[1] ?? ''} of "${options.name}"`;
  try {
    return await cgi.table({ name, parameters, signal }, what);
  } catch (thrown) {
    if (!(thrown instanceof AlarmflowError) || !absent.has(thrown.code)) throw thrown;
    log.debug('dahua.not-told', { what, reason: thrown.message });
    return null;
  }
}

const absent: ReadonlySet<string> = new Set([
  'E_NOT_SUPPORTED',
  'E_BAD_PARAMETER',
  'E_LOW_PRIVILEGE',
  'E_DEVICE_ERROR',
  'E_DEVICE_ANSWER',
]);

/** A section of the device's configuration, or null where it has none of that name. */
export const configOf = (options: QuestionOptions, name: string): Promise<Map<string, string> | null> =>
  askIf(options, 'configManager', [
    ['action', 'getConfig'],
    ['name', name],
  ]);

/** The device's own time in milliseconds, or null when it doesn't tell it in a form that can be read. */
export async function readDeviceTime(options: QuestionOptions): Promise<number | null> {
  const table = await askIf(options, 'global', [['action', 'getCurrentTime']]);
  const text = table?.get('result');
  return text ? parseDeviceTime(text, options.timeZone, options.clock.now()) : null;
}

/**
 * Asks a device who it is, and what of its setting keeps alarms away. Throws what the request for its type throws;
 * `E_DEVICE_TYPE` (user) where something else than a device of this line answers.
 */
export async function probeDevice(options: QuestionOptions): Promise<DeviceFacts> {
  const type = await deviceType(options);
  const magic = (action: string): Promise<Map<string, string> | null> =>
    askIf(options, 'magicBox', [['action', action]]);
  const system = await magic('getSystemInfo');
  const software = await magic('getSoftwareVersion');
  const kind = await magic('getDeviceClass');
  const titles = await configOf(options, 'ChannelTitle');
  const channels = titles ? listIn(titles, 'ChannelTitle', '.Name').size : 0;
  const ptz = await askIf(options, 'ptz', [
    ['action', 'getStatus'],
    ['channel', '1'],
  ]);
  const thermometry = await configOf(options, 'HeatImagingThermometry');
  const model = system?.get('deviceType') || type;
  return {
    model: /^\d*$/.test(model) ? type : model,
    serialNumber: system?.get('serialNumber') ?? (await magic('getSerialNo'))?.get('sn') ?? '',
    firmware: (software?.get('version') ?? '').replace(/,\s*build:?/i, ' build '),
    deviceType: kind?.get('class') ?? type,
    inputs: await slots(options, 'getInSlots'),
    outputs: await slots(options, 'getOutSlots'),
    channels: Math.max(channels, 1),
    hasPtz: ptz !== null && ptz.size > 0,
    hasThermal: thermometry !== null || /TPC/i.test(type) || /TPC/i.test(model),
    warnings: await warningsOf(options),
  };
}

async function deviceType({ cgi, name, signal }: QuestionOptions): Promise<string> {
  const parameters = [['action', 'getDeviceType']] as const;
  const wrong = (cause?: unknown): AlarmflowError =>
    userError(
      'E_DEVICE_TYPE',
      `What answers as "${name}" is no device of the Dahua line: check address and port, or choose another kind of device`,
      { cause },
    );
  let table: Map<string, string>;
  try {
    table = await cgi.table({ name: 'magicBox', parameters, signal }, `Device type of "${name}"`);
  } catch (thrown) {
    const code = thrown instanceof AlarmflowError ? thrown.code : '';
    throw code === 'E_NOT_SUPPORTED' || code === 'E_BAD_PARAMETER' ? wrong(thrown) : thrown;
  }
  const type = table.get('type') ?? table.get('deviceType');
  if (type === undefined) throw wrong();
  return type;
}

async function slots(options: QuestionOptions, action: string): Promise<number> {
  const result = (await askIf(options, 'alarm', [['action', action]]))?.get('result') ?? '';
  return /^\d{1,4}$/.test(result) ? Number(result) : 0;
}

/** What keeps events or outputs of the device from working, and the remedy. */
async function warningsOf(options: QuestionOptions): Promise<string[]> {
  const warnings: string[] = [];
  const { clock } = options;
  const time = await readDeviceTime(options);
  if (time === null) warnings.push('The device does not tell its time: late events cannot be told from live ones');
  else if (Math.abs(time - clock.now()) > WRONG_CLOCK_MS)
    warnings.push(
      `The device's clock is ${Math.round(Math.abs(time - clock.now()) / 1000)} s ${time > clock.now() ? 'fast' : 'slow'}: switch on NTP on the device, or set the device's time zone here`,
    );
  if (await lacksEventRight(options))
    warnings.push(
      "The device's user may not read events: give it the right to do so (Event in the rights of its group), or none arrives",
    );
  const isTrue = (text: string | undefined): boolean => text?.toLowerCase() === 'true';
  const silent = await configOf(options, 'DisableEventNotify');
  if (isTrue(silent?.get('DisableEventNotify.Enable')))
    warnings.push('The device is set not to report events (disarmed with "alarm upload"): switch its disarming off');
  const disarmed = await configOf(options, 'DisableLinkage');
  if (isTrue(disarmed?.get('DisableLinkage.Enable')))
    warnings.push('Disarming is switched on at the device: its own linkage does nothing');
  const motion = await configOf(options, 'MotionDetect');
  const off = motion
    ? [...listIn(motion, 'MotionDetect', '.Enable')]
        .filter(([, value]) => value.toLowerCase() === 'false')
        .map(([i]) => i + 1)
    : [];
  if (off.length > 0)
    warnings.push(`Motion detection is switched off on channel ${few(off)}: no motion is reported from there`);
  const outputs = await configOf(options, 'AlarmOut');
  const modes = outputs ? [...listIn(outputs, 'AlarmOut', '.Mode')] : [];
  const set = (value: string): number[] => modes.filter(([, mode]) => mode === value).map(([i]) => i);
  if (set('2').length > 0)
    warnings.push(
      `Alarm output ${few(set('2'))} is set to Off on the device, which blocks its own linkage: set it to Auto`,
    );
  if (set('1').length > 0)
    warnings.push(
      `Alarm output ${few(set('1'))} is set to Manual on the device, so it is on: set it to Auto if that is not meant`,
    );
  return warnings;
}

/** The right to read events is one of its own on many models; the stream itself can't be opened twice on some. */
async function lacksEventRight({ cgi, name, signal }: QuestionOptions): Promise<boolean> {
  const parameters = [
    ['action', 'getEventIndexes'],
    ['code', 'VideoMotion'],
  ] as const;
  const response = await cgi.send({ name: 'eventManager', parameters, signal });
  return errorIn(response, `Events of "${name}"`)?.code === 'E_LOW_PRIVILEGE';
}

const few = (numbers: number[]): string =>
  numbers.length > MOST_NAMED
    ? `${numbers.slice(0, MOST_NAMED).join(', ')} and ${numbers.length - MOST_NAMED} more`
    : numbers.join(', ');
