import { defineNode } from '../../shared/define-node';
import { readEventTypes, readPlaces } from '../../shared/event-types';
import { triggerKind } from '../../shared/trigger-node';
import { defaults, migrations } from './migrations';

export default defineNode(
  triggerKind({
    type: 'alarmflow-device-event',
    title: 'Device event',
    defaults,
    migrations,
    filter(fields, deviceIds) {
      const types = readEventTypes(fields, 'types', 'Event types');
      // Any event of any device is nobody's intention.
      if (types.anyType && deviceIds.length === 0)
        fields.refuse('Event types', '', 'filled in where no device is checked');
      return { ...types, ...readPlaces(fields, ['names', 'channel', 'input', 'rule', 'region']) };
    },
  }),
);
