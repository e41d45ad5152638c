/** How an alarm centre knows us. */
export type AlarmCentreLogin =
  | { kind: 'none' }
  | { kind: 'basic' | 'digest'; user: string; password: string }
  | { kind: 'bearer'; token: string }
  /** A key in a header of its own, such as `X-API-Key`. */
  | { kind: 'header'; name: string; value: string };

/** Which certificate is trusted, and who we are to the centre. */
export interface AlarmCentreTls {
  /** Certificates of the operator's own authority in PEM; empty: those that this machine trusts. */
  authority: string;
  /**
   * SHA-256 of the one certificate that is trusted, as `AA:BB:…`, whoever signed it; empty: the authority decides.
   * For certificates that no authority signed.
   */
  fingerprint: string;
  /** Our own certificate for mutual TLS, with its chain, in PEM; empty: none. */
  certificate: string;
  key: string;
  passphrase: string;
}

export interface StatusRange {
  from: number;
  to: number;
}

/** A receiver of alarms over HTTP (L9), as its config node defines it. */
export interface AlarmCentre {
  id: string;
  name: string;
  /** `http:` or `https:`, with path and query; no user in it. */
  url: string;
  method: 'POST' | 'PUT' | 'PATCH' | 'GET';
  login: AlarmCentreLogin;
  tls: AlarmCentreTls;
  /** Statuses that mean that the alarm is taken. */
  accepted: readonly StatusRange[];
  /** What the answer must hold to mean that; empty: anything. Upper and lower case count. */
  mustHold: string;
  /** What it must not hold, for receivers that answer 200 to everything; empty: anything goes. */
  mustNotHold: string;
  /** 1,000–60,000 for one try. */
  timeoutMs: number;
  /** The form of the signs of life. */
  sign: 'json' | 'isapi';
  /** Milliseconds between two signs of life, within SIGN_SECONDS; absent: none but its dialog's test. */
  signEveryMs?: number;
}

/** One request as it would be sent, for the dialog; secrets are left out. */
export interface NotifyPreview {
  /** Method and address. */
  request: string;
  contentType: string;
  body: string;
}

export const SIGN_SECONDS = { least: 10, most: 3_600 } as const;

/** How the signs of life to a centre fare. */
export interface SignOfLifeState {
  everyMs: number;
  /** The last one, at wall milliseconds; null: none since the start. */
  last: { at: number; ok: boolean; detail: string } | null;
  /** Failures in a row. */
  failures: number;
  /** None are sent while the site makes a dry run. */
  dryRun: boolean;
}

/** 2xx. */
export const usualStatuses: readonly StatusRange[] = [{ from: 200, to: 299 }];

export const centreMethods = ['POST', 'PUT', 'PATCH', 'GET'] as const satisfies readonly AlarmCentre['method'][];
export const centreLogins = [
  'none',
  'basic',
  'digest',
  'bearer',
  'header',
] as const satisfies readonly AlarmCentreLogin['kind'][];
