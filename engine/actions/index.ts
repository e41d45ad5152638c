import type { ActionHandler } from '../domain/actions';
import { type EmailParts, emailHandler } from './email';
import { logHandler } from './log-line';
import { ptzPresetHandler } from './ptz-preset';
import { snapshotHandler } from './snapshot';

export type { EmailParams } from './email-params';
export type { LogParams } from './log-line';
export { testMail } from './mail-test';
export type { PtzPresetParams } from './ptz-preset';
export type { SnapshotParams } from './snapshot';

/** What the actions work with. */
export type ActionParts = EmailParts;

/** One handler for each kind of action. */
export const createActionHandlers = (parts: ActionParts): ActionHandler[] => [
  emailHandler(parts),
  ptzPresetHandler(parts),
  snapshotHandler(parts),
  logHandler(parts),
];
