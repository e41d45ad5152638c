/** An SFTP server as its config node defines it. */
export interface FileServer {
  id: string;
  name: string;
  host: string;
  port: number;
  /** Directory below which everything is written; empty: where the login leads. */
  root: string;
  /** Pinned fingerprint of its host key, `SHA256:…` as `ssh-keygen -l` shows it; empty: none yet, so all is refused. */
  hostKey: string;
  /** `password`, `privateKey` (PEM or OpenSSH, with its passphrase where it has one) or both; null: none. */
  credentials: { user: string; password: string | null; privateKey: string | null; passphrase: string | null } | null;
}
