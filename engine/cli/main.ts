/** The command line: reads words, calls the engine, prints; decides nothing by itself. */
import { join } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../clock/system-clock';
import { asAlarmflowError } from '../domain/errors';
import { addConfigOptions, configOf } from './config-options';
import { signalled } from './signalled';

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const untilSignal = (): AbortSignal => signalled(process, systemClock);

async function program(): Promise<Command> {
  const alarmflow = new Command('alarmflow')
    .description('Low-code alarm linkage: device alarms to actions, on Node-RED and BullMQ')
    .version((require(join(__dirname, '..', '..', '..', 'package.json')) as { version: string }).version)
    .showHelpAfterError();

  addConfigOptions(alarmflow.command('start'))
    .description('editor, console and engine in one process')
    .action(async (flags: Record<string, unknown>) => {
      const { serve } = await import('../host/serve.js');
      await serve({
        loaded: configOf(flags, 'start'),
        flowFile: null,
        credentialsFile: null,
        print,
        signal: untilSignal(),
      });
    });

  addConfigOptions(alarmflow.command('run').argument('<flow>', 'flow file (JSON, as exported by the editor)'))
    .description('a flow file without the editor; console, device push and engine as with "start"')
    .option('--credentials <file>', 'JSON file {"<node id>": {"user": …, "password": …}} for devices and mail servers')
    .action(async (flow: string, flags: Record<string, unknown>) => {
      const { serve } = await import('../host/serve.js');
      const { credentials, ...config } = flags;
      await serve({
        loaded: configOf(config, 'run'),
        flowFile: flow,
        credentialsFile: typeof credentials === 'string' ? credentials : null,
        print,
        signal: untilSignal(),
      });
    });

  // They load every driver and simulator, which the start of a site does not wait for.
  if (!['start', 'run'].includes(process.argv[2] ?? ''))
    (await import('./other-commands.js')).addOtherCommands(alarmflow, print);
  return alarmflow;
}

program()
  .then((alarmflow) => alarmflow.parseAsync())
  .then(
    // Node-RED leaves timers behind that would hold the process (NODE-RED notes §2.3); everything is closed by now.
    // What was printed may still be on its way to whoever reads it.
    () => process.stdout.write('', () => process.exit(process.exitCode ?? 0)),
    (thrown: unknown) => {
      const error = asAlarmflowError(thrown);
      process.stderr.write(`alarmflow: ${error.message} [${error.code}]\n`);
      if (error.family === 'bug') process.stderr.write(`${error.stack ?? ''}\n`);
      process.exit(1);
    },
  );
