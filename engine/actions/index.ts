import type { ActionHandler } from '../domain/actions';
import { type EmailParts, emailHandler } from './email';
import { logHandler } from './log-line';
import { ptzPresetHandler } from './ptz-preset';
import { type SftpUploadParts, sftpUploadHandler } from './sftp-upload';
import { snapshotHandler } from './snapshot';
import { type SnmpTrapParts, snmpTrapHandler } from './snmp-trap';

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
export { testFileServer } from './sftp-upload';
export type { SnapshotParams } from './snapshot';
export { type SnmpTrapParams, testSnmpReceiver } from './snmp-trap';
export type { SftpUploadParams } from './upload-params';

/** What the actions work with. */
export type ActionParts = EmailParts & SftpUploadParts & SnmpTrapParts;

/** One handler for each kind of action. */
export const createActionHandlers = (parts: ActionParts): ActionHandler[] => [
  emailHandler(parts),
  ptzPresetHandler(parts),
  snapshotHandler(parts),
  logHandler(parts),
  sftpUploadHandler(parts),
  snmpTrapHandler(parts),
];
