/** The part of the package that the engine uses; it ships no types of its own. */
declare module 'ssh2-sftp-client' {
  interface Attributes {
    size: number;
    isDirectory(): boolean;
  }
  interface DiskSpace {
    f_bsize: number;
    f_frsize: number;
    f_bavail: number;
  }
  type Done<T> = (error: Error | null | undefined, value: T) => void;
  /** ssh2's own SFTP session; its errors carry the status of the protocol as `code`. */
  export interface SftpSession {
    stat(path: string, done: Done<Attributes>): void;
    mkdir(path: string, done: Done<unknown>): void;
    rename(from: string, to: string, done: Done<unknown>): void;
    unlink(path: string, done: Done<unknown>): void;
    open(path: string, flags: string, done: Done<Buffer>): void;
    close(handle: Buffer, done: Done<unknown>): void;
    write(handle: Buffer, data: Buffer, offset: number, length: number, position: number, done: Done<unknown>): void;
    /** Tells the number of bytes; 0 at the end of the file. */
    read(handle: Buffer, into: Buffer, offset: number, length: number, position: number, done: Done<number>): void;
    ext_openssh_statvfs(path: string, done: Done<DiskSpace>): void;
  }
  interface ConnectOptions {
    sock: import('node:net').Socket;
    username: string;
    password?: string;
    privateKey?: string;
    passphrase?: string;
    authHandler: string[];
    tryKeyboard: boolean;
    readyTimeout: number;
    hostVerifier(key: Buffer): boolean;
  }
  class SftpClient {
    constructor(name: string, callbacks: { error(error: Error): void; end(): void; close(): void });
    connect(options: ConnectOptions): Promise<SftpSession>;
    on(event: 'error', listener: (error: Error) => void): void;
    on(
      event: 'keyboard-interactive',
      listener: (
        name: string,
        instructions: string,
        language: string,
        prompts: { prompt: string; echo?: boolean }[],
        finish: (answers: string[]) => void,
      ) => void,
    ): void;
    on(event: 'change password', listener: (prompt: string) => void): void;
  }
  export default SftpClient;
}
