export { celsius, filterRefusal, hottestCelsius, levelOf, listensTo, matchesFilter } from './filter';
export { alarmKey, hasWholeKey, keyAgrees } from './key';
export { type GateMachine, gateMachine } from './machine';
export {
  checkSchedule,
  evaluateSchedule,
  nextEdges,
  type ScheduleVerdict,
  type ScheduleWindow,
  scheduleWindow,
} from './schedule';
export { signalOf } from './signal';
export {
  type GateContext,
  type GateEffect,
  type GateInput,
  type GateSignal,
  type GateState,
  type GateStep,
  type GateTimer,
  initialState,
  nextDue,
  type RaisedBy,
  worthKeeping,
} from './state';
export { duration } from './words';
