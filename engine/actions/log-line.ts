import type { ActionHandler } from '../domain/actions';
import type { Log } from '../domain/log';
import { alarmLine } from './alarm-line';
import { oneOf, type Params, text } from './fields';
import { heldBackOf, withHeldBack } from './held-back';

/** Parameters of the action `log`. */
export interface LogParams {
  /** Template; empty: type and device of the alarm. */
  text: string;
  level: 'info' | 'warn';
}

const ACTION = 'Log';
const LONGEST_LINE = 2_000;

export const readLogParams = (params: Params): LogParams => ({
  text: text(ACTION, params, 'text', 4_000),
  level: oneOf(ACTION, params, 'level', ['info', 'warn']),
});

/** Writes one structured line (L12). */
export function logHandler(parts: { log: Log; siteName: string }): ActionHandler {
  return {
    kind: 'log',
    heavy: false,
    defaultDeadlineMs: 24 * 60 * 60_000,
    attempts: 1,
    check(params) {
      readLogParams(params);
    },
    rehearse: (row) =>
      `would write into the log: ${alarmLine(readLogParams(row.params).text, row, parts.siteName, LONGEST_LINE)}`,
    async execute({ row }) {
      const params = readLogParams(row.params);
      const heldBack = heldBackOf(row);
      const line = alarmLine(params.text, row, parts.siteName, LONGEST_LINE);
      parts.log[params.level]('action.log', {
        text: line,
        node: row.nodeName || row.nodeId,
        key: row.key,
        phase: row.phase,
        ...(heldBack ? { heldBack: heldBack.count } : {}),
        ...(row.alarm ? { alarm: row.alarm.id, device: row.alarm.deviceId, type: row.alarm.type } : {}),
      });
      return { status: 'done', summary: withHeldBack(line, row) };
    },
  };
}
