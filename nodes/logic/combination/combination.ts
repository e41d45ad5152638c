import {
  combinationModes,
  MOST_COMBINED_STARTS,
  type OfferedMessage,
  type TriggerDefinition,
  userError,
} from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { MAX_GATE_SECONDS, readGates } from '../../shared/gates-config';
import { alarmOf, conditionOf, messageIdOf, topicOf } from '../../shared/messages';
import type { FlowMessage } from '../../shared/runtime-api';
import { startTrigger } from '../../shared/trigger-node';
import { defaults, migrations } from './migrations';
import { readOperands } from './operands';

const TITLE = 'Combination';

/** The message as the engine takes it: an alarm's is about its trigger, a plain one about its topic. */
function offered(message: FlowMessage, operands: readonly string[], subject: string): OfferedMessage {
  const messageId = messageIdOf(message, subject);
  const alarm = alarmOf(message, subject);
  if (alarm !== null) {
    const { triggerId, triggerName } = alarm;
    if (!operands.includes(triggerId))
      throw userError(
        'E_UNKNOWN_OPERAND',
        `${subject} got an alarm of "${String(triggerName).slice(0, 80)}", which is none of its operands: open its dialog, where every wired trigger is listed, and deploy again`,
      );
    return {
      messageId,
      condition: alarm.phase !== 'clear' && alarm.phase !== 'end',
      goesOn: alarm.phase === 'remind',
      topic: String(alarm.topic ?? ''),
      operand: { id: triggerId, name: String(triggerName ?? triggerId), alarmId: alarm.id },
    };
  }
  const topic = topicOf(message, subject).trim();
  if (!operands.includes(topic))
    throw userError(
      'E_UNKNOWN_OPERAND',
      `${subject} got a message with the topic "${topic.slice(0, 80)}", which is none of its operands: add the topic in its dialog, or set msg.topic`,
    );
  return {
    messageId,
    condition: conditionOf(message.payload, subject),
    topic,
    operand: { id: topic, name: topic },
    ...(typeof message.description === 'string' ? { description: message.description.slice(0, 1000) } : {}),
  };
}

const combination: NodeKind<{ definition: TriggerDefinition; operands: string[] }> = {
  type: 'alarmflow-combination',
  title: TITLE,
  defaults,
  migrations,
  read(fields) {
    const mode = fields.choice('mode', 'Raise when', combinationModes);
    const operands = readOperands(fields, mode).map(({ id }) => id);
    const withinMs = fields.seconds('within', 'Within', 0, MAX_GATE_SECONDS);
    const count = fields.number('starts', 'Number of starts', { min: 2, max: MOST_COMBINED_STARTS, integer: true });
    return {
      operands,
      definition: {
        id: fields.id,
        name: fields.name(TITLE),
        // The node stands for its own device, as a linkage node does.
        filter: { types: ['message'], deviceIds: [fields.id] },
        policy: { ...readGates(fields), keyParts: ['device'] },
        source: { kind: 'combination', rule: { mode, operands, withinMs, count } },
      },
    };
  },
  start: ({ definition }, site) => startTrigger(definition, site),
  async input(message, { operands }, site) {
    await site.engine.offerMessage(site.id, offered(message, operands, site.subject));
    // Alarms come by the trigger's delivery; the offered message itself ends here.
    return null;
  },
};

export default defineNode(combination);
