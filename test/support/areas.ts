import type { AreaDefinition } from '../../engine/domain/arming';

/** Area "Hall" without delays, schedule and inputs, except what is given. */
export const hallArea = (fields: Partial<AreaDefinition> = {}): AreaDefinition => ({
  id: 'hall',
  name: 'Hall',
  covers: 'area',
  scheduleId: null,
  exitDelayMs: 0,
  entryDelayMs: 0,
  atDisarm: 'end',
  unattended: 'force',
  inputs: [],
  flood: null,
  ...fields,
});
