import { actionKind, readInterval, readPhases } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import { defaults, migrations } from './migrations';

export default defineNode(
  actionKind({
    type: 'alarmflow-log',
    title: 'Log',
    action: 'log',
    defaults,
    migrations,
    read: (fields) => ({
      name: fields.name('Log'),
      deviceId: null,
      phases: readPhases(fields),
      interval: readInterval(fields),
      params: {
        text: fields.text('text', 'Text', { max: 4000, lines: true }),
        level: fields.choice('level', 'Level', ['info', 'warn'] as const),
      },
    }),
  }),
);
