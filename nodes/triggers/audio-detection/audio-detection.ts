import { defineNode } from '../../shared/define-node';
import { readPlaces } from '../../shared/event-types';
import { triggerKind } from '../../shared/trigger-node';
import { defaults, migrations } from './migrations';

export default defineNode(
  triggerKind({
    type: 'alarmflow-audio-detection',
    title: 'Audio detection',
    defaults,
    migrations,
    filter: (fields) => ({ types: ['audio'], ...readPlaces(fields, ['channel', 'names']) }),
  }),
);
