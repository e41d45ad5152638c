import type { OutputManner, PtzMove } from '../../../engine/index';
import { defineNode } from '../../shared/define-node';
import type { Fields } from '../../shared/fields';
import { heldKind, readTargets, rowNumber } from '../../shared/held-output';
import { defaults, migrations } from './migrations';

const LABEL = 'Cameras';
const moves = ['preset', 'tour', 'pattern', 'scan', 'pan', 'aux', 'home'] as const;
const backs = ['stay', 'preset', 'home', 'stop'] as const;

const oneOf = <T extends string>(fields: Fields, value: unknown, options: readonly T[], standard: T): T =>
  options.find((option) => option === (value ?? standard)) ??
  fields.refuse(LABEL, value, `one of ${options.join(', ')}`);

function readMove(fields: Fields, given: Record<string, unknown>): PtzMove {
  const move = oneOf(fields, given.move, moves, 'preset');
  if (move === 'pan' || move === 'home') return { move };
  const number = rowNumber(fields, LABEL, given.number, 1, 65_535);
  return move === 'aux' ? { move, number, on: true } : { move, number };
}

function readBack(fields: Fields, given: Record<string, unknown>): PtzMove | null {
  const back = oneOf(fields, given.back, backs, 'stay');
  if (back === 'stay') return null;
  if (back === 'preset') return { move: 'preset', number: rowNumber(fields, LABEL, given.backNumber, 1, 65_535) };
  return { move: back };
}

export default defineNode(
  heldKind({
    type: 'alarmflow-ptz',
    title: 'PTZ',
    defaults,
    migrations,
    label: LABEL,
    read(fields) {
      const targets = readTargets(fields, LABEL).map(({ deviceId, given }) => {
        const move = readMove(fields, given);
        const home = readBack(fields, given);
        // An auxiliary switch is switched off again; there is nowhere to return from.
        const manner: OutputManner = { move, ...(home && move.move !== 'aux' ? { home } : {}) };
        const output = String(rowNumber(fields, LABEL, given.channel ?? 1, 1, 65_535));
        return { deviceId, kind: 'ptz' as const, output, manner };
      });
      return { name: fields.name('PTZ'), targets };
    },
  }),
);
