import { defineNode } from '../../shared/define-node';
import { readEventTypes, readPlaces } from '../../shared/event-types';
import { triggerKind } from '../../shared/trigger-node';
import { defaults, migrations } from './migrations';

export default defineNode(
  triggerKind({
    type: 'alarmflow-push-received',
    title: 'HTTP push received',
    defaults,
    migrations,
    filter(fields, deviceIds) {
      if (deviceIds.length === 0) fields.refuse('Devices', [], 'the sender: check at least one');
      return {
        ...readEventTypes(fields, 'types', 'Event types'),
        ...readPlaces(fields, ['names', 'channel', 'input', 'rule']),
      };
    },
  }),
);
