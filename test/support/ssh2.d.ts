/** The part of the package that tests use for a server that misbehaves; it ships no types of its own. */
declare module 'ssh2' {
  export interface AuthContext {
    method: string;
    username: string;
    password?: string;
    accept(): void;
    reject(methods?: string[]): void;
    prompt(prompts: { prompt: string; echo: boolean }[], done: (answers: string[]) => void): void;
  }
  interface ServerConnection {
    on(event: 'authentication', listener: (context: AuthContext) => void): this;
    on(event: 'error' | 'close' | 'ready', listener: () => void): this;
    end(): void;
  }
  interface ServerListener {
    listen(port: number, host: string, done: () => void): void;
    address(): { port: number };
    close(done: () => void): void;
  }
  const ssh2: {
    Server: new (
      options: { hostKeys: string[] },
      onConnection: (connection: ServerConnection) => void,
    ) => ServerListener;
    utils: { generateKeyPairSync(kind: 'ed25519'): { private: string; public: string } };
  };
  export default ssh2;
}
