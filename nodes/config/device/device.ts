import type { DeviceDefinition } from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { defaults, migrations } from './migrations';
import { registerRoutes } from './routes';
import { fitDriver, readDevice, withSubject } from './settings';

export const device: NodeKind<DeviceDefinition> = {
  type: 'alarmflow-device',
  title: 'Device',
  defaults,
  migrations,
  credentials: { user: { type: 'text' }, password: { type: 'password' } },
  read: readDevice,
  async start(definition, site) {
    const fitting = fitDriver(definition, await site.engine.deviceDrivers(), site.subject);
    try {
      await site.engine.defineDevice(fitting);
    } catch (thrown) {
      throw withSubject(thrown, site.subject);
    }
  },
  register: (red) => registerRoutes(red, device),
};

export default defineNode(device);
