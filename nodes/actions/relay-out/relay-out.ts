import type { HoldPolicy } from '../../../engine/index';
import { readDryRun } from '../../shared/action-node';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { alarmOf, conditionOf, messageIdOf, topicOf } from '../../shared/messages';
import { testable } from '../../shared/node-test';
import { defaults, migrations } from './migrations';

/** REQUIREMENTS M4: alarm output time 0–86400 s. */
const MAX_SECONDS = 86_400;

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
    const postAlarmMs = fields.seconds('postAlarm', 'Post-alarm', 0, MAX_SECONDS);
    const cap = fields.number('cap', 'Longest time on', { min: 1, max: MAX_SECONDS, unit: 'seconds', optional: true });
    const hold = fields.choice('hold', 'Hold', ['after-clear', 'fixed', 'extended'] as const);
    const onMs = fields.seconds('onTime', 'Alarm output time', 0, MAX_SECONDS);
    const output = fields.text('output', 'Output', { max: 64, required: true });
    return {
      name: fields.name(`Output ${output}`),
      deviceId: fields.reference('device', 'Device', 'alarmflow-device'),
      output,
      hold: {
        afterClearMs: fields.flag('untilCleared', 'Until cleared') ? null : postAlarmMs,
        capMs: cap === null ? null : Math.round(cap * 1000),
        ...(hold === 'after-clear' ? {} : { kind: hold, onMs }),
      },
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
