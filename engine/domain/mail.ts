/** A mail server as its config node defines it; nodes know it as `MailServerDefinition`. */
export interface MailServer {
  id: string;
  name: string;
  host: string;
  port: number;
  /** `none`: in clear; `starttls`: required, never silently left out; `tls`: from the first byte. */
  security: 'none' | 'starttls' | 'tls';
  allowSelfSigned: boolean;
  /** PEM; whom to trust in place of this machine's authorities; absent or '': those. */
  authority?: string;
  /** SHA-256 as `AA:BB:…` of the one certificate that is accepted, whoever signed it; absent or '': any valid one. */
  fingerprint?: string;
  /** null: anonymous, unless `oauth` logs in. */
  credentials: { user: string; password: string } | null;
  /** Logs in with a token in place of a password (XOAUTH2); `credentials` are null then. */
  oauth?: MailOAuth;
  /** Sender: an address, or a name and an address in angle brackets. */
  from: string;
  /** Bytes of a whole mail at most, as it goes over the wire; absent: DEFAULT_MAIL_BYTES. */
  mostBytes?: number;
  /** A mail at regular times that says that the site lives (L4); absent: none. */
  health?: HealthMail;
}

/** How a token for the mailbox `user` is had from `tokenUrl` (RFC 6749). Secrets are '' where there are none. */
export type MailOAuth = {
  user: string;
  tokenUrl: string;
  clientId: string;
  /** '': none is asked for. */
  scope: string;
} & (
  | { grant: 'client-credentials'; clientSecret: string }
  | { grant: 'refresh-token'; clientSecret: string; refreshToken: string }
  /** RFC 7523: an assertion that the key (PEM) signs. */
  | { grant: 'service-account'; privateKey: string }
);

export const mailGrants = ['client-credentials', 'refresh-token', 'service-account'] as const;

/** Servers in the field take from 10 MB (many) to 25 MB (the large providers). */
export const DEFAULT_MAIL_BYTES = 10 * 1024 * 1024;

export interface HealthMail {
  /** Milliseconds from one to the next, 30 min to 24 h. */
  everyMs: number;
  to: string[];
}

/** REQUIREMENTS L4. */
export const HEALTH_MINUTES = { least: 30, most: 1440 };

/** What a health mail tells; made when it falls due and kept with its row, so that a retry says the same. */
export interface HealthReport {
  at: number;
  /** Beginning of the period that `alarms` counts. */
  since: number;
  everyMs: number;
  /** One sentence for each subject that is armed or not, the site first. */
  arming: string[];
  devices: number;
  /** Devices that are not online: name, and why and since when in words. */
  away: { name: string; detail: string }[];
  outputs: number;
  /** Outputs whose state no device has confirmed. */
  unconfirmed: { name: string; detail: string }[];
  /** Actions that failed for good in the period, newest first; `failedCount` counts those that are not listed too. */
  failed: { name: string; detail: string }[];
  failedCount: number;
  /** Actions that wait for their turn or for another try. */
  waiting: number;
  /** Bytes; null where they cannot be told. */
  disk: { free: number; total: number } | null;
  /** Alarms of the period by type, the most frequent first. */
  alarms: { type: string; count: number; last: { at: number; deviceName: string } }[];
  /** Alarms that are live now. */
  live: number;
  /** What could not be told, in words. */
  problems: string[];
}

/** Links with which a mail's reader answers an alarm, without logging in. */
export interface AlarmLinks {
  acknowledge: string;
  snooze: string;
  falseAlarm: string;
}

/** A mail as a dialog shows it before anything is sent. */
export interface MailPreview {
  subject: string;
  text: string;
  html: string;
  /** Which alarm it was made with, in words. */
  alarm: string;
}
