export { topicLevel } from './alarm-record';
export { type Alarms, type AlarmsOptions, createAlarms } from './alarms';
export type { TriggerNotice } from './notice';
