import { type DeviceDefinition, userError } from '../../../engine/index';
import { jsonRoute } from '../../shared/admin-routes';
import type { NodeKind } from '../../shared/define-node';
import { bodyOf, readDialog } from '../../shared/dialog-config';
import type { Red } from '../../shared/runtime-api';
import { driverChoices } from './drivers';

/** What the device's dialog asks of the runtime. */
export function registerRoutes(red: Red, kind: NodeKind<DeviceDefinition>): void {
  const may = (permission: string) => red.auth.needsPermission(permission);

  red.httpAdmin.get(
    '/alarmflow/devices/drivers',
    may('devices.read'),
    jsonRoute(red, async (engine) => ({ drivers: await driverChoices(engine) })),
  );

  // The path carries the secret that lets its holder raise alarms: who may only read must not see it.
  red.httpAdmin.get(
    '/alarmflow/devices/:id/ingest',
    may('devices.write'),
    jsonRoute(red, async (engine, request) => {
      const id = request.params.id ?? '';
      if (red.nodes.getNode(id)?.type !== kind.type)
        throw userError(
          'E_UNKNOWN_DEVICE',
          'The device is not deployed yet: deploy it first, then its push URL exists',
        );
      return { path: await engine.ingestPath(id) };
    }),
  );

  red.httpAdmin.get(
    '/alarmflow/devices/:id/status',
    may('devices.read'),
    jsonRoute(red, async (engine, request) => ({ status: await engine.deviceStatus(request.params.id ?? '') })),
  );

  red.httpAdmin.post(
    '/alarmflow/devices/test',
    may('devices.write'),
    jsonRoute(red, (engine, request) => engine.testDevice(readDialog(red, kind, bodyOf(request)))),
  );
}
