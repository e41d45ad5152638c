import { defineNode } from '../../shared/define-node';
import { triggerKind } from '../../shared/trigger-node';
import { defaults, migrations } from './migrations';

export default defineNode(
  triggerKind({
    type: 'alarmflow-alarm-input',
    title: 'Alarm input',
    defaults,
    migrations,
    filter(fields) {
      const inputs = fields.list('input', 'Input', { max: 256, entryLength: 64 });
      return { types: ['digital-input'], ...(inputs.length > 0 ? { inputs } : {}) };
    },
  }),
);
