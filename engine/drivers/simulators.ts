import { userError } from '../domain/errors';
import { faultNames as dahuaFaults, startDahuaSimulator } from './dahua';
import { aravisFaults, startGenicamSimulator } from './genicam';
import {
  type HikvisionSimulator,
  type HikvisionSimulatorOptions,
  faultNames as hikvisionFaults,
  startHikvisionSimulator,
} from './hikvision';
import { senderFaults, startHttpPushSimulator } from './http-push';
import { modbusFaultNames, startModbusSimulator } from './modbus';
import { mqttFaultNames, startMqttSimulator } from './mqtt';
import { onvifFaultNames, startOnvifSimulator } from './onvif';
import { receiverOf, withCameraPushes, withPushes } from './simulated-pushes';
import { snmpFaultNames, startSnmpSimulator } from './snmp-traps';
import { cameraFaults, startVivotekSimulator } from './vivotek';

/** What every simulated device can be told at its start; each driver's own has more. */
export interface SimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  user?: string;
  password?: string;
  model?: string;
  /** Where it pushes; only for kinds that push. `E_BAD_PARAMETER` (user) for what is no such place. */
  target?: string;
  /** Milliseconds between two pushes to the target; default 5,000; 0: only when told. */
  everyMs?: number;
  /** Told of each push to the target. */
  onPush?(line: string): void;
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

/** A simulated device as the command line offers it. */
export interface SimulatorKind {
  kind: string;
  /** Names of all its faults. */
  faults: readonly string[];
  /** It takes a `target`. */
  pushes: boolean;
  /** It asks for user and password. */
  login: boolean;
}

interface Simulator extends Omit<SimulatorKind, 'kind'> {
  start(options: SimulatorOptions): Promise<SimulatedDevice>;
}

const simulators: Readonly<Record<string, Simulator>> = {
  hikvision: { start: startHikvisionSimulator, faults: hikvisionFaults, pushes: false, login: true },
  dahua: { start: startDahuaSimulator, faults: dahuaFaults, pushes: false, login: true },
  modbus: { start: startModbusSimulator, faults: modbusFaultNames, pushes: false, login: false },
  mqtt: { start: startMqttSimulator, faults: mqttFaultNames, pushes: false, login: true },
  'snmp-traps': {
    start: ({ target, ...options }) =>
      startSnmpSimulator({ ...options, ...(target === undefined ? {} : receiverOf(target)) }),
    faults: snmpFaultNames,
    pushes: true,
    login: false,
  },
  genicam: { start: startGenicamSimulator, faults: aravisFaults, pushes: false, login: false },
  'http-push': {
    start: (options) => withPushes(() => startHttpPushSimulator({ ...options, target: undefined }), options),
    faults: senderFaults,
    pushes: true,
    login: false,
  },
  onvif: { start: startOnvifSimulator, faults: onvifFaultNames, pushes: false, login: true },
  vivotek: {
    start: (options) => withCameraPushes(() => startVivotekSimulator(options), options),
    faults: cameraFaults,
    pushes: true,
    login: true,
  },
};

/** All simulated devices, in the order in which drivers are offered. */
export const simulatorKinds = (): SimulatorKind[] =>
  Object.entries(simulators).map(([kind, { faults, pushes, login }]) => ({ kind, faults, pushes, login }));

/** Starts a simulated device that speaks the real protocol. Throws `E_UNKNOWN_DRIVER` (user) where there is none. */
export async function startSimulator(
  kind: 'hikvision',
  options?: HikvisionSimulatorOptions,
): Promise<HikvisionSimulator>;
export async function startSimulator(kind: string, options?: SimulatorOptions): Promise<SimulatedDevice>;
export async function startSimulator(kind: string, options: SimulatorOptions = {}): Promise<SimulatedDevice> {
  const found = Object.hasOwn(simulators, kind) ? simulators[kind] : undefined;
  if (found && options.target !== undefined && !found.pushes)
    throw userError(
      'E_BAD_PARAMETER',
      `A simulated ${kind} device pushes nowhere by itself: leave the target away, alarmflow connects to it`,
    );
  if (found) return found.start(options);
  const known = Object.keys(simulators).join(', ');
  throw userError('E_UNKNOWN_DRIVER', `There is no simulated device "${kind}"; known are: ${known}`);
}
