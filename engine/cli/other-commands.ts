import type { Command } from 'commander';
import { systemClock } from '../clock/system-clock';
import { driverKinds, simulatorKinds } from '../drivers';
import { addArmingCommands } from './arming';
import { captureCommand } from './capture';
import { addConfigOptions, configOf } from './config-options';
import { decodeCommand } from './decode';
import { type DeviceOptions, deviceCommand, deviceHelp } from './device';
import { eventsCommand } from './events';
import { logExportCommand } from './log-export';
import { shelveCommand, unshelveCommand } from './shelve';
import { signalled } from './signalled';
import { addSimulationCommands } from './simulation-commands';
import { addUserCommands } from './user';
import { whyCommand } from './why';

const untilSignal = (): AbortSignal => signalled(process, systemClock);

/** The commands that serve no site: what asks one that runs, and the tools for devices, captures, simulations and users. */
export function addOtherCommands(alarmflow: Command, print: (line: string) => void): void {
  addConfigOptions(alarmflow.command('events'), ['data'])
    .description('every event as understood, what became of it and why (of the alarmflow that runs on the data folder)')
    .option('--follow', 'go on with what comes in')
    .option('--json', 'one JSON object a line')
    .option('--limit <n>', 'how many of the latest to begin with', '20')
    .option('--device <id>', 'only this device')
    .option('--type <type>', 'only this event type')
    .action(async (flags: Record<string, unknown>) => {
      const { follow, json, limit, device, type, ...config } = flags;
      const { data } = configOf(config, 'other').config;
      await eventsCommand(
        {
          data,
          follow: follow === true,
          json: json === true,
          limit: String(limit),
          device: text(device),
          type: text(type),
        },
        print,
        untilSignal(),
      );
    });

  addConfigOptions(alarmflow.command('why').argument('[id]', 'id of an event or an alarm'), ['data'])
    .description('why an event raised an alarm or did not, or (--trigger) what would become of one now, gate by gate')
    .option('--trigger <id-or-name>', 'suppose an event of this trigger')
    .option('--device <id-or-name>', 'that it comes from this device')
    .option('--at <time>', 'that it comes at this time (ISO 8601, UTC unless it names a zone)')
    .option('--json', 'the answer as one JSON object')
    .action(async (id: string | undefined, flags: Record<string, unknown>) => {
      const { json, trigger, device, at, ...config } = flags;
      const { data } = configOf(config, 'other').config;
      await whyCommand(
        id,
        { data, json: json === true, trigger: text(trigger), device: text(device), at: text(at) },
        print,
      );
    });

  addConfigOptions(
    alarmflow
      .command('shelve')
      .argument('[what]', 'alarm, condition, trigger, device or area; nothing lists what is shelved')
      .argument('[id]', 'id of the alarm, or of the node (for a condition: of its trigger)'),
    ['data'],
  )
    .description('hold alarms back for a time or until they have ended once')
    .option('--minutes <n>', 'so long, at most 43200 (30 days)')
    .option('--one-shot', 'until it has ended once')
    .option('--key <key>', 'key of the condition')
    .option('--reason <text>', 'shown beside it and kept in the audit trail', '')
    .option('--json', 'as JSON')
    .action(async (what: string | undefined, id: string | undefined, flags: Record<string, unknown>) => {
      const { minutes, oneShot, key, reason, json, ...config } = flags;
      const { data } = configOf(config, 'other').config;
      await shelveCommand(
        {
          data,
          scope: what,
          id,
          key: text(key),
          minutes: text(minutes),
          oneShot: oneShot === true,
          reason: String(reason),
          json: json === true,
        },
        print,
      );
    });

  addConfigOptions(alarmflow.command('unshelve').argument('<id>', 'id of the shelf, as "alarmflow shelve" lists it'), [
    'data',
  ])
    .description('take alarms off the shelf; what still holds is raised')
    .option('--json', 'as JSON')
    .action(async (id: string, flags: Record<string, unknown>) => {
      const { json, ...config } = flags;
      await unshelveCommand({ data: configOf(config, 'other').config.data, id, json: json === true }, print);
    });

  alarmflow
    .command('decode')
    .description(
      'what a driver understands from captured bytes: a stream, a push body, a document; one JSON object a line',
    )
    .argument('<driver>', `one of: ${driverKinds().join(', ')}`)
    .argument('<file>', 'capture file, or - for standard input')
    .option('--content-type <type>', 'Content-Type header that came with the bytes (default: found out from them)')
    .option('--options <file>', "JSON file with the device's own settings, e.g. the mapping of an http-push device")
    .action((driver: string, file: string, options: { contentType?: string; options?: string }) =>
      decodeCommand(driver, file, options, print),
    );

  addConfigOptions(alarmflow.command('capture').argument('<device>', 'id or name of a device of the flow'), ['data'])
    .description('what a device sends, as it comes and without secrets, for "decode" (of the alarmflow that runs)')
    .option('--parts <n>', 'end after so many parts, at most 10000 (default: 20)')
    .option('--seconds <n>', 'end after so long, at most 3600 (default: 300)')
    .option('--megabytes <n>', 'end before so much, at most 64 (default: 16)')
    .option('--out <file>', 'write here (default: standard output)')
    .action(async (device: string, flags: Record<string, unknown>) => {
      const { parts, seconds, megabytes, out, ...config } = flags;
      const { data } = configOf(config, 'other').config;
      await captureCommand(
        { data, device, parts: text(parts), seconds: text(seconds), megabytes: text(megabytes), out: text(out) },
        (line) => process.stderr.write(`${line}\n`),
        untilSignal(),
      );
    });

  const log = alarmflow.command('log').description('the log of alarms and of what was done about them');
  addConfigOptions(log.command('export'), ['data'])
    .description('alarms or actions on record, oldest first (of the alarmflow that runs on the data folder)')
    .option('--what <what>', 'alarms or actions', 'alarms')
    .option('--format <format>', 'csv (for spreadsheets) or jsonl (one JSON object a line)', 'csv')
    .option('--from <time>', 'from this time on (ISO 8601, UTC unless it names a zone)')
    .option('--to <time>', 'to before this time')
    .option('--type <type>', 'only this event type, e.g. temperature-alarm')
    .option('--device <id>', 'only this device')
    .option('--kind <kind>', 'only actions of this kind, e.g. email')
    .option('--status <status>', 'only actions with this outcome, e.g. failed')
    .option('--out <file>', 'write here (default: standard output)')
    .action(async (flags: Record<string, unknown>) => {
      const { what, format, from, to, type, device, kind, status, out, ...config } = flags;
      const { data } = configOf(config, 'other').config;
      await logExportCommand(
        {
          data,
          what: String(what),
          format: String(format),
          from: text(from),
          to: text(to),
          type: text(type),
          device: text(device),
          kind: text(kind),
          status: text(status),
          out: text(out),
        },
        process.stdout,
        untilSignal(),
      );
    });

  alarmflow
    .command('device')
    .description('a simulated device that speaks the real protocol')
    .argument(
      '<driver>',
      `one of: ${simulatorKinds()
        .map(({ kind }) => kind)
        .join(', ')}`,
    )
    .option('--host <address>', 'address to listen on; for snmp-traps that of the receiver', '127.0.0.1')
    .option('--port <port>', 'port to listen on, 0 takes a free one; for snmp-traps that of the receiver', '0')
    .option('--user <name>', 'login that it asks for', 'admin')
    .option('--password <password>', 'password that it asks for; for snmp-traps community or key', 'alarmflow1')
    .option('--model <model>', 'which of its models, e.g. thermal, camera or nvr (default: its usual one)')
    .option('--target <url>', 'where it pushes, for kinds that push: an ingest path, or host:port for snmp-traps')
    .option('--every <seconds>', 'seconds between two pushes to the target; 0: only when told (default: 5)')
    .option('--fault <name...>', 'switch a fault on (repeat for several)', [])
    .option('--faults', 'list the names of its faults and end')
    .addHelpText('after', () => deviceHelp())
    .action((kind: string, options: DeviceOptions) => deviceCommand(kind, options, print, untilSignal()));

  addSimulationCommands(alarmflow, {
    print,
    addConfigOptions: (command) => addConfigOptions(command, ['data', 'databaseUrl', 'siteName']),
    configOf: (flags) => configOf(flags, 'other'),
  });
  addArmingCommands(alarmflow, print);
  addUserCommands(alarmflow, print);
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
