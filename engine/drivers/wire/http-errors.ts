import { AlarmflowError, operationalError, userError } from '../../domain/errors';

const CERTIFICATE = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection was cut',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'the name server does not answer',
  ETIMEDOUT: 'no answer came',
};

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';

/** What went wrong on a connection, in words for the operator. `device` is `host:port`. */
export function connectionError(device: string, thrown: unknown): AlarmflowError {
  if (thrown instanceof AlarmflowError) return thrown;
  const code = codeOf(thrown);
  const details = { cause: thrown, facts: { device, code } };
  if (CERTIFICATE.has(code))
    return userError(
      'E_DEVICE_TLS',
      `The certificate of device ${device} is not trusted (${code}): allow self-signed certificates in its dialog, or install one on it that is signed, valid and made out to this address.`,
      details,
    );
  if (code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS'))
    return userError(
      'E_DEVICE_TLS',
      `No secure connection with device ${device} came about (${code}): check that its port is the one for HTTPS and that its firmware speaks a current TLS version.`,
      details,
    );
  if (code.startsWith('HPE_'))
    return operationalError(
      'E_DEVICE_PROTOCOL',
      `Device ${device} does not answer in HTTP (${code}): check port and protocol (HTTP or HTTPS) in its dialog.`,
      details,
    );
  return operationalError(
    'E_DEVICE_OFFLINE',
    `Device ${device} can't be reached: ${REASONS[code] ?? (code || 'the connection failed')}. Check its power, network and address.`,
    details,
  );
}

export const timeoutError = (device: string, what: 'connect' | 'answer', ms: number): AlarmflowError =>
  operationalError(
    'E_DEVICE_TIMEOUT',
    what === 'connect'
      ? `Device ${device} did not accept a connection within ${ms} ms. Check its power, network and address.`
      : `Device ${device} did not answer within ${ms} ms. It may be overloaded: check how many clients use it.`,
    { facts: { device, ms } },
  );

/** The reason of an abort: an AlarmflowError as it is, anything else (a plain `abort()`) as one. */
export const abortError = (device: string, signal: AbortSignal): AlarmflowError =>
  signal.reason instanceof AlarmflowError
    ? signal.reason
    : operationalError('E_ABORTED', `The request to device ${device} was given up by its caller.`, {
        cause: signal.reason,
        facts: { device },
      });
