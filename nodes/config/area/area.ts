import type { AreaDefinition, ArmingInput } from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import type { Fields } from '../../shared/fields';
import { defaults, migrations } from './migrations';

const LONGEST_DELAY_SECONDS = 3_600;
const MOST_INPUTS = 64;
const LABEL = 'Alarm inputs';

const contacts: readonly ArmingInput['contact'][] = ['open', 'closed'];
const meanings: readonly ArmingInput['meaning'][] = ['active-disarms', 'active-arms', 'pulse-toggles'];

function readInput(fields: Fields, entry: unknown): ArmingInput {
  const { deviceId, input, contact, meaning } = (entry ?? {}) as Record<string, unknown>;
  const number = typeof input === 'number' ? String(input) : input;
  const found = {
    contact: contacts.find((known) => known === contact),
    meaning: meanings.find((known) => known === meaning),
  };
  if (
    typeof deviceId !== 'string' ||
    deviceId === '' ||
    typeof number !== 'string' ||
    number.trim() === '' ||
    number.trim().length > 64 ||
    !found.contact ||
    !found.meaning
  )
    return fields.refuse(
      LABEL,
      entry,
      'rows with a device, the number of its input, normally open or closed, and what it does',
    );
  return { deviceId, input: number.trim(), contact: found.contact, meaning: found.meaning };
}

function readInputs(fields: Fields): ArmingInput[] {
  const rows = fields.raw('inputs') ?? [];
  if (!Array.isArray(rows) || rows.length > MOST_INPUTS)
    return fields.refuse(LABEL, rows, `a list of at most ${MOST_INPUTS}`);
  const inputs = rows.map((row) => readInput(fields, row));
  const twice = inputs.find((one, at) =>
    inputs.some((other, place) => place < at && other.deviceId === one.deviceId && other.input === one.input),
  );
  if (twice) fields.refuse(LABEL, twice.input, 'a list that names each input of a device once');
  // An input whose device is gone says nothing; the others still do.
  return inputs.filter((one) => fields.isThere(one.deviceId, LABEL, 'alarmflow-device'));
}

const area: NodeKind<AreaDefinition> = {
  type: 'alarmflow-area',
  title: 'Area',
  defaults,
  migrations,
  read(fields) {
    const raises = fields.number('floodRaises', 'Flood: more than', {
      min: 1,
      max: 1000,
      integer: true,
      optional: true,
    });
    const minutes = fields.number('floodMinutes', 'alarms in', { min: 1, max: 1440, unit: 'minutes' });
    return {
      id: fields.id,
      name: fields.name('Area'),
      covers: fields.choice('covers', 'Covers', ['area', 'site'] as const),
      scheduleId: fields.reference('schedule', 'Arming schedule', 'alarmflow-schedule', true),
      exitDelayMs: fields.seconds('exitDelay', 'Exit delay', 0, LONGEST_DELAY_SECONDS),
      entryDelayMs: fields.seconds('entryDelay', 'Entry delay', 0, LONGEST_DELAY_SECONDS),
      atDisarm: fields.choice('atDisarm', 'At disarming', ['end', 'let-run'] as const),
      unattended: fields.choice('unattended', 'What is open', ['force', 'bypass'] as const),
      inputs: readInputs(fields),
      flood: raises === null ? null : { raises, withinMs: Math.round(minutes * 60_000) },
    };
  },
  start: (definition, site) => site.engine.defineArea(definition),
};

export default defineNode(area);
