import type { CombinationMode } from '../../../engine/index';
import { MOST_OPERANDS } from '../../../engine/index';
import type { Fields } from '../../shared/fields';

/** An operand as the dialog lists it. */
export interface Operand {
  /** `trigger`: alarms of a trigger, linkage or combination node; `topic`: plain messages. */
  kind: 'trigger' | 'topic';
  /** Node id or topic. */
  id: string;
}

const LONGEST_TOPIC = 512;
const LABEL = 'Operands';

/** Reads the list of operands, in order; each once. */
export function readOperands(fields: Fields, mode: CombinationMode): Operand[] {
  const value = fields.raw('operands');
  if (!Array.isArray(value)) fields.refuse(LABEL, value, 'a list of triggers and topics');
  const operands = value.map((entry: unknown): Operand => {
    const { kind, id } = (typeof entry === 'object' && entry !== null ? entry : {}) as Partial<Operand>;
    if ((kind !== 'trigger' && kind !== 'topic') || typeof id !== 'string')
      fields.refuse(LABEL, entry, 'a list of triggers and topics');
    const trimmed = id.trim();
    if (trimmed === '' || trimmed.length > LONGEST_TOPIC)
      fields.refuse(LABEL, id, `a list without empty entries, each of at most ${LONGEST_TOPIC} characters`);
    return { kind, id: trimmed };
  });
  if (new Set(operands.map(({ id }) => id)).size !== operands.length)
    fields.refuse(LABEL, value, 'a list that has each operand once');
  const least = mode === 'all' || mode === 'sequence' ? 2 : 1;
  if (operands.length < least || operands.length > MOST_OPERANDS)
    fields.refuse(LABEL, value, `a list of ${least} to ${MOST_OPERANDS}: wire the triggers to the node`);
  return operands;
}
