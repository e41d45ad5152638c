import type { Clock } from '../../clock/clock';
import type { DeviceDefinition } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { askPlainly, otherProtocol, speaksOtherProtocol } from '../wire';
import { type LockState, readLockState } from './lock-state';

export interface DiagnosisOptions {
  definition: DeviceDefinition;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** Errors that may mean that something else than an ISAPI device answers. */
const strange: ReadonlySet<string> = new Set([
  'E_NOT_SUPPORTED',
  'E_BAD_PARAMETER',
  'E_DEVICE_ERROR',
  'E_DEVICE_PROTOCOL',
  'E_DEVICE_LOGIN',
]);

/** Words of the web pages of these devices; their titles and script names are the same for all brands of the maker. */
const ownPages = /\/doc\/(?:page\/login\.asp|index\.html|ui\/)|webComponents|hikvision|hikmicro|seajs\.config/i;

/**
 * Why a device that was asked who it is did not tell, so that a person can mend it: a wrong password, a locked account, a
 * user without rights, TLS, a device that is none of this kind, or one whose ISAPI is switched off.
 */
export async function diagnose(error: AlarmflowError, options: DiagnosisOptions): Promise<AlarmflowError> {
  const { definition, clock, log, signal } = options;
  const { name } = definition;
  if (error.code === 'E_CREDENTIALS_REFUSED') {
    const lock = await readLockState(definition, clock, log, signal);
    if (lock && lock.unlockMs > 0) return accountLocked(name, lock);
    return lock ? withWords(error, lock.words) : error;
  }
  if (error.code === 'E_LOW_PRIVILEGE')
    return userError(
      'E_LOW_PRIVILEGE',
      `The user of "${name}" may log in but has no rights: give it "Remote: Parameters Settings", "Remote: Notify Surveillance Center / Trigger Alarm Output" and "Remote: Live View" on the device`,
      { cause: error },
    );
  if (error.facts?.sub === 'notActivated')
    return userError('E_NOT_ACTIVATED', `"${name}" is not activated: open its page in a browser and set a password`, {
      cause: error,
    });
  const cut = error.code === 'E_DEVICE_OFFLINE' && error.facts?.code === 'ECONNRESET';
  if ((!strange.has(error.code) && !cut) || error.facts?.http === 503) return error;
  if (await speaksOtherProtocol(options)) return otherProtocol(definition, error);
  if (cut) return error;
  return (await isOwnPage(options))
    ? userError(
        'E_ISAPI_OFF',
        `"${name}" is a device of this kind, but its ISAPI does not answer (${error.message}). Switch ISAPI on in the device's network settings (Integration Protocol), or update its firmware`,
        { cause: error },
      )
    : userError(
        'E_NOT_ISAPI',
        `What answers at ${definition.host}:${definition.port} is no Hikvision or HIKMICRO device with ISAPI (${error.message}). Check address, port and the kind of device`,
        { cause: error },
      );
}

/** Whether the web page is that of such a device; asked without a login. */
async function isOwnPage({ definition, clock, log, signal }: DiagnosisOptions): Promise<boolean> {
  for (const path of ['/', '/doc/page/login.asp']) {
    try {
      const { status, headers, body } = await askPlainly(definition, path, clock, signal);
      const place = [headers.location ?? '', headers.server ?? '', headers['www-authenticate'] ?? ''].join(' ');
      if (ownPages.test(place) || (status === 200 && ownPages.test(body.toString('latin1')))) return true;
    } catch (thrown) {
      log.debug('hikvision.page-not-read', { path, reason: asAlarmflowError(thrown).message });
    }
  }
  return false;
}

function accountLocked(name: string, lock: LockState): AlarmflowError {
  const minutes = Math.max(1, Math.ceil(lock.unlockMs / 60_000));
  return operationalError(
    'E_ACCOUNT_LOCKED',
    `"${name}" has locked the account for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} more. Wait, or restart the device; then check user and password here`,
    { retryAfterMs: lock.unlockMs, facts: { minutes } },
  );
}

const withWords = (error: AlarmflowError, words: string): AlarmflowError =>
  operationalError(error.code, `${error.message} ${words}`, {
    cause: error,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.facts ? { facts: error.facts } : {}),
  });
