import { type TemperatureUnit, type TriggerDefinition, temperatureUnits, userError } from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { readGates } from '../../shared/gates-config';
import { startTrigger } from '../../shared/trigger-node';
import { readingOf } from './message';
import { defaults, migrations } from './migrations';
import { readRules, readSensors } from './rules';

const TITLE = 'Temperature rule';

/** Alarms of devices that tell the temperature with them; those of differences tell no temperature. */
const alarmTypes = ['temperature-prealarm', 'temperature-alarm', 'wireless-sensor'] as const;

const temperatureRule: NodeKind<{ trigger: TriggerDefinition; unit: TemperatureUnit }> = {
  type: 'alarmflow-temperature-rule',
  title: TITLE,
  defaults,
  migrations,
  read(fields) {
    const devices = fields.references('devices', 'Devices', 'alarmflow-device');
    const deviceAlarms = fields.flag('deviceAlarms', 'Device alarms');
    const unit = fields.choice('unit', 'Unit', temperatureUnits);
    const conditions = readRules(fields, unit);
    const sensors = readSensors(fields, unit);
    if (conditions.length === 0 && sensors.every((sensor) => sensor.conditions.length === 0)) {
      throw userError(
        'E_NODE_CONFIG',
        `${fields.subject} has no rule: open its dialog, add one for all places or for a sensor, and deploy again`,
      );
    }
    const staleMs = fields.seconds('silentAfter', 'Silent after', 1, 86_400);
    const gates = readGates(fields);
    return {
      unit,
      trigger: {
        id: fields.id,
        name: fields.name(TITLE),
        filter: {
          types: ['temperature-reading', ...(deviceAlarms ? alarmTypes : [])],
          // Messages come under the node's own id.
          ...(devices.length > 0 ? { deviceIds: [...devices, fields.id] } : {}),
        },
        // Each place, sensor, pair and group has an alarm of its own.
        policy: { ...gates, keyParts: ['device', 'channel', 'type', 'rule'] },
        source: {
          kind: 'thermal',
          rule: { unit, conditions, sensors, filteringMs: gates.onDelayMs, staleMs, triggerId: fields.id },
        },
      },
    };
  },
  start: ({ trigger }, site) => startTrigger(trigger, site),
  async input(message, { unit }, site) {
    await site.engine.offerReading(site.id, readingOf(message, site.subject, unit));
    // Alarms come by the trigger's delivery; the reading itself ends here.
    return null;
  },
};

export default defineNode(temperatureRule);
