/** Who is mailed: every group of receivers has its own schedule, and who is left out is told. */
import type { EmailParams, ReceiverKind } from './email-params';
import { oneLine } from './template';

export interface Receivers {
  to: string[];
  cc: string[];
  bcc: string[];
}

/** Whether a schedule is armed at a moment, with the sentence that explains it. */
export type ScheduleVerdict = (scheduleId: string, at: number) => { armed: boolean; detail: string };

const LONGEST_REASON = 200;

export const countOf = ({ to, cc, bcc }: Receivers): number => to.length + cc.length + bcc.length;

/** @param at the moment at which the mail was asked for: every try has the same receivers */
export function receiversAt(
  params: Pick<EmailParams, 'to' | 'more'>,
  at: number,
  schedule: ScheduleVerdict | undefined,
): { receivers: Receivers; leftOut: string[] } {
  const receivers: Receivers = { to: [...params.to], cc: [], bcc: [] };
  const taken = new Set(params.to.map((address) => address.toLowerCase()));
  const leftOut: string[] = [];
  const add = (kind: ReceiverKind, address: string): void => {
    // Who is in two groups gets one mail.
    if (taken.has(address.toLowerCase())) return;
    taken.add(address.toLowerCase());
    receivers[kind].push(address);
  };
  const refused: { addresses: string[]; detail: string }[] = [];
  for (const { kind, addresses, scheduleId } of params.more) {
    const verdict =
      scheduleId === null
        ? { armed: true, detail: '' }
        : (schedule?.(scheduleId, at) ?? { armed: false, detail: `schedule ${scheduleId} is not known` });
    if (verdict.armed) for (const address of addresses) add(kind, address);
    else refused.push({ addresses, detail: verdict.detail });
  }
  for (const { addresses, detail } of refused) {
    const without = addresses.filter((address) => !taken.has(address.toLowerCase()));
    if (without.length > 0) leftOut.push(`not to ${without.join(', ')}: ${oneLine(detail).slice(0, LONGEST_REASON)}`);
  }
  return { receivers, leftOut };
}
