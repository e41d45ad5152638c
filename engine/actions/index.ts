import type { ActionHandler } from '../domain/actions';
import { type EmailParts, emailHandler } from './email';
import { logHandler } from './log-line';
import { ptzPresetHandler } from './ptz-preset';
import { type RecordActionParts, recordClipHandler, recordHandler } from './record';
import { type SnapshotParts, snapshotHandler } from './snapshot';
import { type SnmpTrapParts, snmpTrapHandler } from './snmp-trap';
import { type UploadParts, uploadHandlers } from './upload';

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
export type { PtzPresetParams } from './ptz-preset';
export type { SnapshotParams } from './snapshot';
export { type SnmpTrapParams, testSnmpReceiver } from './snmp-trap';
export { noUploads, type UploadParts } from './upload';
export type { UploadParams } from './upload-params';
export { type DroppedUploads, openUploadSpool } from './upload-spool';
export { testFileServer } from './upload-test';

/** What the actions work with. */
export type ActionParts = EmailParts & SnmpTrapParts & UploadParts & SnapshotParts & RecordActionParts;

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
];
