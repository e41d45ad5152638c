import type { ActionHandler } from '../domain/actions';
import { deviceTriggerHandler } from './device-trigger';
import { type EmailParts, emailHandler } from './email';
import { logHandler } from './log-line';
import { modbusWriteHandler } from './modbus-write';
import { type MqttPublishParts, mqttPublishHandler } from './mqtt';
import { type NotifyParts, notifyHandler } from './notify';
import { ptzPresetHandler } from './ptz-preset';
import { type RecordActionParts, recordClipHandler, recordHandler } from './record';
import { type ShowMessageParts, showMessageHandler } from './show-message';
import { type SnapshotParts, snapshotHandler } from './snapshot';
import { type SnmpTrapParts, snmpTrapHandler } from './snmp-trap';
import { type UploadParts, uploadHandlers } from './upload';
import { type WebPushParts, webPushHandler } from './web-push';

export type { MailRows } from './email';
export { type EmailParams, readEmailParams } from './email-params';
export {
  endInterval,
  type IntervalState,
  type IntervalSubject,
  intervalType,
  judgeInterval,
} from './interval';
export type { LogParams } from './log-line';
export { previewMail } from './mail-preview';
export { testMail } from './mail-test';
export type { TokenKeeping } from './mail-tokens';
export { type MqttPublishParams, testMqttBroker } from './mqtt';
export { type DigestAnswer, type NotifyParams, previewNotify, sendSignOfLife, testAlarmCentre } from './notify';
export type { PtzPresetParams } from './ptz-preset';
export { endpointFault } from './public-address';
export type { PushNetwork } from './push-request';
export { sendTestPush } from './push-test';
export type { ShowMessageParams } from './show-message';
export type { SnapshotParams } from './snapshot';
export { type SnmpTrapParams, testSnmpReceiver } from './snmp-trap';
export { noUploads, type UploadParts } from './upload';
export type { UploadParams } from './upload-params';
export { type DroppedUploads, openUploadSpool } from './upload-spool';
export { testFileServer } from './upload-test';
export { LONGEST_TTL_SECONDS, type WebPushParams } from './web-push';

/** What the actions work with. */
export type ActionParts = EmailParts &
  SnmpTrapParts &
  UploadParts &
  SnapshotParts &
  RecordActionParts &
  ShowMessageParts &
  WebPushParts &
  NotifyParts &
  MqttPublishParts;

/** One handler for each kind of action. */
export const createActionHandlers = (parts: ActionParts): ActionHandler[] => [
  emailHandler(parts),
  ptzPresetHandler(parts),
  snapshotHandler(parts),
  recordHandler(parts),
  recordClipHandler(parts),
  logHandler(parts),
  ...uploadHandlers(parts),
  snmpTrapHandler(parts),
  showMessageHandler(parts),
  webPushHandler(parts),
  notifyHandler(parts),
  mqttPublishHandler(parts),
  modbusWriteHandler(parts),
  deviceTriggerHandler(parts),
];
