/** The action `snmp-trap` (REQUIREMENTS L10): one notification of ALARMFLOW-MIB for each phase that is asked for. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock/clock';
import { systemClock } from '../clock/system-clock';
import type { ActionHandler, ActionResult, ActionRow } from '../domain/actions';
import type { AlarmPhase } from '../domain/alarms';
import { asAlarmflowError, userError } from '../domain/errors';
import type { SnmpReceiver } from '../domain/snmp-receiver';
import { alarmLine } from './alarm-line';
import { badParameter, isAskedFor, type Params, readPhases, text } from './fields';
import { withHeldBack } from './held-back';
import { notificationOf, testNotification } from './snmp-notification';
import { engineIdOf, receiverName, sendNotification } from './snmp-session';

/** Parameters of the action `snmp-trap`. */
export interface SnmpTrapParams {
  /** Id of the receiver's config node. */
  receiverId: string;
  /** Phases of an alarm that are told; plain messages always are. */
  phases: AlarmPhase[];
  /** Template; empty: phase, type and device. */
  text: string;
}

export interface SnmpTrapParts {
  snmpReceiver(id: string): SnmpReceiver | undefined;
  clock: Clock;
  siteName: string;
}

const ACTION = 'SNMP';

/** Checks and reads the parameters; throws E_BAD_PARAMETER (user) that names the field. */
export function readSnmpTrapParams(params: Params): SnmpTrapParams {
  const receiverId = text(ACTION, params, 'receiverId', 200);
  if (receiverId === '') throw badParameter(ACTION, 'receiverId', 'names no SNMP receiver: choose one');
  return { receiverId, phases: readPhases(ACTION, params), text: text(ACTION, params, 'text', 1_000) };
}

export function snmpTrapHandler(parts: SnmpTrapParts): ActionHandler {
  return {
    kind: 'snmp-trap',
    heavy: false,
    defaultDeadlineMs: 60 * 60_000,
    attempts: 60,
    check(params) {
      readSnmpTrapParams(params);
    },
    rehearse(row) {
      const params = readSnmpTrapParams(row.params);
      const receiver = parts.snmpReceiver(params.receiverId);
      if (!receiver) throw unknownReceiver(row);
      const line = alarmLine(params.text, row, parts.siteName, 255);
      return `would send an SNMPv${receiver.access.version} ${receiver.notification} to ${receiverName(receiver)}: ${line}`;
    },
    async execute({ row, signal }): Promise<ActionResult> {
      const params = readSnmpTrapParams(row.params);
      if (!isAskedFor(params.phases, row))
        return { status: 'skipped', summary: `No notification is asked for at the phase "${row.phase}"` };
      const receiver = parts.snmpReceiver(params.receiverId);
      if (!receiver) throw unknownReceiver(row);
      const line = alarmLine(params.text, row, parts.siteName, 255);
      await sendNotification(receiver, notificationOf(row, parts.siteName, line), parts.clock, signal);
      return { status: 'done', summary: withHeldBack(outcome(receiver), row) };
    },
  };
}

const unknownReceiver = (row: ActionRow) =>
  userError(
    'E_UNKNOWN_SNMP_RECEIVER',
    `SNMP node "${row.nodeName || row.nodeId}" names a receiver that is gone: choose one in its dialog`,
  );

const outcome = (receiver: SnmpReceiver): string =>
  receiver.notification === 'inform'
    ? `${receiverName(receiver)} confirmed the SNMPv${receiver.access.version} inform`
    : `SNMPv${receiver.access.version} trap sent to ${receiver.host}:${receiver.port}; traps are not confirmed`;

/** Sends the notification alarmflowTest and says what happened, for the dialog's test button. Never rejects. */
export async function testSnmpReceiver(
  receiver: SnmpReceiver,
  options: { clock?: Clock; siteName?: string } = {},
): Promise<{ ok: boolean; detail: string }> {
  const clock = options.clock ?? systemClock;
  try {
    const notification = testNotification(options.siteName ?? '', clock.now(), randomUUID());
    await sendNotification(receiver, notification, clock, new AbortController().signal);
    const known =
      receiver.access.version === '3' && receiver.notification === 'trap'
        ? `. The receiver must know the user under the engine id 0x${engineIdOf(receiver)}`
        : '';
    return { ok: true, detail: `${outcome(receiver)}${known}` };
  } catch (error) {
    return { ok: false, detail: asAlarmflowError(error).message };
  }
}
