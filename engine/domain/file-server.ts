/** Where files are uploaded to, as its config node defines it. */

export const fileProtocols = ['sftp', 'ftp', 'ftps', 'ftps-implicit', 'folder'] as const;
export type FileProtocol = (typeof fileProtocols)[number];

interface AnyFileServer {
  id: string;
  name: string;
  /** Directory below which everything is written; empty: where the login leads. A folder's is absolute. */
  root: string;
}

export interface SftpServer extends AnyFileServer {
  protocol: 'sftp';
  host: string;
  port: number;
  /** Pinned fingerprint of its host key, `SHA256:…` as `ssh-keygen -l` shows it; empty: none yet, so all is refused. */
  hostKey: string;
  /** `password`, `privateKey` (PEM or OpenSSH, with its passphrase where it has one) or both; null: none. */
  credentials: { user: string; password: string | null; privateKey: string | null; passphrase: string | null } | null;
}

export interface FtpServer extends AnyFileServer {
  /** `ftps`: TLS is asked for before the login (RFC 4217); `ftps-implicit`: the connection begins with it. */
  protocol: 'ftp' | 'ftps' | 'ftps-implicit';
  host: string;
  port: number;
  /** Certificates in PEM that vouch for the server's, instead of those of the system; empty: those of the system. */
  authority: string;
  /** SHA-256 of the only certificate that is taken, 64 hexadecimal digits in pairs with colons; empty: none is pinned. */
  certificate: string;
  /**
   * Where the files themselves go in passive mode: to the host that was logged in to, whatever address the server
   * tells (behind NAT it tells its inner one), or to the address that it tells.
   */
  dataHost: 'same' | 'told';
  /** null: anonymous. */
  credentials: { user: string; password: string | null } | null;
}

/** A folder of this machine, or the place where a NAS is mounted. */
export interface FolderServer extends AnyFileServer {
  protocol: 'folder';
  /**
   * How is known that what should be mounted there is: something is mounted at the folder or above it, a marker file
   * lies in it, or nothing is asked, because it is a folder of this machine.
   */
  presence: 'mount' | 'marker' | 'none';
  /** Name of the marker file. */
  marker: string;
}

export type FileServer = SftpServer | FtpServer | FolderServer;

/** Name of the marker file where none is chosen. */
export const DEFAULT_MARKER = '.alarmflow-target';
