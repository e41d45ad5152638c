import { defineNode } from '../../shared/define-node';
import { triggerKind } from '../../shared/trigger-node';
import { defaults, exceptionTypes, migrations } from './migrations';

export default defineNode(
  triggerKind({
    type: 'alarmflow-exception',
    title: 'Exception',
    defaults,
    migrations,
    filter: (fields) => ({ types: fields.choices('types', 'Exceptions', exceptionTypes) }),
  }),
);
