import { createPrivateKey } from 'node:crypto';
import {
  type AlarmCentreDefinition,
  centreLogins,
  centreMethods,
  SIGN_SECONDS,
  type SignOfLifeState,
  type StatusRange,
} from '../../../engine/index';
import { jsonRoute } from '../../shared/admin-routes';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { testRoute } from '../../shared/dialog-config';
import type { Fields } from '../../shared/fields';
import { readCertificates, readFingerprint, readPrivateKey } from '../../shared/tls-fields';
import { defaults, migrations } from './migrations';

function readUrl(fields: Fields): string {
  const text = fields.text('url', 'Address', { max: 2_000, required: true });
  const wanted = 'an address like https://centre.example.org/alarms, without user, password and #';
  if (!URL.canParse(text)) return fields.refuse('Address', text, wanted);
  const url = new URL(text);
  const right = /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.hash === '';
  // What stands in it may be a password.
  return right ? url.href : fields.refuse('Address', text.includes('@') ? '•••' : text, wanted);
}

function readLogin(fields: Fields): AlarmCentreDefinition['login'] {
  const kind = fields.choice('login', 'Login', centreLogins);
  const secret = (field: string, label: string): string =>
    fields.secret(field, label, { max: 4_000, required: true }) ?? '';
  switch (kind) {
    case 'none':
      return { kind };
    case 'basic':
    case 'digest':
      return { kind, user: secret('user', 'User'), password: secret('password', 'Password') };
    case 'bearer':
      return { kind, token: plain(fields, 'token', 'Token') };
    default:
      return { kind, name: readHeader(fields), value: plain(fields, 'apiKey', 'Key') };
  }
}

/** A secret that goes into a header as it is. */
function plain(fields: Fields, field: string, label: string): string {
  const value = (fields.secret(field, label, { max: 8_000, required: true }) ?? '').trim();
  return /^[\x21-\x7e][\x20-\x7e]*$/.test(value)
    ? value
    : fields.refuse(label, '•••', 'plain ASCII without line breaks');
}

/** Headers that make the request what it is. */
const ownHeaders =
  /^(?:host|content-.*|transfer-encoding|connection|expect|te|trailer|upgrade|idempotency-key|accept-encoding)$/i;

function readHeader(fields: Fields): string {
  const name = fields.text('header', 'Header', { max: 100, required: true });
  return /^[A-Za-z][A-Za-z0-9-]*$/.test(name) && !ownHeaders.test(name)
    ? name
    : fields.refuse('Header', name, 'the name of a header of its own, like X-API-Key');
}

function readAccepted(fields: Fields): StatusRange[] {
  return fields.list('accepted', 'Taken by', { max: 20, entryLength: 10, required: true }).map((entry) => {
    const match = /^(\d{3})(?:\s*-\s*(\d{3}))?$/.exec(entry);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    // What asks for a login or leads elsewhere takes no alarm.
    const right = match !== null && from >= 200 && to <= 599 && from <= to && !(from <= 401 && to >= 401);
    return right ? { from, to } : fields.refuse('Taken by', entry, 'statuses like 200-299 or 200, 202, but not 401');
  });
}

function readTls(fields: Fields): AlarmCentreDefinition['tls'] {
  const certificate = readCertificates(fields, 'certificate', 'Own certificate');
  const key = readPrivateKey(fields, 'key', 'Private key');
  const passphrase = fields.secret('passphrase', 'Passphrase', { max: 1_000 }) ?? '';
  if ((certificate === '') !== (key === ''))
    fields.refuse(
      certificate === '' ? 'Own certificate' : 'Private key',
      '',
      'filled in: certificate and key go together',
    );
  if (key !== '') {
    try {
      createPrivateKey({ key, format: 'pem', ...(passphrase === '' ? {} : { passphrase }) });
    } catch {
      // OpenSSL's reasons could quote the key's own bytes; the refusal names the remedy.
      fields.refuse('Private key', '•••', 'a private key that the passphrase opens');
    }
  }
  return {
    authority: readCertificates(fields, 'authority', 'Own authority'),
    fingerprint: readFingerprint(fields, 'fingerprint', 'Fingerprint'),
    certificate,
    key,
    passphrase,
  };
}

/** Milliseconds; 0: none. */
function readSignEvery(fields: Fields): number {
  const { least, most } = SIGN_SECONDS;
  const seconds = fields.number('signEvery', 'Sent every', {
    min: 0,
    max: most,
    unit: 'seconds',
    integer: true,
  });
  if (seconds > 0 && seconds < least)
    fields.refuse('Sent every', seconds, `0 for none, or from ${least} to ${most} seconds`);
  return seconds * 1_000;
}

/** What the dialog shows; the browser knows how its user writes times. */
function signWords(state: SignOfLifeState | null): { at: number | null; text: string } {
  if (state === null) return { at: null, text: '' };
  if (state.dryRun) return { at: null, text: 'The site makes a dry run: none are sent' };
  const { last, failures } = state;
  if (last === null) return { at: null, text: 'None since the start' };
  return { at: last.at, text: last.ok ? last.detail : `failure ${failures} in a row: ${last.detail}` };
}

const alarmCentre: NodeKind<AlarmCentreDefinition> = {
  type: 'alarmflow-alarm-centre',
  title: 'Alarm centre',
  defaults,
  migrations,
  credentials: {
    user: { type: 'text' },
    password: { type: 'password' },
    token: { type: 'password' },
    apiKey: { type: 'password' },
    key: { type: 'password' },
    passphrase: { type: 'password' },
  },
  read(fields) {
    const signEveryMs = readSignEvery(fields);
    const url = readUrl(fields);
    return {
      id: fields.id,
      name: fields.name(new URL(url).host),
      url,
      method: fields.choice('method', 'Method', centreMethods),
      login: readLogin(fields),
      tls: readTls(fields),
      accepted: readAccepted(fields),
      mustHold: fields.text('mustHold', 'Answer must hold', { max: 200 }),
      mustNotHold: fields.text('mustNotHold', 'Answer must not hold', { max: 200 }),
      timeoutMs: fields.seconds('timeout', 'Time for an answer', 1, 60),
      sign: fields.choice('sign', 'Sign of life', ['json', 'isapi'] as const),
      ...(signEveryMs > 0 ? { signEveryMs } : {}),
    };
  },
  start: (definition, site) => site.engine.defineAlarmCentre(definition),
  register(red) {
    testRoute(red, '/alarmflow/alarm-centres/test', alarmCentre, (engine, definition) =>
      engine.testAlarmCentre(definition),
    );
    red.httpAdmin.get(
      '/alarmflow/alarm-centres/:id/sign',
      red.auth.needsPermission('devices.read'),
      jsonRoute(red, async (engine, { params }) => signWords(await engine.signOfLife(params.id ?? ''))),
    );
  },
};

export default defineNode(alarmCentre);
