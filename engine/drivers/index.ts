export type { Devices, DevicesOptions } from './devices';
export { createDevices } from './devices';
export type { Decoded, DeviceDriver, DriverConnection, DriverContext, DriverSink } from './driver';
export type { HikvisionSimulator, HikvisionSimulatorOptions, HikvisionSimulatorState, SceneRequest } from './hikvision';
export { faultNames, sceneNames, sceneTitles } from './hikvision';
export { decodeCapture, driverKinds, driverOf } from './registry';
export type { SimulatedDevice, SimulatorOptions } from './simulators';
export { startSimulator } from './simulators';
