import type { ArmingSchedule } from '../../../engine/index';
import { jsonRoute } from '../../shared/admin-routes';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { bodyOf, readDialog } from '../../shared/dialog-config';
import { readExceptions, readHolidays, readPlace, readWeek } from './days';
import { defaults, migrations } from './migrations';

const schedule: NodeKind<ArmingSchedule> = {
  type: 'alarmflow-schedule',
  title: 'Arming schedule',
  defaults,
  migrations,
  read(fields) {
    const place = readPlace(fields);
    const holidays = readHolidays(fields);
    const exceptions = readExceptions(fields);
    return {
      id: fields.id,
      name: fields.name('Arming schedule'),
      timeZone: fields.timeZone('timeZone', 'Time zone') ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      week: readWeek(fields),
      ...(place ? { place } : {}),
      ...(holidays.length > 0 ? { holidays } : {}),
      ...(exceptions.length > 0 ? { exceptions } : {}),
    };
  },
  start: (definition, site) => site.engine.defineSchedule(definition),
  register(red) {
    red.httpAdmin.post(
      '/alarmflow/schedules/preview',
      red.auth.needsPermission('devices.write'),
      jsonRoute(red, (engine, request) => engine.previewSchedule(readDialog(red, schedule, bodyOf(request)))),
    );
  },
};

export default defineNode(schedule);
