import { heldDefaults } from '../../shared/held-output';
import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  targets: [] as readonly { device: string; output: string }[],
  devices: [] as readonly string[],
  flash: 'solid',
  brightness: '',
  ...heldDefaults,
};

export const migrations: readonly Migration[] = [firstVersion];
