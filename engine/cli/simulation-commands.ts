/** The words of `alarmflow simulate` and `alarmflow test`. */
import type { Command } from 'commander';
import type { LoadedConfig } from '../host/config';

export interface CommandParts {
  print(line: string): void;
  /** Adds the flags of the configuration. */
  addConfigOptions(command: Command): Command;
  configOf(flags: Record<string, unknown>): LoadedConfig;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

export function addSimulationCommands(alarmflow: Command, { print, addConfigOptions, configOf }: CommandParts): void {
  addConfigOptions(
    alarmflow
      .command('simulate')
      .argument(
        '<flow>',
        'flow file (JSON, as exported by the editor), or "deployed" for what the editor has deployed',
      ),
  )
    .description('what a flow would do with given or recorded events, and what it would not and why; sends nothing')
    .option('--events <file>', 'events and orders, one JSON object a line; - reads standard input')
    .option('--from <time>', 'with --to: what the site has recorded from then on, e.g. 2026-11-23T18:05:00Z')
    .option('--to <time>', 'end of the recorded period')
    .option('--compare [flow]', 'tells what the flow does otherwise than this one (default: the deployed one)')
    .option('--start <time>', 'where the clock stands at first (default: at the first event)')
    .option('--device <name>', 'device of events that name none, as those of "alarmflow decode"')
    .option('--disarmed', 'begin with the site disarmed')
    .option('--run-on <span>', 'how long time goes on after the last event while something is under way', '1 h')
    .option('--allow <type...>', 'let nodes of this type run, although it is not known what they do', [])
    .option('--summary', 'only the summary')
    .option('--json', 'one JSON object a line')
    .action(async (flow: string, flags: Record<string, unknown>) => {
      const { events, from, to, compare, start, device, disarmed, runOn, allow, summary, json, ...config } = flags;
      const { simulateCommand } = await import('./simulate.js');
      await simulateCommand(
        flow,
        {
          events: text(events),
          from: text(from),
          to: text(to),
          compare: compare === true ? true : text(compare),
          start: text(start),
          device: text(device),
          disarmed: disarmed === true,
          runOn: String(runOn),
          allow: texts(allow),
          summary: summary === true,
          json: json === true,
        },
        configOf(config),
        print,
      );
    });

  alarmflow
    .command('test')
    .argument('<flow>', 'flow file (JSON, as exported by the editor); - reads standard input')
    .description('runs the tests of a flow: <flow>.test.json beside it, and those of its rule test nodes')
    .option('--tests <file...>', 'test files (default: the one beside the flow file, where there is one)', [])
    .option('--only <text>', 'only tests with this text in their names')
    .option('--allow <type...>', 'let nodes of this type run, although it is not known what they do', [])
    .option('--json', 'the results as one JSON object')
    .action(async (flow: string, flags: Record<string, unknown>) => {
      const { testCommand } = await import('./test.js');
      const ok = await testCommand(
        flow,
        {
          tests: texts(flags.tests),
          only: text(flags.only),
          allow: texts(flags.allow),
          json: flags.json === true,
        },
        print,
      );
      if (!ok) process.exitCode = 1;
    });
}
