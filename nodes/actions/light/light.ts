import type { OutputManner } from '../../../engine/index';
import { defineNode } from '../../shared/define-node';
import { heldKind, readTargets, rowText } from '../../shared/held-output';
import { defaults, migrations } from './migrations';

export default defineNode(
  heldKind({
    type: 'alarmflow-light',
    title: 'Light',
    defaults,
    migrations,
    label: 'Lights',
    read(fields, label) {
      const brightness = fields.number('brightness', 'Brightness', { min: 0, max: 100, integer: true, optional: true });
      const manner: OutputManner = {
        flash: fields.choice('flash', 'Light', ['solid', 'slow', 'medium', 'fast'] as const),
        ...(brightness === null ? {} : { brightness }),
      };
      const targets = readTargets(fields, label).map(({ deviceId, given }) => ({
        deviceId,
        kind: 'light' as const,
        output: rowText(fields, label, given.output) || '1',
        manner,
      }));
      return { name: fields.name('Light'), targets };
    },
  }),
);
