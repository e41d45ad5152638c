import { actionKind, readInterval, readPhases } from '../../shared/action-node';
import { jsonRoute } from '../../shared/admin-routes';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { bodyOf, dialogFields } from '../../shared/dialog-config';
import type { Fields } from '../../shared/fields';
import type { Red } from '../../shared/runtime-api';
import { defaults, migrations } from './migrations';

const formats = ['json', 'xml', 'form', 'isapi', 'isapi-pictures', 'none'] as const;

/** What of a notice can be seen before it is sent. */
const readContent = (fields: Fields) => ({
  format: fields.choice('format', 'Form', formats),
  body: fields.text('body', 'Body', { max: 20_000, lines: true }),
  path: fields.text('path', 'Path', { max: 1_000 }),
  contentType: fields.text('contentType', 'Content type', { max: 200 }),
  senderAddress: fields.host('senderAddress', 'Sender address', { optional: true }),
  senderMac: readMac(fields),
});

function readMac(fields: Fields): string {
  const mac = fields.text('senderMac', 'Sender MAC', { max: 17 });
  return /^(?:|[0-9a-f]{2}(?::[0-9a-f]{2}){5})$/i.test(mac)
    ? mac
    : fields.refuse('Sender MAC', mac, 'empty or an address like 02:00:5e:00:53:01');
}

function readNotify(fields: Fields) {
  const phases = readPhases(fields);
  return {
    name: fields.name('Notify'),
    deviceId: null,
    phases,
    interval: readInterval(fields),
    params: {
      centreId: fields.reference('centre', 'Alarm centre', 'alarmflow-alarm-centre'),
      phases,
      scheduleId: fields.reference('reportPlan', 'Report plan', 'alarmflow-schedule', true),
      ...readContent(fields),
    },
  };
}

/** The body as it would be sent; the centre may be missing still. */
function registerPreview(red: Red): void {
  red.httpAdmin.post(
    '/alarmflow/notices/preview',
    red.auth.needsPermission('devices.write'),
    jsonRoute(red, (engine, request) => {
      const fields = dialogFields(red, notify as NodeKind<unknown>, bodyOf(request));
      const params = {
        centreId: fields.text('centre', 'Alarm centre', { max: 64 }) || 'none',
        phases: ['raise'],
        scheduleId: null,
        ...readContent(fields),
      };
      return engine.previewNotify({ nodeId: fields.id, nodeName: fields.name('Notify'), params });
    }),
  );
}

const notify = actionKind({
  type: 'alarmflow-notify',
  title: 'Notify',
  action: 'notify',
  defaults,
  migrations,
  read: readNotify,
  register: registerPreview,
});

export default defineNode(notify);
