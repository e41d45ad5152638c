import { userError } from '../../engine/index';
import type { RawConfig } from './runtime-api';

/** One step of a node's configuration from `version - 1` to `version`. */
export interface Migration {
  version: number;
  up(config: RawConfig): RawConfig;
}

/** The version that a node's dialog writes. */
export const currentVersion = (migrations: readonly Migration[]): number => migrations.at(-1)?.version ?? 0;

/**
 * Brings a configuration to the current version. One without `version` (written by hand) counts as version 0.
 * Throws a user error for a version that is none, or newer than this alarmflow knows.
 * @param subject how messages name the node, e.g. `Relay out "Siren"`
 */
export function migrate(config: RawConfig, migrations: readonly Migration[], subject: string): RawConfig {
  const target = currentVersion(migrations);
  const found = config.version ?? 0;
  const version = typeof found === 'string' && found.trim() !== '' ? Number(found) : found;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 0)
    throw userError(
      'E_CONFIG_VERSION',
      `${subject} has the version ${JSON.stringify(found)}, which is none: open its dialog, check its values and deploy again`,
    );
  if (version > target)
    throw userError(
      'E_CONFIG_NEWER',
      `${subject} was made by a newer alarmflow (configuration ${version}, this one knows ${target}): update alarmflow, or set the node up anew`,
    );
  let migrated: RawConfig = { ...config };
  for (const step of migrations) if (step.version > version) migrated = { ...step.up(migrated), version: step.version };
  return migrated;
}

/**
 * Version 1 of every node: a configuration without version was written by hand, its fields are those of the dialog.
 * What it leaves out is filled with the dialog's defaults by `defineNode`.
 */
export const firstVersion: Migration = { version: 1, up: (config) => config };
