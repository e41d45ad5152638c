import { defineNode } from '../../shared/define-node';
import { triggerKind } from '../../shared/trigger-node';
import { defaults, migrations, thermalTypes } from './migrations';

/** Coldest temperature there is, and more than any thermal camera measures, in °C. */
const COLDEST = -273.15;
const HOTTEST = 5000;

export default defineNode(
  triggerKind({
    type: 'alarmflow-thermal-alarm',
    title: 'Thermal alarm',
    defaults,
    migrations,
    filter(fields) {
      const minimumCelsius = fields.number('minimumCelsius', 'Min. temperature', {
        min: COLDEST,
        max: HOTTEST,
        unit: '°C',
        optional: true,
      });
      const channels = fields.channels('channel', 'Channel');
      const rules = fields.list('rule', 'Rule', { max: 256, entryLength: 128 });
      return {
        types: fields.choices('types', 'Alarm types', thermalTypes),
        minimumLevel: fields.choice('minimumLevel', 'Minimum level', ['pre-alarm', 'alarm'] as const),
        ...(minimumCelsius === null ? {} : { minimumCelsius }),
        ...(channels.length > 0 ? { channels } : {}),
        ...(rules.length > 0 ? { rules } : {}),
      };
    },
  }),
);
