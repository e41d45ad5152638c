import { weekdays } from '../../../engine/index';
import { firstVersion, type Migration } from '../../shared/migrations';

/** A new schedule arms around the clock; periods are in minutes since local midnight, 1440 is 24:00. */
export const defaults = {
  name: '',
  timeZone: '',
  week: Object.fromEntries(weekdays.map((day) => [day, [{ from: 0, to: 1440 }]])),
  latitude: '',
  longitude: '',
  holidays: [],
  exceptions: [],
};

export const migrations: readonly Migration[] = [firstVersion];
