import type { DecisionOutcome } from '../domain/alarms';
import type { GateContext, GateState } from '../gates';

const moment = (at: number | null | undefined): number | undefined =>
  typeof at === 'number' && Number.isFinite(at) ? at : undefined;

/**
 * When the gate that refused, or that made the event wait, opens next, as far as that is known at the decision.
 * It is kept with the decision, because nobody can work it out later: windows slide, schedules are changed.
 *
 * @param state as the decision has left it
 * @param context undefined for decisions that no gate was asked for
 */
export function opensAtOf(
  decided: { at: number; outcome: DecisionOutcome; reason: string },
  state: GateState,
  context: GateContext | undefined,
): number | undefined {
  const { at, outcome, reason } = decided;
  if (outcome !== 'refused' && outcome !== 'pending') return undefined;
  switch (reason) {
    case 'shelved':
      return moment(context?.shelf?.until);
    case 'disarmed':
      return moment(context?.arming.armsAt);
    case 'not-armed':
      return moment(context?.schedule.to);
    case 'on-delay':
      return outcome === 'pending' ? moment(state.timers['on-delay']) : undefined;
    case 'anti-dither':
      return state.window !== null && at < state.window.until ? state.window.until : undefined;
    case 'entry-delay':
      return moment(state.entry?.until);
    default:
      return undefined;
  }
}
