/** A mail server as its config node defines it; nodes know it as `MailServerDefinition`. */
export interface MailServer {
  id: string;
  name: string;
  host: string;
  port: number;
  /** `none`: in clear; `starttls`: required, never silently left out; `tls`: from the first byte. */
  security: 'none' | 'starttls' | 'tls';
  allowSelfSigned: boolean;
  /** null: anonymous. */
  credentials: { user: string; password: string } | null;
  /** Sender: an address, or a name and an address in angle brackets. */
  from: string;
}
