import { userError } from '../domain/errors';
import { startDahuaSimulator } from './dahua';
import { startGenicamSimulator } from './genicam';
import { type HikvisionSimulator, type HikvisionSimulatorOptions, startHikvisionSimulator } from './hikvision';
import { startHttpPushSimulator } from './http-push';
import { startModbusSimulator } from './modbus';
import { startMqttSimulator } from './mqtt';
import { startOnvifSimulator } from './onvif';
import { startSnmpSimulator } from './snmp-traps';
import { startVivotekSimulator } from './vivotek';

/** What every simulated device can be told at its start; each driver's own has more. */
export interface SimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  user?: string;
  password?: string;
  model?: string;
  /** Faults that are on from the start. */
  faults?: readonly string[];
}

/** What all simulated devices have in common. */
export interface SimulatedDevice {
  /** How it is reached, e.g. `http://127.0.0.1:8080`. */
  url: string;
  port: number;
  /** What the device is and has done, as plain data. */
  state(): object;
  faults: {
    /** Throws `E_UNKNOWN_FAULT` (user) for a name that is none. */
    set(name: string, on?: boolean): void;
    clear(): void;
    list(): string[];
  };
  close(): Promise<void>;
}

const simulators: Readonly<Record<string, (options: SimulatorOptions) => Promise<SimulatedDevice>>> = {
  hikvision: startHikvisionSimulator,
  dahua: startDahuaSimulator,
  modbus: startModbusSimulator,
  mqtt: startMqttSimulator,
  'snmp-traps': startSnmpSimulator,
  genicam: startGenicamSimulator,
  'http-push': startHttpPushSimulator,
  onvif: startOnvifSimulator,
  vivotek: startVivotekSimulator,
};

/** Starts a simulated device that speaks the real protocol. Throws `E_UNKNOWN_DRIVER` (user) where there is none. */
export async function startSimulator(
  kind: 'hikvision',
  options?: HikvisionSimulatorOptions,
): Promise<HikvisionSimulator>;
export async function startSimulator(kind: string, options?: SimulatorOptions): Promise<SimulatedDevice>;
export async function startSimulator(kind: string, options: SimulatorOptions = {}): Promise<SimulatedDevice> {
  const start = Object.hasOwn(simulators, kind) ? simulators[kind] : undefined;
  if (start) return start(options);
  const known = Object.keys(simulators).join(', ');
  throw userError('E_UNKNOWN_DRIVER', `There is no simulated device "${kind}"; known are: ${known}`);
}
