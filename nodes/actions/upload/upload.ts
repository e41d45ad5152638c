import { actionKind, readPhases, readPlainInterval } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import { defaults, migrations } from './migrations';

export default defineNode(
  actionKind({
    type: 'alarmflow-upload',
    title: 'Upload',
    action: 'sftp-upload',
    defaults,
    migrations,
    read(fields) {
      const phases = readPhases(fields);
      return {
        name: fields.name('Upload'),
        deviceId: null,
        phases,
        interval: readPlainInterval(fields),
        params: {
          serverId: fields.reference('server', 'File server', 'alarmflow-file-server'),
          phases,
          path: fields.text('path', 'Path', { max: 500 }),
          // The alarm's own camera is better than none.
          snapshotDeviceId: fields.referenceIfThere('snapshotDevice', 'Snapshot device', 'alarmflow-device'),
          snapshotChannel: fields.number('snapshotChannel', 'Snapshot channel', {
            min: 1,
            max: 65_535,
            integer: true,
            optional: true,
          }),
        },
      };
    },
  }),
);
