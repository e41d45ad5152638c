/** A small FTP server over a folder, whose answers a test may replace: for faults that no real server has on demand. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join, posix } from 'node:path';

export interface RudeFtp {
  port: number;
  /** Every command that came, passwords included. */
  heard: string[];
  /** Replaces answers: a line to send instead, `close` to break off, null for the usual. */
  answer: (command: string, verb: string) => string | null;
  /** Address that PASV tells; the data port is always on 127.0.0.1. */
  told: string;
  /** Lines of a directory: none, as IIS writes them, or as Unix does, without what begins with a dot. */
  listing: 'none' | 'windows' | 'unix';
  close(): Promise<void>;
}

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
};

export async function startRudeFtp(
  folder: string,
  options: Partial<Pick<RudeFtp, 'answer' | 'told' | 'listing'>> = {},
): Promise<RudeFtp> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const passives: Server[] = [];

  const server = createServer((control) => {
    keep(control);
    let directory = '/';
    let renaming = '';
    let start = 0;
    let data: Promise<Socket> = Promise.reject(new Error('no data connection'));
    data.catch(() => undefined);
    const say = (line: string): void => void control.write(`${line}\r\n`);
    const at = (name: string): string => join(folder, posix.resolve(directory, name));

    async function passive(): Promise<number> {
      let came = (_socket: Socket): void => undefined;
      data = new Promise((done) => {
        came = done;
      });
      const door = createServer((socket) => {
        keep(socket);
        // Bytes may come before the command that says what they are.
        socket.pause();
        came(socket);
      });
      passives.push(door);
      return listen(door);
    }

    async function take(path: string, append: boolean): Promise<void> {
      const socket = await data;
      say('150 go on');
      if (!append) writeFileSync(path, '');
      for await (const chunk of socket) appendFileSync(path, chunk as Buffer);
      say('226 done');
    }

    function listed(path: string): string {
      if (rude.listing === 'none') return '';
      return readdirSync(path)
        .filter((name) => rude.listing === 'windows' || !name.startsWith('.'))
        .map((name) => {
          const { size } = statSync(join(path, name));
          return rude.listing === 'windows'
            ? `11-21-26  05:15PM ${String(size).padStart(20)} ${name}\r\n`
            : `-rw-r--r--   1 ftp      ftp      ${String(size).padStart(12)} Nov 21 17:15 ${name}\r\n`;
        })
        .join('');
    }

    async function usual(verb: string, rest: string): Promise<void> {
      const path = at(rest);
      if (verb === 'USER') return say('331 password?');
      if (verb === 'PASS') return say('230 in');
      if (verb === 'FEAT') return say('211 none');
      if (verb === 'PWD') return say(`257 "${directory}"`);
      if (['TYPE', 'STRU', 'OPTS', 'PBSZ', 'PROT', 'QUIT'].includes(verb)) return say('200 fine');
      if (verb === 'CWD') {
        if (!existsSync(path) || !statSync(path).isDirectory()) return say('550 no such directory');
        directory = posix.resolve(directory, rest);
        return say('250 there');
      }
      if (verb === 'MKD') {
        if (existsSync(path)) return say('550 exists');
        mkdirSync(path);
        return say(`257 "${rest}"`);
      }
      if (verb === 'SIZE') return say(existsSync(path) ? `213 ${statSync(path).size}` : '550 no such file');
      if (verb === 'EPSV') return say(`229 (|||${await passive()}|)`);
      if (verb === 'PASV') {
        const port = await passive();
        return say(`227 (${rude.told.replaceAll('.', ',')},${port >> 8},${port & 255})`);
      }
      if (verb === 'REST') {
        start = Number(rest);
        return say('350 from there');
      }
      if (verb === 'STOR' || verb === 'APPE') return take(path, verb === 'APPE');
      if (verb === 'RETR') {
        const socket = await data;
        say('150 here');
        socket.end(readFileSync(path).subarray(start));
        start = 0;
        return say('226 done');
      }
      if (verb === 'LIST') {
        const socket = await data;
        say('150 here');
        socket.end(listed(at('.')));
        return say('226 done');
      }
      if (verb === 'RNFR') {
        renaming = path;
        return say('350 to?');
      }
      if (verb === 'RNTO') {
        renameSync(renaming, path);
        return say('250 renamed');
      }
      if (verb === 'DELE') {
        if (!existsSync(path)) return say('550 no such file');
        rmSync(path);
        return say('250 gone');
      }
      return say('502 not here');
    }

    async function hear(line: string): Promise<void> {
      rude.heard.push(line);
      const [verb = '', ...rest] = line.split(' ');
      const special = rude.answer(line, verb.toUpperCase());
      if (special === 'close') return void control.destroy();
      if (special !== null) return special === '' ? undefined : say(special);
      await usual(verb.toUpperCase(), rest.join(' '));
    }

    let rest = '';
    let turn = Promise.resolve();
    const greeting = rude.answer('', '');
    if (greeting === 'close') return void control.destroy();
    if (greeting !== '') say(greeting ?? '220 welcome');
    control.on('data', (chunk) => {
      const lines = (rest + chunk.toString()).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        turn = turn.then(() => hear(line)).catch((thrown: unknown) => void control.destroy(thrown as Error));
    });
  });

  const rude: RudeFtp = {
    port: 0,
    heard: [],
    answer: options.answer ?? (() => null),
    told: options.told ?? '127.0.0.1',
    listing: options.listing ?? 'none',
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([server, ...passives].map((one) => new Promise<void>((done) => one.close(() => done()))));
    },
  };
  rude.port = await listen(server);
  return rude;
}
