import { applyWrites } from './apply-writes';

/**
 * Sixth layout: what an event met at the filters of triggers that are not meant by it lies in the event's own row. A
 * recorder with a hundred triggers had a hundred rows for each event, which cost the alarm two milliseconds.
 *
 * Records of former layouts have the writer's function in layers, each of which copied what it passed on.
 */
export const schema6 = /* sql */ `
ALTER TABLE alarmflow.events ADD COLUMN filtered jsonb;

DROP FUNCTION IF EXISTS alarmflow.apply_writes(jsonb);
DROP FUNCTION IF EXISTS alarmflow.apply_fourth_writes(jsonb);
DROP FUNCTION IF EXISTS alarmflow.apply_third_writes(jsonb);
DROP FUNCTION IF EXISTS alarmflow.apply_first_writes(jsonb);
${applyWrites}`;
