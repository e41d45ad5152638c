import type { OutputManner } from '../../../engine/index';
import { defineNode } from '../../shared/define-node';
import { heldKind, readTargets, rowText } from '../../shared/held-output';
import { defaults, migrations } from './migrations';

const LABEL = 'Lights';

export default defineNode(
  heldKind({
    type: 'alarmflow-light',
    title: 'Light',
    defaults,
    migrations,
    read(fields) {
      const brightness = fields.number('brightness', 'Brightness', { min: 0, max: 100, integer: true, optional: true });
      const manner: OutputManner = {
        flash: fields.choice('flash', 'Light', ['solid', 'slow', 'medium', 'fast'] as const),
        ...(brightness === null ? {} : { brightness }),
      };
      const targets = readTargets(fields, LABEL).map(({ deviceId, given }) => ({
        deviceId,
        kind: 'light' as const,
        output: rowText(fields, LABEL, given.output) || '1',
        manner,
      }));
      return { name: fields.name('Light'), targets };
    },
  }),
);
