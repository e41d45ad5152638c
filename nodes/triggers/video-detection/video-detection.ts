import { defineNode } from '../../shared/define-node';
import { readPlaces } from '../../shared/event-types';
import { triggerKind } from '../../shared/trigger-node';
import { defaults, migrations, videoTypes } from './migrations';

export default defineNode(
  triggerKind({
    type: 'alarmflow-video-detection',
    title: 'Video detection',
    defaults,
    migrations,
    filter: (fields) => ({
      types: fields.choices('types', 'Event types', videoTypes),
      ...readPlaces(fields, ['channel', 'region']),
    }),
  }),
);
