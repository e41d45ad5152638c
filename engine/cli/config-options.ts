import { type Command, Option } from 'commander';
import { type ConfigRow, describeConfig, type LoadedConfig, loadConfig } from '../host/config';

/** Adds a flag for every value of the configuration schema. */
export function addConfigOptions(command: Command, only?: ConfigRow['key'][]): Command {
  command.addOption(new Option('--config <file>', 'configuration file (default: <data>/config.json when it exists)'));
  for (const row of describeConfig()) {
    if (only && !only.includes(row.key)) continue;
    const description = `${row.description}; ${row.allowed} (default: ${row.default}; ${row.env})`;
    command.addOption(new Option(row.switch ? row.flag : `${row.flag} <value>`, description));
    if (row.switch) command.addOption(new Option(row.flag.replace('--', '--no-'), `the opposite of ${row.flag}`));
  }
  return command;
}

export function configOf(flags: Record<string, unknown>, command: 'start' | 'run' | 'other'): LoadedConfig {
  return loadConfig({ flags, env: process.env, cwd: process.cwd(), command });
}
