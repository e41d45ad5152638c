import type { AlarmPhase } from '../../../engine/index';
import { actionPhases } from '../../shared/action-node';
import { jsonRoute } from '../../shared/admin-routes';
import { subjectOf } from '../../shared/define-node';
import { bodyOf, DIALOG_REMEDY } from '../../shared/dialog-config';
import { Fields } from '../../shared/fields';
import type { Red } from '../../shared/runtime-api';
import { defaults } from './migrations';

const MOST_TRIGGERS = 256;

/**
 * The route behind the preview of the dialog: the mail as it is filled in now. Who gets it and by which server need not
 * be chosen yet.
 */
export function registerPreview(
  red: Red,
  title: string,
  readContent: (fields: Fields) => Record<string, unknown>,
): void {
  red.httpAdmin.post(
    '/alarmflow/nodes/alarmflow-email/preview',
    red.auth.needsPermission('devices.write'),
    jsonRoute(red, async (engine, request) => {
      const sent = bodyOf(request);
      const nodeId = typeof sent.id === 'string' && /^[\w.-]{1,64}$/.test(sent.id) ? sent.id : 'new';
      const config = { ...defaults, ...sent, id: nodeId };
      const fields = new Fields(config, subjectOf(title, config), () => null, {}, DIALOG_REMEDY);
      return engine.previewMail({
        nodeId,
        nodeName: fields.name(title),
        phase: fields.choice<AlarmPhase>('phase', 'Preview', actionPhases),
        triggerIds: fields.list('triggers', 'Triggers', { max: MOST_TRIGGERS, entryLength: 64 }),
        params: {
          serverId: 'preview',
          to: ['preview@example.org'],
          phases: actionPhases,
          ...readContent(fields),
          snapshotDeviceId: null,
          snapshotChannel: null,
        },
      });
    }),
  );
}
