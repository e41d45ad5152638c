import { firstVersion, type Migration } from '../../shared/migrations';
import { triggerDefaults } from '../../shared/trigger-node';

export const defaults = {
  ...triggerDefaults,
  senders: '',
  types: '',
  names: '',
  rule: '',
};

export const migrations: readonly Migration[] = [
  firstVersion,
  // The filter of senders came: an alarmflow that does not know it would take the traps of all.
  { version: 2, up: (config) => config },
];
