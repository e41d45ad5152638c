import type { HoldPolicy } from '../../../engine/index';
import { readDryRun } from '../../shared/action-node';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { readHold } from '../../shared/held-output';
import { alarmOf, conditionOf, messageIdOf, topicOf } from '../../shared/messages';
import { testable } from '../../shared/node-test';
import { defaults, migrations } from './migrations';

interface RelayConfig {
  name: string;
  deviceId: string;
  output: string;
  hold: HoldPolicy;
  dryRun?: true;
}

const dryRunOf = ({ dryRun }: RelayConfig): { dryRun?: true } => (dryRun ? { dryRun } : {});

const relayOut: NodeKind<RelayConfig> = {
  type: 'alarmflow-relay-out',
  title: 'Relay out',
  defaults,
  migrations,
  read(fields) {
    const output = fields.text('output', 'Output', { max: 64, required: true });
    return {
      name: fields.name(`Output ${output}`),
      deviceId: fields.reference('device', 'Device', 'alarmflow-device'),
      output,
      hold: readHold(fields),
      ...readDryRun(fields),
    };
  },
  start: (config, site) =>
    site.engine.defineOutput({
      nodeId: site.id,
      deviceId: config.deviceId,
      output: config.output,
      name: config.name,
      ...dryRunOf(config),
    }),
  async input(message, config, site) {
    const alarm = alarmOf(message, site.subject);
    // The lease follows its alarm inside the engine: clear, end and reminders need no command of their own.
    const asks = alarm === null || alarm.phase === 'raise' || alarm.phase === 'escalate';
    if (asks)
      await site.engine.requestOutput({
        nodeId: site.id,
        nodeName: config.name,
        deviceId: config.deviceId,
        output: config.output,
        alarm,
        messageId: messageIdOf(message, site.subject),
        condition: alarm ? true : conditionOf(message.payload, site.subject),
        topic: alarm ? alarm.topic : topicOf(message, site.subject),
        hold: config.hold,
        ...dryRunOf(config),
      });
    return message;
  },
};

export default defineNode(
  testable(relayOut, (config) => [
    { output: { deviceId: config.deviceId, output: config.output, ...dryRunOf(config) } },
  ]),
);
