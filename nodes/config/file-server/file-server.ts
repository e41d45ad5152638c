import type { FileServerDefinition } from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { testRoute } from '../../shared/dialog-config';
import type { Fields } from '../../shared/fields';
import { defaults, migrations } from './migrations';

/** Also within a line that ssh-keygen prints. */
const fingerprint = /(?:^|\s)(SHA256:[A-Za-z0-9+/]{43})=?(?:\s|$)/;

function readHostKey(fields: Fields): string {
  const text = fields.text('hostKey', 'Host key', { max: 500 });
  if (text === '') return '';
  return fingerprint.exec(text)?.[1] ?? fields.refuse('Host key', text, 'empty or a fingerprint like SHA256:…');
}

function readRoot(fields: Fields): string {
  const root = fields.text('root', 'Directory', { max: 500 });
  if (/\p{Cc}/u.test(root) || root.split('/').includes('..'))
    fields.refuse('Directory', root, 'empty or a directory without .. and control characters');
  return root;
}

function readLogin(fields: Fields): FileServerDefinition['credentials'] {
  const user = fields.secret('user', 'User', { max: 200 });
  const password = fields.secret('password', 'Password', { max: 1_000 });
  const privateKey = fields.secret('privateKey', 'Private key', { max: 20_000 });
  if (user === null) {
    // A server is set up step by step; its uploads say what is missing.
    if (password !== null || privateKey !== null) fields.refuse('User', '', 'filled in');
    return null;
  }
  // A browser may have changed the line ends.
  const key = privateKey === null ? null : `${privateKey.replace(/\r\n?/g, '\n').trim()}\n`;
  const passphrase = fields.secret('passphrase', 'Passphrase', { max: 1_000 });
  return { user, password, privateKey: key, passphrase };
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
  read(fields) {
    const host = fields.host('host', 'Host');
    return {
      id: fields.id,
      name: fields.name(host),
      host,
      port: fields.number('port', 'Port', { min: 1, max: 65_535, integer: true }),
      root: readRoot(fields),
      hostKey: readHostKey(fields),
      credentials: readLogin(fields),
    };
  },
  start: (definition, site) => site.engine.defineFileServer(definition),
  register: (red) =>
    testRoute(red, '/alarmflow/file-servers/test', fileServer, (engine, definition) =>
      engine.testFileServer(definition),
    ),
};

export default defineNode(fileServer);
