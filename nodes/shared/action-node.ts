import type { ActionInterval, ActionKind, AlarmMessage, AlarmPhase } from '../../engine/index';
import type { NodeKind } from './define-node';
import type { Fields } from './fields';
import { alarmOf, messageIdOf } from './messages';
import type { Migration } from './migrations';
import { testable } from './node-test';
import type { RawConfig } from './runtime-api';

/** Phases that an action's dialog offers. */
export const actionPhases = ['raise', 'escalate', 'remind', 'clear', 'end'] as const satisfies readonly AlarmPhase[];

export const readPhases = (fields: Fields): AlarmPhase[] => fields.choices('phases', 'Act on', actionPhases);

/**
 * Whether an alarm's message is for a node: what is wired behind an escalation acts on each of its steps. The clear and
 * the end that it passes on are for those who ask for them.
 */
const actsOn = (alarm: AlarmMessage['alarm'], phases: readonly AlarmPhase[]): boolean =>
  (alarm.phase === 'escalate' && alarm.escalation !== undefined) || phases.includes(alarm.phase);

/** REQUIREMENTS M7: mail interval 0–3600 s. */
const MAX_INTERVAL_SECONDS = 3_600;

const intervalMs = (fields: Fields): number => fields.seconds('interval', 'Interval', 0, MAX_INTERVAL_SECONDS);

/** The interval of an action that can sum up what was held back. */
export const readInterval = (fields: Fields): ActionInterval => ({
  everyMs: intervalMs(fields),
  tell: fields.choice('intervalTell', 'Held back', ['next', 'digest'] as const),
});

/** The interval of an action that can only count what was held back, like a picture. */
export const readPlainInterval = (fields: Fields): ActionInterval => ({ everyMs: intervalMs(fields), tell: 'next' });

/** What an action node asks of the engine, whatever the message. */
export interface ActionConfig {
  name: string;
  deviceId: string | null;
  phases: AlarmPhase[];
  /** Absent: it always acts. */
  interval?: ActionInterval;
  params: Record<string, unknown>;
}

/** The check box of the dialog part `test`; an output node passes it on with all that it tells the engine. */
export const readDryRun = (fields: Fields): { dryRun?: true } =>
  fields.flag('dryRun', 'Dry run') ? { dryRun: true } : {};

/**
 * A node for a one-shot action. An alarm's message acts in the chosen phases; a plain message acts unless its payload
 * is false (the end of a condition). The message goes on when the request is on disk, or at once when there is none.
 */
export const actionKind = (kind: {
  type: string;
  title: string;
  action: ActionKind;
  defaults: Readonly<RawConfig>;
  migrations: readonly Migration[];
  credentials?: NodeKind<ActionConfig>['credentials'];
  read(fields: Fields): ActionConfig;
  /** Runs once when the type is registered, for admin routes of its own. */
  register?: NodeKind<ActionConfig>['register'];
}): NodeKind<ActionConfig & { dryRun?: true }> =>
  testable(
    {
      type: kind.type,
      title: kind.title,
      defaults: { dryRun: false, ...kind.defaults },
      migrations: kind.migrations,
      ...(kind.credentials ? { credentials: kind.credentials } : {}),
      ...(kind.register ? { register: kind.register } : {}),
      read: (fields) => ({ ...kind.read(fields), ...readDryRun(fields) }),
      start: ({ name, deviceId, params }, site) =>
        site.engine.defineAction({ nodeId: site.id, name, action: { kind: kind.action, deviceId, params } }),
      async input(message, config, site) {
        const alarm = alarmOf(message, site.subject);
        const acts = alarm ? actsOn(alarm, config.phases) : message.payload !== false;
        if (acts)
          await site.engine.requestAction({
            nodeId: site.id,
            nodeName: config.name,
            kind: kind.action,
            alarm,
            messageId: messageIdOf(message, site.subject),
            deviceId: config.deviceId,
            params: config.params,
            ...(config.interval && config.interval.everyMs > 0 ? { interval: config.interval } : {}),
            ...(config.dryRun ? { dryRun: true } : {}),
          });
        return message;
      },
    },
    ({ deviceId, params, dryRun }) => [
      { action: { kind: kind.action, deviceId, params, ...(dryRun ? { dryRun } : {}) } },
    ],
  );
