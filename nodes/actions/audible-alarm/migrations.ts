import { heldDefaults } from '../../shared/held-output';
import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  targets: [{ device: 'local-console', output: '' }] as readonly { device: string; output: string }[],
  devices: [] as readonly string[],
  sound: '',
  volume: '',
  times: '',
  ...heldDefaults,
};

export const migrations: readonly Migration[] = [firstVersion];
