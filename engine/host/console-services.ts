import type { Clock } from '../clock/clock';
import { userError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import { consoleDevice } from '../domain/local-devices';
import { mannerWords, outputWords } from '../domain/output-words';
import { DEFAULT_PRIORITY, decidingLease, holdKind, soundsSince } from '../domain/outputs';
import type { AuditRow } from '../domain/record';
import type { ConsoleServices } from './api';
import type { AuditEntry } from './auth';
import { createCaptures } from './capture';
import type { DeviceRow, OutputRow } from './console-api';
import type { Demo } from './demo';
import type { Site } from './site';
import { createWhy } from './why';

/** One line of the audit trail, on disk when it resolves. */
export async function writeAudit(site: Site, clock: Clock, entry: AuditEntry): Promise<void> {
  const at = clock.now();
  const row: AuditRow = { id: sortableId(at), at, ...entry };
  await site.store.commit({ audit: [row] });
}

/** What the console API may ask of a running site. */
export function consoleServices(options: {
  site: Site;
  demo: Demo | null;
  version: string;
  editorPath: string | null;
  flows: ConsoleServices['flows'];
  clock: Clock;
}): ConsoleServices {
  const { site, demo, clock } = options;
  const audit = (entry: AuditEntry): Promise<void> => writeAudit(site, clock, entry);
  const captures = createCaptures({ devices: site.devices, device: (id) => site.flow.device(id), clock });
  return {
    version: options.version,
    siteName: site.name,
    demo: demo !== null,
    editorPath: options.editorPath,
    reader: site.store,
    log: site.store,
    media: site.store.media,
    site: {
      isArmed: () => site.alarms.isArmed(),
      setArmed: (armed, who) => site.setArmed(armed, who),
      dryRun: () => site.dryRun.state(),
      trouble: () => (site.store.broken() ?? site.store.trouble())?.message ?? null,
      setDryRun: (on, who) => site.dryRun.set(on, who),
    },
    arming: {
      rows: () => site.flow.armingRows(),
      order: (order) => site.flow.orderArming(order),
    },
    alarms: {
      acknowledge: (id, who, as) => site.alarms.acknowledge(id, who, as),
      reset: (id, who) => site.alarms.reset(id, who),
    },
    outputs: {
      rows: () => outputRows(site),
      setMode: (id, mode, who) => site.outputs.setMode(id, mode, who),
      resetAll: (who) => site.outputs.resetAll(who),
      reset: (id, who) => site.outputs.reset(id, who),
    },
    devices: {
      rows: () => deviceRows(site, clock),
      async ingestPath(id) {
        if (!site.flow.device(id))
          throw userError(
            'E_UNKNOWN_DEVICE',
            `The deployed flow has no device "${id}": see GET /api/v1/devices for those it has`,
          );
        return await site.flow.ingestPath(id);
      },
    },
    async capture(id, limits, signal) {
      // A push may hold the path that it was sent to.
      const secrets = site.flow.device(id) ? [await site.tokens.tokenFor(id)] : [];
      return captures.capture(id, limits, secrets, signal);
    },
    shelves: {
      list: () => site.alarms.shelving.list(),
      async shelve(request, who) {
        if (request.scope === 'device' && !site.flow.device(request.id))
          throw userError('E_UNKNOWN_DEVICE', `The deployed flow has no device "${request.id}"`);
        if (request.scope === 'area' && !site.alarms.area(request.id))
          throw userError('E_UNKNOWN_SUBJECT', `The deployed flow has no area "${request.id}"`);
        return await site.alarms.shelving.shelve(request, who);
      },
      unshelve: (id, who) => site.alarms.shelving.unshelve(id, who),
    },
    popups: {
      list: () => site.reach.popups.list(),
      acknowledge: (id, who, as) => site.reach.acknowledge(id, who, as),
      close: (id, who) => site.reach.popups.dismiss(id, who),
      async picture(id, stop) {
        const camera = site.reach.popups.find(id).tour?.stops[stop];
        if (!camera) throw userError('E_UNKNOWN_POPUP', `The tour of this message has no stop ${stop}`);
        return await site.reach.pictures.picture(camera);
      },
    },
    push: {
      publicKey: () => site.reach.pushes.publicKey(),
      list: () => site.reach.pushes.list(),
      subscribe: (given, user) => site.reach.pushes.subscribe(given, user),
      unsubscribe: (id, who) => site.reach.pushes.unsubscribe(id, who),
      test: (id) => site.reach.testPush(id, site.name),
    },
    retryAction: (key) => site.executor.retry(key),
    demoScenes: demo?.scenes ?? null,
    why: createWhy({
      record: site.store,
      inspection: site.alarms.inspection,
      outputs: () => outputRows(site),
      devices: () => site.flow.devices(),
      deviceName: (id) => site.flow.deviceName(id),
      clock,
    }),
    subscribe: (listener) => site.subscribe(listener),
    flows: options.flows,
    audit,
  };
}

function outputRows(site: Site): OutputRow[] {
  return site.outputs.list().map(({ leases, ...output }) => ({
    ...output,
    deviceName: site.flow.deviceName(output.deviceId),
    words: outputWords(output),
    mannerWords: mannerWords(output.manner),
    soundsHere: output.deviceId === consoleDevice.id,
    soundsSince: output.mode === 'on' ? null : soundsSince(leases),
    dryRun: site.flow.outputIsDry(output.id),
    heldBy: leases.map((lease) => {
      const alarm = lease.alarmId === null ? undefined : site.alarms.alarm(lease.alarmId);
      const kind = holdKind(lease.hold);
      const timed = kind === 'fixed' || kind === 'extended';
      return {
        leaseId: lease.id,
        alarmId: lease.alarmId,
        label: alarm
          ? `${alarm.triggerName} (${alarm.deviceName})`
          : lease.alarmId === null
            ? 'a message'
            : 'an ended alarm',
        endsAt: lease.endsAt,
        kind,
        countsDown: lease.endsAt !== null && (timed || !alarm || alarm.clearedAt !== null),
        priority: lease.priority ?? DEFAULT_PRIORITY,
        mannerWords: mannerWords(lease.manner),
        decides: leases.length > 1 && decidingLease(leases) === lease,
      };
    }),
  }));
}

function deviceRows(site: Site, clock: Clock): DeviceRow[] {
  return site.flow.devices().map((device) => ({
    id: device.id,
    name: device.name,
    driver: device.driver,
    address: device.host === '' ? '' : `${device.host}:${device.port}`,
    status: site.devices.status(device.id) ?? {
      deviceId: device.id,
      link: 'connecting',
      detail: 'The flow has just defined it',
      since: clock.now(),
      lastSeenAt: null,
      clockOffsetMs: null,
      lockedUntil: null,
      facts: null,
    },
  }));
}
