import { readDryRun } from '../../shared/action-node';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { alarmOf, conditionOf, messageIdOf, topicOf } from '../../shared/messages';
import { testable } from '../../shared/node-test';
import { defaults, migrations } from './migrations';

/** Where the recording is made: here from the live stream, on the device, or both. */
const places = ['local', 'device', 'both'] as const;

interface RecordConfig {
  name: string;
  where: (typeof places)[number];
  /** null: the alarm's own, for recordings made here. */
  deviceId: string | null;
  channels: number[];
  params: Record<string, unknown>;
  postMs: number;
  capMs: number;
  dryRun?: true;
}

const isLocal = ({ where }: RecordConfig): boolean => where !== 'device';

/** What the device itself records, channel by channel. */
const deviceTargets = ({ where, deviceId, channels, dryRun }: RecordConfig) =>
  where === 'local' || deviceId === null
    ? []
    : (channels.length > 0 ? channels : [1]).map((channel) => ({
        deviceId,
        kind: 'record' as const,
        output: String(channel),
        ...(dryRun ? { dryRun } : {}),
      }));

const record: NodeKind<RecordConfig> = testable(
  {
    type: 'alarmflow-record',
    title: 'Record',
    defaults,
    migrations,
    read(fields) {
      const where = fields.choice('where', 'Recording', places);
      const channels = fields.channels('channel', 'Channels');
      // REQUIREMENTS M3: post-record 10–300 s.
      const preSeconds = fields.number('preRecord', 'Pre-record', { min: 0, max: 300, integer: true, unit: 'seconds' });
      const postSeconds = fields.number('postRecord', 'Post-record', {
        min: 10,
        max: 300,
        integer: true,
        unit: 'seconds',
      });
      const partSeconds = fields.number('part', 'Longest file', {
        min: 10,
        max: 3_600,
        integer: true,
        unit: 'seconds',
      });
      const capSeconds = fields.number('longest', 'Longest recording', {
        min: 10,
        max: 86_400,
        integer: true,
        unit: 'seconds',
      });
      return {
        name: fields.name('Record'),
        where,
        deviceId:
          where === 'local'
            ? fields.reference('device', 'Device', 'alarmflow-device', true)
            : fields.reference('device', 'Device', 'alarmflow-device'),
        channels,
        params: { channels, preSeconds, postSeconds, partSeconds, capSeconds },
        postMs: postSeconds * 1000,
        capMs: capSeconds * 1000,
        ...readDryRun(fields),
      };
    },
    async start(config, site) {
      const { name, deviceId, params } = config;
      if (isLocal(config))
        await site.engine.defineAction({ nodeId: site.id, name, action: { kind: 'record', deviceId, params } });
      for (const target of deviceTargets(config)) await site.engine.defineOutput({ nodeId: site.id, name, ...target });
    },
    async input(message, config, site) {
      const alarm = alarmOf(message, site.subject);
      // A recording follows its alarm inside the engine: clear, end and reminders need no command of their own.
      if (alarm && alarm.phase !== 'raise' && !(alarm.phase === 'escalate' && alarm.escalation !== undefined))
        return message;
      const condition = alarm ? true : conditionOf(message.payload ?? true, site.subject);
      const asked = {
        nodeId: site.id,
        nodeName: config.name,
        alarm,
        messageId: messageIdOf(message, site.subject),
        ...(config.dryRun ? { dryRun: true } : {}),
      };
      const outputs = deviceTargets(config).map((target) =>
        site.engine.requestOutput({
          ...asked,
          ...target,
          condition,
          topic: alarm ? alarm.topic : topicOf(message, site.subject),
          hold: { afterClearMs: config.postMs, capMs: config.capMs },
        }),
      );
      const { deviceId, params } = config;
      const local =
        isLocal(config) && condition ? [site.engine.requestAction({ ...asked, kind: 'record', deviceId, params })] : [];
      // What fails here must not keep the device from recording, and the other way round.
      const settled = await Promise.allSettled([...outputs, ...local]);
      for (const one of settled) if (one.status === 'rejected') throw one.reason;
      return message;
    },
  },
  (config) => [
    ...(isLocal(config)
      ? [
          {
            action: {
              kind: 'record' as const,
              deviceId: config.deviceId,
              params: config.params,
              ...(config.dryRun ? { dryRun: true } : {}),
            },
          },
        ]
      : []),
    ...deviceTargets(config).map((target) => ({ output: target })),
  ],
);

export default defineNode(record);
