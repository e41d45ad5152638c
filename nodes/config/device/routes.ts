import { type DeviceDefinition, type FlowEngine, userError } from '../../../engine/index';
import { jsonRoute } from '../../shared/admin-routes';
import { type NodeKind, subjectOf } from '../../shared/define-node';
import { bodyOf, readDialog } from '../../shared/dialog-config';
import type { RawConfig, Red } from '../../shared/runtime-api';
import { fitDriver } from './settings';

/** What the device's dialog asks of the runtime. */
export function registerRoutes(red: Red, kind: NodeKind<DeviceDefinition>): void {
  const may = (permission: string) => red.auth.needsPermission(permission);

  red.httpAdmin.get(
    '/alarmflow/devices/drivers',
    may('devices.read'),
    jsonRoute(red, async (engine) => ({ drivers: await engine.deviceDrivers() })),
  );

  red.httpAdmin.get(
    '/alarmflow/devices/drivers/:kind/guide',
    may('devices.read'),
    jsonRoute(red, async (engine, request) => ({ guide: await engine.deviceGuide(request.params.kind ?? '') })),
  );

  red.httpAdmin.get(
    '/alarmflow/devices/recorder',
    may('devices.read'),
    jsonRoute(red, (engine) => engine.recorderTools()),
  );

  // Asks the whole network: not for those who may only look.
  red.httpAdmin.post(
    '/alarmflow/devices/discover',
    may('devices.write'),
    jsonRoute(red, (engine, request) => {
      const { driver } = bodyOf(request);
      return engine.discoverDevices(typeof driver === 'string' ? driver.slice(0, 64) : null);
    }),
  );

  red.httpAdmin.get(
    '/alarmflow/devices/:id/offers',
    may('devices.read'),
    jsonRoute(red, (engine, request) => engine.deviceOffers(working(red, kind, request.params.id))),
  );

  red.httpAdmin.get(
    '/alarmflow/devices/:id/recent',
    may('devices.write'),
    jsonRoute(red, async (engine, request) => ({
      pushes: await engine.recentPushes(working(red, kind, request.params.id)),
    })),
  );

  // The path carries the secret that lets its holder raise alarms: who may only read must not see it.
  red.httpAdmin.get(
    '/alarmflow/devices/:id/ingest',
    may('devices.write'),
    jsonRoute(red, async (engine, request) => ({
      path: await engine.ingestPath(deployed(red, kind, request.params.id)),
    })),
  );

  red.httpAdmin.get(
    '/alarmflow/devices/:id/status',
    may('devices.read'),
    jsonRoute(red, async (engine, request) => ({ status: await engine.deviceStatus(request.params.id ?? '') })),
  );

  const fitting = async (engine: FlowEngine, definition: DeviceDefinition, sent: RawConfig) =>
    fitDriver(definition, await engine.deviceDrivers(), subjectOf(kind.title, { ...sent, id: definition.id }));

  red.httpAdmin.post(
    '/alarmflow/devices/test',
    may('devices.write'),
    jsonRoute(red, async (engine, request) => {
      const sent = bodyOf(request);
      return engine.testDevice(await fitting(engine, readDialog(red, kind, sent), sent));
    }),
  );

  red.httpAdmin.post(
    '/alarmflow/devices/push-set-up',
    may('devices.write'),
    jsonRoute(red, async (engine, request) => {
      const sent = bodyOf(request);
      return engine.setUpDevicePush(await fitting(engine, dialogOf(red, kind, sent), sent));
    }),
  );
}

/**
 * A device as its open dialog has it, for what has to be known of it later: its id must be one that the flow can keep.
 * Throws `E_BAD_REQUEST` (user).
 */
function dialogOf(red: Red, kind: NodeKind<DeviceDefinition>, sent: RawConfig): DeviceDefinition {
  const definition = readDialog(red, kind, sent);
  const { type } = red.nodes.getNode(definition.id) ?? { type: kind.type };
  if (definition.id !== sent.id || type !== kind.type)
    throw userError('E_BAD_REQUEST', 'The request does not name a device: reload the editor and try again');
  return definition;
}

/** Id of a device that is deployed. Throws `E_UNKNOWN_DEVICE` (user). */
function deployed(red: Red, kind: NodeKind<DeviceDefinition>, id = ''): string {
  if (red.nodes.getNode(id)?.type === kind.type) return id;
  throw userError(
    'E_UNKNOWN_DEVICE',
    'The device is not deployed yet: deploy it first, then it can be asked and its push URL exists',
  );
}

/** Id of a device that is deployed and set up right. Throws `E_UNKNOWN_DEVICE`, `E_REFERENCE_BROKEN` (user). */
function working(red: Red, kind: NodeKind<DeviceDefinition>, id = ''): string {
  const problem = (red.nodes.getNode(deployed(red, kind, id)) as { alarmflowProblem?: string | null }).alarmflowProblem;
  if (problem) throw userError('E_REFERENCE_BROKEN', `The device is not set up right: mend that first. ${problem}`);
  return id;
}
