/** What sending notifications (`engine/actions`) and receiving them (`engine/drivers/snmp-traps`) share of SNMPv3. */
export { mendDes } from './des';
export { ownEngineId } from './engine-id';
