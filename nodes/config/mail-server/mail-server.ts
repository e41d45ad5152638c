import { HEALTH_MINUTES, type MailServerDefinition, mailGrants } from '../../../engine/index';
import { jsonRoute } from '../../shared/admin-routes';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { bodyOf, DIALOG_REMEDY, readDialog } from '../../shared/dialog-config';
import { Fields, isSender } from '../../shared/fields';
import type { Red } from '../../shared/runtime-api';
import { readCertificates, readFingerprint, readPrivateKey } from '../../shared/tls-fields';
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

const security = ['none', 'starttls', 'tls'] as const;
const logins = ['password', 'token'] as const;

/** What goes into a form and a login as it is. */
function plain(fields: Fields, field: string, label: string, required: boolean): string {
  const value = (fields.secret(field, label, { max: 8_000, required }) ?? '').trim();
  return /^[\x21-\x7e]*$/.test(value) ? value : fields.refuse(label, '•••', 'plain ASCII without blanks');
}

function readTokenUrl(fields: Fields): string {
  const text = fields.text('tokenUrl', 'Token URL', { max: 2_000, required: true });
  const wanted = 'an address like https://login.example.org/token, by https, without user, password and #';
  const url = URL.canParse(text) ? new URL(text) : null;
  // In clear the secret would be anybody's; this machine itself is no way to overhear.
  const isOurs = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  const isSafe = url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isOurs));
  if (url === null || !isSafe || url.username !== '' || url.password !== '' || url.hash !== '')
    return fields.refuse('Token URL', text.includes('@') ? '•••' : text, wanted);
  return url.href;
}

function readToken(fields: Fields): MailServerDefinition['oauth'] {
  const grant = fields.choice('grant', 'Token by', mailGrants);
  const user = fields.secret('user', 'User', { max: 320, required: true }) ?? '';
  const chosen = fields.choice('security', 'Security', security);
  if (chosen === 'none') fields.refuse('Security', chosen, 'TLS or STARTTLS: in clear the token would be anybody’s');
  const common = {
    user,
    tokenUrl: readTokenUrl(fields),
    clientId: fields.text('clientId', 'Client id', { max: 500, required: true }),
    scope: fields.text('scope', 'Scope', { max: 2_000 }),
  };
  if (grant === 'service-account') {
    const privateKey = readPrivateKey(fields, 'privateKey', 'Private key');
    if (privateKey === '') fields.refuse('Private key', '', 'filled in');
    return { ...common, grant, privateKey };
  }
  if (grant === 'client-credentials')
    return { ...common, grant, clientSecret: plain(fields, 'clientSecret', 'Client secret', true) };
  return {
    ...common,
    grant,
    clientSecret: plain(fields, 'clientSecret', 'Client secret', false),
    refreshToken: plain(fields, 'refreshToken', 'Refresh token', true),
  };
}

const mailServer: NodeKind<MailServerDefinition> = {
  type: 'alarmflow-mail-server',
  title: TITLE,
  defaults,
  migrations,
  credentials: {
    user: { type: 'text' },
    password: { type: 'password' },
    clientSecret: { type: 'password' },
    refreshToken: { type: 'password' },
    privateKey: { type: 'password' },
  },
  read(fields) {
    const host = fields.host('host', 'Host');
    const from = fields.text('from', 'Sender', { max: 320, required: true });
    if (!isSender(from)) fields.refuse('Sender', from, 'a mail address like alarm@example.org');
    const health = readHealth(fields);
    const authority = readCertificates(fields, 'authority', 'Own authority');
    const fingerprint = readFingerprint(fields, 'fingerprint', 'Fingerprint');
    const byToken = fields.choice('login', 'Login', logins) === 'token';
    return {
      id: fields.id,
      name: fields.name(host),
      host,
      port: fields.number('port', 'Port', { min: 1, max: 65_535, integer: true }),
      security: fields.choice('security', 'Security', security),
      allowSelfSigned: fields.flag('allowSelfSigned', 'Self-signed'),
      ...(authority === '' ? {} : { authority }),
      ...(fingerprint === '' ? {} : { fingerprint }),
      credentials: byToken ? null : fields.login(),
      ...(byToken ? { oauth: readToken(fields) } : {}),
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
