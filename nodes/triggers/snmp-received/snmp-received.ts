import { isSenderEntry } from '../../../engine/index';
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
      const senders = fields.list('senders', 'Senders', { max: 256, entryLength: 253 });
      const strange = senders.find((sender) => !isSenderEntry(sender));
      if (strange !== undefined)
        fields.refuse('Senders', strange, 'addresses, networks like 192.0.2.0/24 or names, with commas between them');
      return {
        ...(senders.length > 0 ? { senders } : {}),
        ...readEventTypes(fields, 'types', 'Event types'),
        ...(oids.length > 0 ? { vendorTypes: oids } : {}),
        ...readPlaces(fields, ['rule']),
      };
    },
  }),
);
