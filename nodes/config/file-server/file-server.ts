import { type FileServerDefinition, fileProtocols } from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { testRoute } from '../../shared/dialog-config';
import type { Fields } from '../../shared/fields';
import { readCertificates, readFingerprint } from '../../shared/tls-fields';
import { defaults, migrations } from './migrations';

/** Also within a line that ssh-keygen prints. */
const fingerprint = /(?:^|\s)(SHA256:[A-Za-z0-9+/]{43})=?(?:\s|$)/;
function readHostKey(fields: Fields): string {
  const text = fields.text('hostKey', 'Host key', { max: 500 });
  if (text === '') return '';
  return fingerprint.exec(text)?.[1] ?? fields.refuse('Host key', text, 'empty or a fingerprint like SHA256:…');
}

function readRoot(fields: Fields, absolute: boolean): string {
  const root = fields.text('root', 'Directory', { max: 500, required: absolute });
  if (/\p{Cc}/u.test(root) || root.split('/').includes('..'))
    fields.refuse('Directory', root, 'empty or a directory without .. and control characters');
  if (absolute && !root.startsWith('/')) fields.refuse('Directory', root, 'a whole path like /mnt/nas/alarms');
  return root;
}

function readMarker(fields: Fields): string {
  const marker = fields.text('marker', 'Marker file', { max: 100, required: true });
  if (/[\p{Cc}/\\]/u.test(marker) || marker === '.' || marker === '..')
    fields.refuse('Marker file', marker, 'the name of a file, without directories');
  return marker;
}

function readUser(fields: Fields): { user: string; password: string | null } | null {
  const user = fields.secret('user', 'User', { max: 200 });
  const password = fields.secret('password', 'Password', { max: 1_000 });
  if (user !== null) return { user, password };
  // A server is set up step by step; its uploads say what is missing.
  if (password !== null) fields.refuse('User', '', 'filled in');
  return null;
}

function readSshLogin(fields: Fields): Extract<FileServerDefinition, { protocol: 'sftp' }>['credentials'] {
  const login = readUser(fields);
  const privateKey = fields.secret('privateKey', 'Private key', { max: 20_000 });
  if (login === null) {
    if (privateKey !== null) fields.refuse('User', '', 'filled in');
    return null;
  }
  // A browser may have changed the line ends.
  const key = privateKey === null ? null : `${privateKey.replace(/\r\n?/g, '\n').trim()}\n`;
  const passphrase = fields.secret('passphrase', 'Passphrase', { max: 1_000 });
  return { ...login, privateKey: key, passphrase };
}

function readServer(fields: Fields): FileServerDefinition {
  const protocol = fields.choice('protocol', 'Protocol', fileProtocols);
  if (protocol === 'folder') {
    const root = readRoot(fields, true);
    return {
      id: fields.id,
      protocol,
      name: fields.name(root),
      root,
      presence: fields.choice('presence', 'Is there when', ['mount', 'marker', 'none'] as const),
      marker: readMarker(fields),
    };
  }
  const host = fields.host('host', 'Host');
  const common = {
    id: fields.id,
    name: fields.name(host),
    host,
    port: fields.number('port', 'Port', { min: 1, max: 65_535, integer: true }),
    root: readRoot(fields, false),
  };
  if (protocol === 'sftp')
    return { ...common, protocol, hostKey: readHostKey(fields), credentials: readSshLogin(fields) };
  return {
    ...common,
    protocol,
    certificate: readFingerprint(fields, 'certificate', 'Certificate'),
    authority: readCertificates(fields, 'authority', 'Own authority'),
    dataHost: fields.choice('dataHost', 'Files go to', ['same', 'told'] as const),
    credentials: readUser(fields),
  };
}

const fileServer: NodeKind<FileServerDefinition> = {
  type: 'alarmflow-file-server',
  title: 'File server',
  defaults,
  migrations,
  credentials: {
    user: { type: 'text' },
    password: { type: 'password' },
    privateKey: { type: 'password' },
    passphrase: { type: 'password' },
  },
  read: readServer,
  start: (definition, site) => site.engine.defineFileServer(definition),
  register: (red) =>
    testRoute(red, '/alarmflow/file-servers/test', fileServer, (engine, definition) =>
      engine.testFileServer(definition),
    ),
};

export default defineNode(fileServer);
