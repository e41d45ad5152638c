/** `alarmflow why`: one answer for an event, an alarm, or what would become of an event now. */
import { localTime } from '../clock/clock';
import { AlarmflowError, userError } from '../domain/errors';
import type { GateCheck, TriggerCheck, WhyAnswer } from '../domain/why';
import { callSite, findRunningSite, type RunningSite } from './running-site';

export interface WhyOptions {
  data: string;
  json?: boolean;
  trigger?: string;
  device?: string;
  at?: string;
}

/** @throws E_BAD_COMMAND (user) unless there is an id or a trigger, and what the site answers */
export async function whyCommand(
  id: string | undefined,
  options: WhyOptions,
  print: (line: string) => void,
): Promise<void> {
  if ((id === undefined) === (options.trigger === undefined)) {
    throw userError(
      'E_BAD_COMMAND',
      'Say what the question is about: "alarmflow why <event-or-alarm-id>", or "alarmflow why --trigger <id-or-name>"',
    );
  }
  if (id !== undefined && (options.device !== undefined || options.at !== undefined)) {
    throw userError('E_BAD_COMMAND', '--device and --at belong to --trigger: an event has its own device and time');
  }
  const site = await findRunningSite(options.data);
  const answer = id === undefined ? await supposed(site, options) : await ofId(site, id);
  if (options.json) print(JSON.stringify(answer));
  else for (const line of describeWhy(answer)) print(line);
}

async function ask(site: RunningSite, path: string): Promise<WhyAnswer> {
  return (await new Response(await callSite(site, `/api/v1/why${path}`)).json()) as WhyAnswer;
}

function supposed(site: RunningSite, { trigger, device, at }: WhyOptions): Promise<WhyAnswer> {
  const query = new URLSearchParams({ trigger: trigger ?? '' });
  if (device !== undefined) query.set('device', device);
  if (at !== undefined) query.set('at', at);
  return ask(site, `?${query}`);
}

/** Events and alarms have ids of one form: the one that there is. */
async function ofId(site: RunningSite, id: string): Promise<WhyAnswer> {
  const path = encodeURIComponent(id);
  try {
    return await ask(site, `/event/${path}`);
  } catch (error) {
    if (!(error instanceof AlarmflowError) || error.code !== 'E_UNKNOWN_EVENT') throw error;
  }
  try {
    return await ask(site, `/alarm/${path}`);
  } catch (error) {
    if (!(error instanceof AlarmflowError) || error.code !== 'E_UNKNOWN_ALARM') throw error;
    throw userError(
      'E_UNKNOWN_SUBJECT',
      `There is no event and no alarm "${id}": "alarmflow events" lists the latest; older ones may be past what the record keeps`,
    );
  }
}

const marks: Record<GateCheck['result'], string> = { passed: '+', refused: 'x', waiting: '~', 'not-asked': ' ' };

/** `failed (E_MAIL_REFUSED), 3 tries, the last took 0.2 s` */
function outcomeOf({
  status,
  errorCode,
  attempts,
  durationMs,
}: WhyAnswer['followed'][number]['actions'][number]): string {
  const parts = [errorCode === null ? status : `${status} (${errorCode})`];
  if (attempts > 1) parts.push(`${attempts} tries`);
  if (attempts > 0 && durationMs)
    parts.push(`${attempts > 1 ? 'the last took' : 'took'} ${(durationMs / 1000).toFixed(durationMs < 100 ? 2 : 1)} s`);
  return parts.join(', ');
}

/** The answer as lines for people; times are those of this machine. */
export function describeWhy(answer: WhyAnswer): string[] {
  const { subject, verdict, notes, triggers, followed } = answer;
  const lines = [`${subject.title}  ${localTime(subject.at)}  ${subject.id}`, '', verdict];
  for (const note of notes) lines.push(`Note: ${note}`);
  for (const check of triggers) lines.push('', ...describeTrigger(check));
  for (const { alarm, life, waitsFor, actions, outputs } of followed) {
    lines.push('', `Alarm ${alarm.id}, ${alarm.endedAt === null ? alarm.state : 'ended'}: ${alarm.topic}`);
    for (const decision of life) {
      lines.push(`  ${localTime(decision.at)}  ${decision.outcome} (${decision.reason}): ${decision.detail}`);
    }
    for (const action of actions) {
      const when = localTime(action.finishedAt ?? action.requestedAt);
      lines.push(
        `  ${when}  ${action.kind} "${action.nodeName}" at ${action.phase}: ${outcomeOf(action)}${action.summary === null ? '' : `: ${action.summary}`}`,
      );
    }
    for (const output of outputs) {
      const until = output.endsAt === null ? '' : `, until ${localTime(output.endsAt)} at most`;
      lines.push(`  output ${output.name}: ${output.detail}${until}`);
    }
    if (waitsFor !== null) lines.push(`  waits for ${waitsFor}`);
  }
  return lines;
}

function describeTrigger(check: TriggerCheck): string[] {
  if (check.relation === 'near') return [`Trigger "${check.triggerName}" was not asked: ${check.detail}`];
  const head = check.relation === 'supposed' ? 'an event would be' : 'it was';
  const lines = [
    `Trigger "${check.triggerName}"${check.key === null ? '' : ` [${check.key}]`}: ${head} ${check.outcome} (${check.reason})`,
  ];
  for (const { gate, result, detail, opensAt, opens } of check.gates) {
    const when = opens === null ? '' : ` — opens ${opens}${opensAt === null ? '' : `, ${localTime(opensAt)}`}`;
    const word = result === 'not-asked' ? 'not asked' : result;
    lines.push(`  ${marks[result]} ${gate.padEnd(11)} ${word}${detail === '' ? '' : `: ${detail}`}${when}`);
  }
  for (const decision of check.later) {
    lines.push(`  ${localTime(decision.at)}  then ${decision.outcome} (${decision.reason}): ${decision.detail}`);
  }
  return lines;
}
