import type { TriggerDefinition } from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { readGates } from '../../shared/gates-config';
import { conditionOf, messageIdOf, topicOf } from '../../shared/messages';
import { startTrigger } from '../../shared/trigger-node';
import { defaults, migrations } from './migrations';

const TITLE = 'Linkage';

const linkage: NodeKind<TriggerDefinition> = {
  type: 'alarmflow-linkage',
  title: TITLE,
  defaults,
  migrations,
  read: (fields) => ({
    id: fields.id,
    name: fields.name(TITLE),
    // The node stands for its own device, the topic for the rule: each topic has an alarm of its own.
    filter: { types: ['message'], deviceIds: [fields.id] },
    policy: { ...readGates(fields), keyParts: ['device', 'rule'] },
  }),
  start: startTrigger,
  async input(message, _config, site) {
    await site.engine.offerMessage(site.id, {
      messageId: messageIdOf(message, site.subject),
      condition: conditionOf(message.payload, site.subject),
      topic: topicOf(message, site.subject),
      ...(typeof message.description === 'string' ? { description: message.description.slice(0, 1000) } : {}),
    });
    // Alarms come by the trigger's delivery; the offered message itself ends here.
    return null;
  },
};

export default defineNode(linkage);
