/** The report of a simulation as lines for people. */
import { isoTime } from '../clock/clock';
import type { Comparison } from './compare';
import { comparisonSentence } from './compare';
import type { ReportEntry, SimulatedAlarm, SimulationResult } from './report';
import { spanText } from './times';

const outcomeWords: Partial<Record<string, string>> = {
  raised: 'raise',
  escalated: 'escalate',
  reminded: 'remind',
  cleared: 'clear',
  ended: 'end',
  refused: 'refused',
  merged: 'merged',
  pending: 'pending',
  acknowledged: 'acknowledge',
  clearing: 'clearing',
  'no-trigger': 'not heard',
  'no-alarm': 'no alarm',
};

/** Phases of messages that follow from a decision of the gates and are told with it. */
const toldByDecision = new Set(['raise', 'clear', 'end']);

const about = (parts: (string | null)[]): string => parts.filter((part) => part !== null && part !== '').join(', ');

const numbered = (alarm: number | null): string => (alarm === null ? '' : ` [alarm ${alarm}]`);

/** One entry as word and text, or null for what another entry tells already. */
function wordsOf(entry: ReportEntry): [word: string, text: string] | null {
  switch (entry.kind) {
    case 'decision': {
      const { outcome, reason, detail, trigger, alarm, device, type, place } = entry;
      const condition = about([device, type, place]);
      return [
        outcomeWords[outcome] ?? outcome,
        `${trigger ?? 'no trigger'}${numbered(alarm)}${condition === '' ? '' : `: ${condition}`} (${about([reason, detail])})`,
      ];
    }
    case 'message':
      if (toldByDecision.has(entry.phase) && entry.detail === '') return null;
      return ['message', about([`${entry.phase} of ${entry.trigger}${numbered(entry.alarm)}`, entry.detail])];
    case 'action': {
      const { action, node, phase, alarm, device, detail, heldBack } = entry;
      const what = `${action} by "${node}" at the ${phase}${numbered(alarm)}: ${about([device, detail])}`;
      return heldBack === null ? ['would send', what] : ['held back', `${what} (${heldBack})`];
    }
    case 'output':
      return [
        `${entry.what === 'relay' ? 'output' : entry.what} ${entry.on ? 'on' : 'off'}`,
        `${entry.name} (${entry.device})${entry.manner === '' ? '' : `: ${entry.manner}`}`,
      ];
    case 'left-out':
      return ['left out', `a message for ${entry.type} "${entry.node}"`];
    case 'complaint':
      return ['complaint', entry.text];
  }
}

/** One entry without its time; null for what another entry tells already. */
export function entryText(entry: ReportEntry): string | null {
  const words = wordsOf(entry);
  return words === null ? null : words.join(' ');
}

/** One entry as one line; null for what another entry tells already. */
export function entryLine(entry: ReportEntry): string | null {
  const words = wordsOf(entry);
  return words === null ? null : `${isoTime(entry.at)}  ${words[0].padEnd(11)} ${words[1]}`;
}

const counted = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([what, count]) => `${what} ${count.toLocaleString('en')}`)
    .join(', ') || 'none';

export function summaryLines({ summary, warnings, beginning }: SimulationResult): string[] {
  const { outputs, leftOut } = summary;
  const beginnings = beginning ?? [];
  const number = (value: number): string => value.toLocaleString('en');
  return [
    `${number(summary.events)} events and ${number(summary.orders)} orders, ${isoTime(summary.from)} to ${isoTime(summary.to)}`,
    ...beginnings.map((sentence) => `  beginning   ${sentence}`),
    `  alarms      raised ${number(summary.raised)}, escalated ${number(summary.escalated)}, reminded ${number(summary.reminded)}, merged ${number(summary.merged)}, cleared ${number(summary.cleared)}, ended ${number(summary.ended)}`,
    `  refused     ${counted(summary.refused)}`,
    `  not heard   ${number(summary.unheard)}`,
    `  would send  ${counted(summary.actions)}`,
    ...(Object.keys(summary.heldBack).length > 0 ? [`  held back   ${counted(summary.heldBack)}`] : []),
    ...outputs.map(
      ({ name, device, onMs, spans }) =>
        `  output      ${name} (${device}): on ${spanText(onMs)}, ${number(spans.length)} time${spans.length === 1 ? '' : 's'}`,
    ),
    ...leftOut.map(
      ({ type, node, messages }) =>
        `  left out    ${type} "${node}": ${number(messages)} message${messages === 1 ? '' : 's'}`,
    ),
    ...warnings.map((warning) => `  warning     ${warning}`),
  ];
}

const alarmText = (alarm: SimulatedAlarm): string =>
  `${alarm.trigger}: ${about([alarm.device, alarm.type, alarm.place])}`;

const lifeText = ({ raisedAt, clearedAt, endedAt }: SimulatedAlarm): string =>
  `raised ${isoTime(raisedAt)}, ${clearedAt === null ? 'not cleared' : `cleared ${isoTime(clearedAt)}`}, ${endedAt === null ? 'not ended' : `ended ${isoTime(endedAt)}`}`;

export function comparisonLines(comparison: Comparison): string[] {
  return [
    `Against the other flow: ${comparisonSentence(comparison)}`,
    ...comparison.more.map((alarm) => `  + ${lifeText(alarm)}  ${alarmText(alarm)}`),
    ...comparison.less.map((alarm) => `  - ${lifeText(alarm)}  ${alarmText(alarm)}`),
    ...comparison.moved.map(
      ({ before, after }) => `  ~ ${lifeText(after)}; before ${lifeText(before)}  ${alarmText(after)}`,
    ),
    ...comparison.outputs.map(
      ({ name, device, beforeMs, afterMs, switchedBefore, switchedAfter }) =>
        `  ~ ${name} (${device}): on ${spanText(afterMs)} in ${switchedAfter} times; before ${spanText(beforeMs)} in ${switchedBefore}`,
    ),
    ...comparison.actions.map(
      ({ node, action, before, after }) => `  ~ ${action} by "${node}": ${after}; before ${before}`,
    ),
  ];
}
