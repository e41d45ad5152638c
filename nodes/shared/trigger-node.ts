import type { EventFilter, TriggerDefinition } from '../../engine/index';
import type { NodeKind, NodeSite } from './define-node';
import type { Fields } from './fields';
import { gatesDefaults, readGates, readKeyParts } from './gates-config';
import { toFlowMessage } from './messages';
import type { Migration } from './migrations';
import type { RawConfig } from './runtime-api';

/** What every device trigger's dialog starts with. */
export const triggerDefaults = { name: '', devices: [] as string[], alarmPer: 'condition', ...gatesDefaults } as const;

/** Defines a trigger and hands its messages to the wire. */
export const startTrigger = (definition: TriggerDefinition, site: NodeSite): Promise<void> =>
  site.engine.defineTrigger(definition, (message) => {
    if (site.open()) site.send(toFlowMessage(message));
    // The engine keeps the message and sends it again where its action nodes have not had it.
    else site.warn(`${site.subject} is being closed and could not pass on message ${message.messageId}`);
  });

/** A trigger node: its kind adds only the filter; devices, gates and messages are the same for all. */
export const triggerKind = (kind: {
  type: string;
  title: string;
  defaults: Readonly<RawConfig>;
  migrations: readonly Migration[];
  /** `deviceIds`: the devices that were chosen; none: any. */
  filter(fields: Fields, deviceIds: readonly string[]): EventFilter;
}): NodeKind<TriggerDefinition> => ({
  type: kind.type,
  title: kind.title,
  defaults: kind.defaults,
  migrations: kind.migrations,
  read(fields) {
    const deviceIds = fields.references('devices', 'Devices', 'alarmflow-device');
    return {
      id: fields.id,
      name: fields.name(kind.title),
      filter: { ...(deviceIds.length > 0 ? { deviceIds } : {}), ...kind.filter(fields, deviceIds) },
      policy: { ...readGates(fields), keyParts: readKeyParts(fields) },
    };
  },
  start: startTrigger,
});
