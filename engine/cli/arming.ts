/** `alarmflow arm`, `alarmflow disarm` and `alarmflow arming`: orders to the running site, and who is armed. */
import type { Command } from 'commander';
import { localTime } from '../clock/clock';
import type { ArmingScope, ArmingSubject, ArmingWay } from '../domain/arming';
import { userError } from '../domain/errors';
import { loadConfig } from '../host/config';
import type { ArmingCall, ArmingPage, ArmingRow } from '../host/console-api';
import { callSite, findRunningSite } from './running-site';

export interface ArmingFlags {
  data: string;
  area?: string;
  device?: string;
  channel?: string;
  trigger?: string;
  action?: string;
  force?: boolean;
  bypass?: boolean;
  for?: string;
  json?: boolean;
}

/** `alarmflow arm`, `disarm` and `arming`. */
export function addArmingCommands(alarmflow: Command, print: (line: string) => void): void {
  const onSite = (command: Command): Command =>
    command
      .option('--data <folder>', 'data folder (default: ./data; ALARMFLOW_DATA)')
      .option('--config <file>', 'configuration file');
  const dataOf = ({ data, config }: { data?: string; config?: string }): string =>
    loadConfig({ flags: { data, config }, env: process.env, cwd: process.cwd(), command: 'other' }).config.data;
  const order = (name: string, description: string): Command =>
    onSite(alarmflow.command(name).description(description))
      .option('--area <id-or-name>', 'only this area')
      .option('--device <id-or-name>', 'only this device')
      .option('--channel <device/number>', 'only this channel of a device')
      .option('--trigger <id-or-name>', 'only this trigger')
      .option('--action <id-or-name>', 'only this linkage action')
      .option('--for <time>', 'for so long only, e.g. 2h or 30min; then back to what it was before');

  order('arm', 'arms the site, or what is named; refused while something is open')
    .option('--force', 'also while something is open: that is raised like at a period that begins')
    .option('--bypass', 'also while something is open: that is left out until it is disarmed')
    .action((flags: ArmingFlags) => orderCommand(true, { ...flags, data: dataOf(flags) }, print));
  order('disarm', 'disarms the site, or what is named').action((flags: ArmingFlags) =>
    orderCommand(false, { ...flags, data: dataOf(flags) }, print),
  );
  onSite(alarmflow.command('arming').description('who is armed, by whose order, and what is open or bypassed'))
    .option('--all', 'also devices, triggers and actions that are plainly armed')
    .option('--json', 'one JSON object a line')
    .action((flags: { data: string; json?: boolean; all?: boolean }) =>
      armingCommand({ ...flags, data: dataOf(flags) }, print),
    );
}

const scopes = ['area', 'device', 'channel', 'trigger', 'action'] as const satisfies readonly ArmingScope[];

/** The subject that the flags name; the site when there is none. */
function subjectOf(flags: ArmingFlags): ArmingSubject {
  const named = scopes.filter((scope) => flags[scope] !== undefined);
  const [scope] = named;
  if (scope === undefined) return { scope: 'site', id: 'site' };
  if (named.length > 1) {
    throw userError(
      'E_BAD_COMMAND',
      `Name one subject, not ${named.length} (${named.map((one) => `--${one}`).join(', ')})`,
    );
  }
  return { scope, id: flags[scope] ?? '' };
}

const minutesOf: Record<string, number> = { s: 1 / 60, min: 1, m: 1, h: 60, d: 1_440 };

/** `2h`, `90min`, `45 s`, `1d` as minutes. @throws E_BAD_COMMAND (user) */
export function minutesFrom(text: string): number {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)\s*(s|min|m|h|d)$/.exec(text.trim());
  const minutes = match === null ? Number.NaN : Number(match[1]) * (minutesOf[match[2] ?? ''] ?? Number.NaN);
  if (!(minutes > 0)) throw userError('E_BAD_COMMAND', `"${text}" is no time: write for example 2h, 30min, 45s or 1d`);
  return minutes;
}

/** Gives the order and prints what stands then. */
export async function orderCommand(armed: boolean, flags: ArmingFlags, print: (line: string) => void): Promise<void> {
  if (flags.force && flags.bypass) throw userError('E_BAD_COMMAND', 'Choose one of --force and --bypass');
  const how: ArmingWay = flags.force ? 'force' : flags.bypass ? 'bypass' : 'normal';
  const subject = subjectOf(flags);
  const call: ArmingCall = {
    subject,
    armed,
    ...(armed ? { how } : {}),
    ...(flags.for === undefined ? {} : { forMinutes: minutesFrom(flags.for) }),
  };
  const site = await findRunningSite(flags.data);
  const page = await answerOf(await callSite(site, '/api/v1/arming', { method: 'POST', body: call }));
  const wanted = subject.id.trim().toLowerCase();
  const row = page.arming.find(
    (one) =>
      one.subject.scope === subject.scope &&
      (subject.scope === 'site' || one.subject.id === subject.id || one.name.trim().toLowerCase() === wanted),
  );
  print(row === undefined ? (armed ? 'armed' : 'disarmed') : describeRow(row));
  for (const one of row?.bypassed ?? []) print(`  bypassed: ${one.triggerName} (${one.deviceName})`);
}

/** Prints every subject; those of which nothing is to be said only with `--all`. */
export async function armingCommand(
  flags: { data: string; json?: boolean; all?: boolean },
  print: (line: string) => void,
): Promise<void> {
  const site = await findRunningSite(flags.data);
  const page = await answerOf(await callSite(site, '/api/v1/arming'));
  if (flags.json) {
    for (const row of page.arming) print(JSON.stringify(row));
    return;
  }
  const told = page.arming.filter((row) => flags.all || isNotable(row));
  for (const row of told) {
    print(describeRow(row));
    for (const one of row.open) print(`  open: ${one.triggerName} (${one.deviceName}) since ${localTime(one.since)}`);
    for (const one of row.bypassed) print(`  bypassed: ${one.triggerName} (${one.deviceName})`);
  }
  const hidden = page.arming.length - told.length;
  if (hidden > 0) print(`${hidden} more devices, triggers and actions are armed: --all shows them`);
}

const isNotable = (row: ArmingRow): boolean =>
  row.subject.scope === 'site' || row.subject.scope === 'area' || row.phase !== 'armed' || row.bypassed.length > 0;

/** `area "Hall" (a1): armed by anna  [since 2026-11-21 08:00:00]`. */
export function describeRow(row: ArmingRow): string {
  const { subject, name, detail, order, back } = row;
  const who = subject.scope === 'site' ? `site "${name}"` : `${subject.scope} "${name}" (${subject.id})`;
  const since = order === null ? '' : `  since ${localTime(order.at)}`;
  const until = back === null ? '' : `, until ${localTime(back.at)}`;
  return `${who}: ${detail}${since}${until}`;
}

const answerOf = async (body: ReadableStream<Uint8Array>): Promise<ArmingPage> =>
  (await new Response(body).json()) as ArmingPage;
