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
    port: Number(options.port),
    user: options.user,
    password: options.password,
    model: options.model,
    faults: options.fault,
  });
  print(`Simulated ${kind} device at ${device.url} (user ${options.user}). Ctrl-C stops it.`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await device.close();
}
