import type { DeviceFacts } from '../../domain/devices';
import { AlarmflowError, asAlarmflowError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import type { Cgi } from './cgi';
import type { Params } from './params';
import { findPorts } from './ports';

/** One event rule of the camera (event_i*). */
export interface CameraRule {
  index: number;
  name: string;
  trigger: string;
  enabled: boolean;
  /** Whether one of its actions sends something to a server. */
  tellsServer: boolean;
}

/** One server that the camera can send to (server_i*). */
export interface CameraServer {
  index: number;
  name: string;
  type: string;
  url: string;
}

/** What the driver wants to know of a camera. */
export interface CameraNature {
  facts: DeviceFacts;
  /** Numbers as the camera counts. */
  inputs: string[];
  outputs: string[];
  /** Null where the user may not read them. */
  rules: CameraRule[] | null;
  /** Ports that the user may not ask for. */
  denied: ReadonlySet<'di' | 'do'>;
  /** It has inputs, but told no state of them; it may do so at another time. */
  inputsUnread: boolean;
}

export interface NatureOptions {
  /** The camera's own client: what it refuses is the password. */
  cgi: Cgi;
  /** A client of its own for questions that may be above the user's privilege: a refusal there locks nothing. */
  trial: Cgi;
  name: string;
  log: Log;
  firstNumber: 0 | 1 | null;
  /** Whether the camera is meant to push. */
  pushes: boolean;
  signal: AbortSignal;
}

export const MOST_RULES = 3;
export const MOST_SERVERS = 5;

/**
 * Asks a camera who it is, what it has, and what its settings lack. Throws what the question for its model throws, and
 * `E_DEVICE_TYPE` (user) for a device of another make.
 */
export async function learnCamera(options: NatureOptions): Promise<CameraNature> {
  const { cgi, trial, name, signal } = options;
  const info = await askInfo(options);
  const model = info.get('system_info_modelname') ?? '';
  if (model === '')
    throw userError(
      'E_DEVICE_TYPE',
      `"${name}" is no VIVOTEK camera: it doesn't tell its model. Check address, port and driver`,
    );
  const capability = await optional(options, () => cgi.getParams('viewer', ['capability'], 'Capabilities', signal));
  const warnings: string[] = [];
  const denied = new Set<'di' | 'do'>();
  const inputCount = countOf(capability, 'capability_ndi');
  const inputs = await portsOf(options, 'di', inputCount, warnings, denied);
  const outputs = await portsOf(options, 'do', countOf(capability, 'capability_ndo'), warnings, denied);
  const events = await optional(options, () =>
    trial.getParams(
      'admin',
      [...groups('event', MOST_RULES), ...groups('server', MOST_SERVERS)],
      'Event settings',
      signal,
    ),
  );
  const rules = events && rulesOf(events);
  if (options.pushes) warnings.push(...pushWarnings(events, rules));
  const channels = countOf(capability, 'capability_nvideoin') ?? 1;
  const ptz = capability?.get('capability_ptzenabled') ?? capability?.get('capability_camctrl') ?? '0';
  return {
    inputs,
    outputs,
    rules,
    denied,
    inputsUnread: inputs.length === 0 && (inputCount ?? 0) > 0 && !denied.has('di'),
    facts: {
      model,
      serialNumber: info.get('system_info_serialnumber') ?? '',
      firmware: info.get('system_info_firmwareversion') ?? '',
      deviceType: 'network camera',
      inputs: inputs.length,
      outputs: outputs.length,
      channels,
      hasPtz: /^[1-9]/.test(ptz),
      hasThermal: isThermal(model, capability),
      warnings,
    },
  };
}

async function askInfo({ cgi, name, signal }: NatureOptions): Promise<Params> {
  try {
    return await cgi.getParams('viewer', ['system_info'], 'Model', signal);
  } catch (thrown) {
    const error = asAlarmflowError(thrown);
    if (error.code !== 'E_NOT_SUPPORTED') throw error;
    const http = error.facts?.http;
    if (http === 200)
      throw userError(
        'E_LOW_PRIVILEGE',
        `"${name}" answers its user with "${String(error.facts?.text)}": give that user at least the privilege of a viewer`,
        {
          cause: error,
        },
      );
    throw userError(
      'E_DEVICE_TYPE',
      `"${name}" is no VIVOTEK camera: it has no /cgi-bin/viewer/getparam.cgi (HTTP ${String(http)}). Check address, port and driver`,
      {
        cause: error,
      },
    );
  }
}

/** What a camera may refuse to a user or not have at all; null then. */
async function optional<T>({ log }: NatureOptions, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (thrown) {
    if (!(thrown instanceof AlarmflowError) || !isRefusal(thrown)) throw thrown;
    log.debug('vivotek.not-told', { reason: thrown.message });
    return null;
  }
}

/** Above the user's privilege, or not on this model: old firmware answers 401, newer 403 or `ERROR` in 200. */
const isRefusal = ({ code }: AlarmflowError): boolean =>
  ['E_NOT_SUPPORTED', 'E_LOW_PRIVILEGE', 'E_BAD_PARAMETER', 'E_CREDENTIALS_REFUSED'].includes(code);

async function portsOf(
  options: NatureOptions,
  kind: 'di' | 'do',
  count: number | null,
  warnings: string[],
  denied: Set<'di' | 'do'>,
): Promise<string[]> {
  const { trial, firstNumber, signal, log } = options;
  let found: string[] = [];
  try {
    found = await findPorts(trial, kind, count, firstNumber, signal);
  } catch (thrown) {
    if (!(thrown instanceof AlarmflowError) || !isRefusal(thrown)) throw thrown;
    log.info('vivotek.ports-refused', { kind, reason: thrown.message });
    denied.add(kind);
  }
  if (found.length === 0 && count !== null && count > 0) {
    const what = kind === 'di' ? 'input' : 'output';
    warnings.push(
      `The camera has ${count} ${what}${count > 1 ? 's' : ''}, but doesn't tell its user their state: give that user the privilege of an operator (DI/DO), or set the numbering in the dialog`,
    );
  }
  return found;
}

const groups = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name}_i${i}`);

function countOf(params: Params | null, name: string): number | null {
  const value = params?.get(name);
  return value !== undefined && /^\d{1,3}$/.test(value) ? Number(value) : null;
}

/** Models TB…, TD… and IT… are thermal; others say so among their capabilities. */
const isThermal = (model: string, capability: Params | null): boolean =>
  /^(?:TB|TD|IT)\d/i.test(model) ||
  [...(capability ?? [])].some(([name, value]) => /thermal/i.test(name) && !/^(?:0|none|no|false|)$/i.test(value));

/** The event rules in the camera's parameters; those without a name are unused places. */
export function rulesOf(params: Params): CameraRule[] {
  const rules: CameraRule[] = [];
  for (let index = 0; index < MOST_RULES; index++) {
    const get = (name: string): string => params.get(`event_i${index}_${name}`) ?? '';
    if (get('name') === '') continue;
    const servers = Array.from({ length: MOST_SERVERS }, (_, i) => get(`action_server_i${i}_enable`));
    rules.push({
      index,
      name: get('name'),
      trigger: get('trigger'),
      enabled: get('enable') === '1',
      tellsServer: servers.includes('1'),
    });
  }
  return rules;
}

/** The servers that are set up. */
export function serversOf(params: Params): CameraServer[] {
  const servers: CameraServer[] = [];
  for (let index = 0; index < MOST_SERVERS; index++) {
    const get = (name: string): string => params.get(`server_i${index}_${name}`) ?? '';
    if (get('name') !== '') servers.push({ index, name: get('name'), type: get('type'), url: get('http_url') });
  }
  return servers;
}

function pushWarnings(events: Params | null, rules: CameraRule[] | null): string[] {
  if (!events || !rules)
    return ["The camera's event settings can't be checked: its user lacks the privilege of an administrator"];
  const warnings: string[] = [];
  if (!serversOf(events).some((server) => server.type === 'http' && server.url !== ''))
    warnings.push(
      'No HTTP server is set up in the camera (Event > Server): press "Let the device push to this site", or add one with the push URL of this device, or its events never arrive',
    );
  const active = rules.filter((rule) => rule.enabled);
  if (active.length === 0)
    warnings.push('No event rule of the camera is enabled (Event > Event settings): nothing will be pushed');
  const silent = active.filter((rule) => !rule.tellsServer).map((rule) => rule.name);
  if (silent.length > 0)
    warnings.push(
      `The camera's event ${silent.join(', ')} sends nothing to a server: add the HTTP server to its actions`,
    );
  return warnings;
}
