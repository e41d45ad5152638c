import { userError } from '../domain/errors';
import { startSimulator } from '../drivers';

export interface DeviceOptions {
  host: string;
  port: string;
  user: string;
  password: string;
  model?: string;
  fault: string[];
}

/** `alarmflow device <kind>`: a simulated device that speaks the real protocol, until the signal aborts. */
export async function deviceCommand(
  kind: string,
  options: DeviceOptions,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const device = await startSimulator(kind, {
    host: options.host,
    port: portOf(options.port),
    user: options.user,
    password: options.password,
    model: options.model,
    faults: options.fault,
  }).catch((error: unknown) => {
    throw listenError(error, options);
  });
  print(`Simulated ${kind} device at ${device.url} (user ${options.user}). Ctrl-C stops it.`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await device.close();
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
