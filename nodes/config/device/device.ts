import { type DeviceDefinition, userError } from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { driverChoices } from './drivers';
import { defaults, migrations } from './migrations';
import { registerRoutes } from './routes';
import { readDevice } from './settings';

export const device: NodeKind<DeviceDefinition> = {
  type: 'alarmflow-device',
  title: 'Device',
  defaults,
  migrations,
  credentials: { user: { type: 'text' }, password: { type: 'password' } },
  read: readDevice,
  async start(definition, site) {
    const drivers = await driverChoices(site.engine);
    if (!drivers.some((driver) => driver.kind === definition.driver))
      throw userError(
        'E_UNKNOWN_DRIVER',
        `${site.subject}: field "Driver" is "${definition.driver}", which this alarmflow does not have: choose one of ${drivers.map((driver) => driver.kind).join(', ')} and deploy again`,
      );
    await site.engine.defineDevice(definition);
  },
  register: (red) => registerRoutes(red, device),
};

export default defineNode(device);
