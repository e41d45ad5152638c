import { defineNode } from '../../shared/define-node';
import { triggerKind } from '../../shared/trigger-node';
import { crossingTypes, defaults, migrations } from './migrations';

export default defineNode(
  triggerKind({
    type: 'alarmflow-line-crossing',
    title: 'Line crossing',
    defaults,
    migrations,
    filter(fields) {
      const direction = fields.choice('direction', 'Direction', ['any', 'a-to-b', 'b-to-a'] as const);
      const targets = fields.choices('targets', 'Target', ['human', 'vehicle'] as const, true);
      const channels = fields.channels('channel', 'Channel');
      const rules = fields.list('rule', 'Rule', { max: 256, entryLength: 128 });
      return {
        types: fields.choices('types', 'Event types', crossingTypes),
        ...(direction === 'any' ? {} : { directions: [direction] }),
        ...(targets.length > 0 ? { targets } : {}),
        ...(channels.length > 0 ? { channels } : {}),
        ...(rules.length > 0 ? { rules } : {}),
      };
    },
  }),
);
