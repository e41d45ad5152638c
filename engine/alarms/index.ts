export { topicLevel } from './alarm-record';
export { type Alarms, type AlarmsOptions, createAlarms } from './alarms';
export type { Inspection, Waiting } from './inspection';
export type { TriggerNotice } from './notice';
export { decidedCheck, nearChecks } from './why';
