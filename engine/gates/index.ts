export {
  type ArmingAround,
  type ArmingEvent,
  type ArmingQuestion,
  type ArmingState,
  type ArmingStep,
  armingDue,
  armingPrecedence,
  armingStep,
  armingVerdict,
  bywhom,
  neverOrdered,
  openAt,
  phaseAt,
  type StandingOrder,
} from './arming';
export { type CombinationState, combinationMachine, combinationProblem, runningOperands } from './combination';
export {
  type EscalationInput,
  type EscalationState,
  escalationMachine,
  escalationProblem,
  newEscalation,
} from './escalation';
export { filterRefusal, hottestCelsius, levelOf, listensTo, matchesFilter, takesType } from './filter';
export { carryFlood, type FloodState, floodNotice, floodRaise, noFlood } from './flood';
export { latestSeen } from './jump';
export { alarmKey, hasWholeKey, keyAgrees, keyParts } from './key';
export { type GateMachine, gateMachine } from './machine';
export {
  evaluateSchedule,
  type ScheduleVerdict,
  type ScheduleWindow,
  scheduleWindow,
} from './schedule';
export { checkSchedule } from './schedule-check';
export { nextEdges, previewSchedule } from './schedule-edges';
export { setBackBy } from './set-back';
export { covers, type ShelvedPlace, shelfVerdict } from './shelf';
export { quietOf, signalOf } from './signal';
export {
  completeState,
  type GateContext,
  type GateEffect,
  type GateInput,
  type GateSignal,
  type GateState,
  type GateStep,
  type GateTimer,
  highestLevel,
  holds,
  initialState,
  nextDue,
  type RaisedBy,
  type ShelfVerdict,
  worthKeeping,
} from './state';
export { duration } from './words';
