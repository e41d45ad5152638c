import {
  type EscalationDefinition,
  type EscalationStep,
  MOST_ESCALATION_REPEATS,
  MOST_ESCALATION_STEPS,
  userError,
} from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import type { Fields } from '../../shared/fields';
import { alarmOf, toFlowMessage } from '../../shared/messages';
import { defaults, migrations } from './migrations';

const TITLE = 'Escalation';
const LABEL = 'Steps';
const LONGEST_SECONDS = 86_400;

function readSteps(fields: Fields): EscalationStep[] {
  const value = fields.raw('steps');
  if (!Array.isArray(value) || value.length < 1 || value.length > MOST_ESCALATION_STEPS)
    fields.refuse(LABEL, value, `a list of 1 to ${MOST_ESCALATION_STEPS} steps`);
  return value.map((entry: unknown, index) => {
    const delay = (typeof entry === 'object' && entry !== null ? entry : {}) as { delay?: unknown };
    const text = delay.delay;
    const seconds = typeof text === 'string' && text.trim() !== '' ? Number(text) : text;
    if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= LONGEST_SECONDS))
      fields.refuse(`${LABEL}: ${index + 1}`, text, `a delay from 0 to ${LONGEST_SECONDS} seconds`);
    return { delayMs: Math.round(seconds * 1000) };
  });
}

const escalation: NodeKind<EscalationDefinition> = {
  type: 'alarmflow-escalation',
  title: TITLE,
  defaults,
  migrations,
  read(fields) {
    const repeat = fields.choice('repeatMode', 'Repeat', ['never', 'times', 'until'] as const);
    const rounds = fields.number('rounds', 'Rounds', { min: 1, max: MOST_ESCALATION_REPEATS, integer: true });
    return {
      id: fields.id,
      name: fields.name(TITLE),
      steps: readSteps(fields),
      repeats: repeat === 'never' ? 0 : repeat === 'until' ? null : rounds,
      repeatAfterMs: fields.seconds('pause', 'Pause', 1, LONGEST_SECONDS),
      minimumLevel: fields.choice('level', 'Begins with', ['alarm', 'pre-alarm'] as const),
      stopAtAcknowledge: fields.flag('stopAcknowledged', 'Acknowledgement'),
      stopAtClear: fields.flag('stopCleared', 'Clear'),
    };
  },
  start: (definition, site) =>
    site.engine.defineEscalation(definition, (message) => {
      const outputs = message.alarm.escalation?.outputs ?? [];
      if (!site.open()) {
        // The engine keeps the message and sends it again where its action nodes have not had it.
        site.warn(`${site.subject} is being closed and could not pass on message ${message.messageId}`);
        return;
      }
      site.send(definition.steps.map((_step, index) => (outputs.includes(index + 1) ? toFlowMessage(message) : null)));
    }),
  async input(message, _definition, site) {
    const alarm = alarmOf(message, site.subject);
    if (alarm === null)
      throw userError(
        'E_NO_ALARM',
        `${site.subject} got a message without an alarm: wire a trigger, a linkage or a combination node to it`,
      );
    // What ends an alarm comes from the engine, so that it reaches those who were called whatever the wires let pass.
    if (alarm.phase !== 'clear' && alarm.phase !== 'end') await site.engine.offerEscalation(site.id, alarm.id);
    return null;
  },
};

export default defineNode(escalation);
