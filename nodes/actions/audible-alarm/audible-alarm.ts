import { consoleDevice, MOST_TIMES, type OutputManner, playerDevice } from '../../../engine/index';
import { defineNode } from '../../shared/define-node';
import { type HeldTarget, heldKind, readTargets, rowText } from '../../shared/held-output';
import { defaults, migrations } from './migrations';

const local = [consoleDevice, playerDevice];

export default defineNode(
  heldKind({
    type: 'alarmflow-audible-alarm',
    title: 'Audible alarm',
    defaults,
    migrations,
    label: 'Sounds at',
    read(fields, label) {
      const sound = fields.number('sound', 'Sound', { min: 1, max: 65_535, integer: true, optional: true });
      const volume = fields.number('volume', 'Volume', { min: 0, max: 100, integer: true, optional: true });
      const times = fields.number('times', 'Times', { min: 1, max: MOST_TIMES, integer: true, optional: true });
      const manner: OutputManner = {
        ...(sound === null ? {} : { sound }),
        ...(volume === null ? {} : { volume }),
        ...(times === null ? {} : { times }),
      };
      const rows = readTargets(
        fields,
        label,
        local.map(({ id }) => id),
      );
      const targets = rows.map(({ deviceId, given }): HeldTarget => {
        const own = local.find(({ id }) => id === deviceId);
        // A device with one siren needs no name for it.
        const output = own?.output ?? (rowText(fields, label, given.output) || '1');
        return { deviceId, kind: 'siren', output, manner };
      });
      return { name: fields.name('Audible alarm'), targets };
    },
  }),
);
