import { actionKind, readInterval, readPhases } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import { defaults, migrations } from './migrations';

/** As many as the action takes; more belong into a list on the mail server. */
const MAX_RECEIVERS = 50;

export default defineNode(
  actionKind({
    type: 'alarmflow-email',
    title: 'Email',
    action: 'email',
    defaults,
    migrations,
    read(fields) {
      const phases = readPhases(fields);
      return {
        name: fields.name('Email'),
        deviceId: null,
        phases,
        interval: readInterval(fields),
        params: {
          serverId: fields.reference('server', 'Mail server', 'alarmflow-mail-server'),
          to: fields.mailAddresses('to', 'Receivers', MAX_RECEIVERS),
          phases,
          subject: fields.text('subject', 'Subject', { max: 500 }),
          text: fields.text('text', 'Text', { max: 20_000, lines: true }),
          picture: fields.choice('picture', 'Attach', ['none', 'event-or-snapshot'] as const),
          // A mail without its picture is better than none.
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
