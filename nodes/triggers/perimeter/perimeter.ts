import { defineNode } from '../../shared/define-node';
import { readPlaces } from '../../shared/event-types';
import { triggerKind } from '../../shared/trigger-node';
import { defaults, migrations, perimeterTypes } from './migrations';

export default defineNode(
  triggerKind({
    type: 'alarmflow-perimeter',
    title: 'Perimeter',
    defaults,
    migrations,
    filter(fields) {
      const direction = fields.choice('direction', 'Direction', ['any', 'a-to-b', 'b-to-a'] as const);
      const targets = fields.choices('targets', 'Target', ['human', 'vehicle', 'other'] as const, true);
      return {
        types: fields.choices('types', 'Event types', perimeterTypes),
        ...(direction === 'any' ? {} : { directions: [direction] }),
        ...(targets.length > 0 ? { targets } : {}),
        ...readPlaces(fields, ['channel', 'rule', 'region']),
      };
    },
  }),
);
