import { HEALTH_MINUTES, type MailServerDefinition } from '../../../engine/index';
import { jsonRoute } from '../../shared/admin-routes';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { bodyOf, DIALOG_REMEDY, readDialog } from '../../shared/dialog-config';
import { Fields, isSender } from '../../shared/fields';
import type { Red } from '../../shared/runtime-api';
import { defaults, migrations } from './migrations';

const TITLE = 'Mail server';
const MEGABYTE = 1024 * 1024;
const MOST_MEGABYTES = 100;
const MAX_RECEIVERS = 50;

/** 0 is none; else REQUIREMENTS L4 has the bounds. */
function readHealth(fields: Fields): MailServerDefinition['health'] {
  const minutes = fields.number('healthEvery', 'Health mail', {
    min: 0,
    max: HEALTH_MINUTES.most,
    unit: 'minutes',
    integer: true,
  });
  if (minutes === 0) return undefined;
  if (minutes < HEALTH_MINUTES.least)
    fields.refuse(
      'Health mail',
      minutes,
      `0 for none, or from ${HEALTH_MINUTES.least} to ${HEALTH_MINUTES.most} minutes`,
    );
  return { everyMs: minutes * 60_000, to: fields.mailAddresses('healthTo', 'Health mail to', MAX_RECEIVERS) };
}

const mailServer: NodeKind<MailServerDefinition> = {
  type: 'alarmflow-mail-server',
  title: TITLE,
  defaults,
  migrations,
  credentials: { user: { type: 'text' }, password: { type: 'password' } },
  read(fields) {
    const host = fields.host('host', 'Host');
    const from = fields.text('from', 'Sender', { max: 320, required: true });
    if (!isSender(from)) fields.refuse('Sender', from, 'a mail address like alarm@example.org');
    const health = readHealth(fields);
    return {
      id: fields.id,
      name: fields.name(host),
      host,
      port: fields.number('port', 'Port', { min: 1, max: 65_535, integer: true }),
      security: fields.choice('security', 'Security', ['none', 'starttls', 'tls'] as const),
      allowSelfSigned: fields.flag('allowSelfSigned', 'Self-signed'),
      credentials: fields.login(),
      from,
      mostBytes:
        fields.number('largest', 'Largest mail', { min: 1, max: MOST_MEGABYTES, unit: 'megabytes' }) * MEGABYTE,
      ...(health ? { health } : {}),
    };
  },
  start: (definition, site) => site.engine.defineMailServer(definition),
  register: (red) => registerRoute(red),
};

function registerRoute(red: Red): void {
  red.httpAdmin.post(
    '/alarmflow/mail-servers/test',
    red.auth.needsPermission('devices.write'),
    jsonRoute(red, (engine, request) => {
      const { to, ...sent } = bodyOf(request);
      const receiver = new Fields({ to }, TITLE, () => null, {}, DIALOG_REMEDY).mailAddresses('to', 'Send to', 1)[0]!;
      return engine.testMailServer(readDialog(red, mailServer, sent), receiver);
    }),
  );
}

export default defineNode(mailServer);
