import { defineNode } from '../../shared/define-node';
import { readEventTypes, readPlaces } from '../../shared/event-types';
import { triggerKind } from '../../shared/trigger-node';
import { defaults, migrations } from './migrations';

export default defineNode(
  triggerKind({
    type: 'alarmflow-snmp-received',
    title: 'SNMP received',
    defaults,
    migrations,
    filter(fields, deviceIds) {
      if (deviceIds.length === 0) fields.refuse('Devices', [], 'the receiver: check at least one');
      const oids = fields.list('names', 'OID', { max: 256, entryLength: 200 });
      const wrong = oids.find((oid) => !/^\d+(?:\.\d+)*(?:\.?\*)?$/.test(oid));
      if (wrong !== undefined)
        fields.refuse('OID', wrong, 'object identifiers like 1.3.6.1.4.1.318.0.5 or 1.3.6.1.4.1.318.*');
      return {
        ...readEventTypes(fields, 'types', 'Event types'),
        ...(oids.length > 0 ? { vendorTypes: oids } : {}),
        ...readPlaces(fields, ['rule']),
      };
    },
  }),
);
