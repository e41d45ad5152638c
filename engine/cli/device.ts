import { userError } from '../domain/errors';
import { type SimulatorKind, simulatorKinds, startSimulator } from '../drivers';

export interface DeviceOptions {
  host: string;
  port: string;
  user: string;
  password: string;
  model?: string;
  target?: string;
  /** Seconds between two pushes to the target. */
  every?: string;
  fault: string[];
  /** Print the names of its faults, and nothing else. */
  faults?: boolean;
}

const LINE_WIDTH = 118;

/** Words with commas between them, on lines that begin with the indent. */
function wrapped(words: readonly string[], indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line !== '' && indent.length + line.length + word.length > LINE_WIDTH) {
      lines.push(`${line},`);
      line = '';
    }
    line = line === '' ? word : `${line}, ${word}`;
  }
  return [...lines, line].map((text) => `${indent}${text}`).join('\n');
}

/** The kinds with their faults, for `--help`. */
export function deviceHelp(): string {
  const kinds = simulatorKinds();
  const pushing = kinds.filter(({ pushes }) => pushes).map(({ kind }) => kind);
  return [
    '',
    `Kinds that push to --target: ${pushing.join(', ')}`,
    '',
    'Faults:',
    ...kinds.map(({ kind, faults }) => `  ${kind}\n${wrapped(faults, '    ')}`),
  ].join('\n');
}

/** Throws `E_UNKNOWN_DRIVER` (user). */
function kindOf(kind: string): SimulatorKind {
  const kinds = simulatorKinds();
  const found = kinds.find((one) => one.kind === kind);
  if (found) return found;
  const known = kinds.map((one) => one.kind).join(', ');
  throw userError('E_UNKNOWN_DRIVER', `There is no simulated device "${kind}"; known are: ${known}`);
}

/**
 * `alarmflow device <kind>`: a simulated device that speaks the real protocol, until the signal aborts. Where it was told
 * a target it pushes there again and again.
 */
export async function deviceCommand(
  kind: string,
  options: DeviceOptions,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { faults, login, pushes } = kindOf(kind);
  if (options.faults) {
    for (const name of faults) print(name);
    return;
  }
  const device = await startSimulator(kind, {
    host: options.host,
    port: portOf(options.port),
    user: options.user,
    password: options.password,
    model: options.model,
    target: options.target,
    everyMs: options.every === undefined ? undefined : everyMsOf(options.every),
    onPush: print,
    faults: options.fault,
  }).catch((error: unknown) => {
    throw listenError(error, options);
  });
  const told = login ? ` (user ${options.user})` : '';
  print(`Simulated ${kind} device at ${device.url}${told}. Ctrl-C stops it.`);
  if (pushes && options.target !== undefined) print(`It pushes to ${options.target}`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await device.close();
}

function everyMsOf(given: string): number {
  const seconds = /^\d{1,4}(?:\.\d{1,3})?$/.test(given) ? Number(given) : Number.NaN;
  if (!(seconds <= 3_600))
    throw userError(
      'E_BAD_PARAMETER',
      `--every: given "${given}"; allowed: seconds from 0 (only when told) to 3600, e.g. 0.5`,
    );
  return Math.round(seconds * 1_000);
}

function portOf(given: string): number {
  const port = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN;
  if (!(port <= 65_535))
    throw userError('E_BAD_PARAMETER', `--port: given "${given}"; allowed: a whole number from 0 to 65535`);
  return port;
}

/** What keeps a port from being opened is the person's to mend; all else is passed on as it is. */
function listenError(error: unknown, { host, port }: DeviceOptions): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return userError(
        'E_PORT_IN_USE',
        `Another program has port ${port} on ${host}: stop it, or choose another port with --port`,
      );
    case 'EACCES':
      return userError(
        'E_PORT_FORBIDDEN',
        `This user may not open port ${port} on ${host}: choose a port from 1024 up with --port`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return userError('E_BAD_HOST', `"${host}" is no address of this machine: give one with --host, e.g. 127.0.0.1`);
    default:
      return error;
  }
}
