import { actionKind, readInterval, readPhases } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import { readCameras } from '../../shared/linked-cameras';
import { defaults, migrations } from './migrations';

const LONGEST_SECONDS = 86_400;
const LEAST_SECONDS = 5;

export default defineNode(
  actionKind({
    type: 'alarmflow-show-message',
    title: 'Show message',
    action: 'show-message',
    defaults,
    migrations,
    read(fields) {
      const phases = readPhases(fields);
      const seconds = fields.number('seconds', 'Goes after', { min: 0, max: LONGEST_SECONDS, integer: true });
      if (seconds > 0 && seconds < LEAST_SECONDS)
        fields.refuse('Goes after', seconds, `0 (it stays) or ${LEAST_SECONDS} to ${LONGEST_SECONDS} seconds`);
      return {
        name: fields.name('Show message'),
        deviceId: null,
        phases,
        interval: readInterval(fields),
        params: {
          phases,
          level: fields.choice('level', 'Level', ['by-alarm', 'information', 'warning', 'alarm', 'emergency'] as const),
          title: fields.text('title', 'Title', { max: 500 }),
          text: fields.text('text', 'Text', { max: 4_000, lines: true }),
          picture: fields.flag('picture', 'Picture'),
          tour: readCameras(fields, 'Linked channels'),
          dwell: fields.number('dwell', 'Each for', { min: 2, max: 120, unit: 'seconds', integer: true }),
          sound: fields.choice('sound', 'Sound', ['none', 'once', 'repeat'] as const),
          goesWhen: fields.choice('goesWhen', 'Goes when', ['acknowledged', 'cleared', 'ended'] as const),
          seconds,
        },
      };
    },
  }),
);
