import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Clock, Timer } from '../../clock/clock';
import { type AlarmflowError, operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { backoff } from '../wire/backoff';
import { agentAddressIn } from './agent-address';
import { plainAddress, type Sources } from './sources';

export interface Sender {
  address: string;
  port: number;
}

/** One device that receives on a port. */
export interface PortUser {
  sources: Sources;
  /** A datagram that may be its own; the reason where it is not taken, else null. */
  take(bytes: Buffer, from: Sender, reply: (bytes: Buffer) => void): string | null;
  /** A datagram that nobody has taken. */
  refused(from: Sender, reason: string): void;
  onOpen(): void;
  onFailed(error: AlarmflowError): void;
}

interface TrapPort {
  users: Set<PortUser>;
  close(): void;
  isOpen(): boolean;
}

const byClock = new WeakMap<Clock, Map<string, TrapPort>>();

/** A datagram of more is no notification of ours (RFC 3417 §3 asks for 484 at least). */
const MOST_BYTES = 65_507;

/**
 * Receives on a UDP port, which devices share: a datagram goes to those whose list has its sender, else to those whose
 * list has the device that a proxy speaks for, else to those that take any. Opens the port again when it is lost.
 *
 * @returns the call that gives it back, harmless twice
 */
export function shareTrapPort(address: string, port: number, user: PortUser, clock: Clock, log: Log): () => void {
  const ports = byClock.get(clock) ?? new Map<string, TrapPort>();
  byClock.set(clock, ports);
  const key = `${address} ${port}`;
  const shared = ports.get(key) ?? openTrapPort(address, port, clock, log);
  ports.set(key, shared);
  shared.users.add(user);
  if (shared.isOpen()) queueMicrotask(() => user.onOpen());
  return () => {
    if (!shared.users.delete(user) || shared.users.size > 0) return;
    if (ports.get(key) === shared) ports.delete(key);
    shared.close();
  };
}

function openTrapPort(address: string, port: number, clock: Clock, log: Log): TrapPort {
  const users = new Set<PortUser>();
  let socket: Socket | null = null;
  let timer: Timer | null = null;
  let open = false;
  let closed = false;
  let failures = 0;
  /** A machine without IPv6 has no socket for both. */
  let both = address === '';

  function failed(error: NodeJS.ErrnoException): void {
    socket?.close();
    socket = null;
    open = false;
    if (closed) return;
    if (both && (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL')) {
      both = false;
      bind();
      return;
    }
    const reason = portError(address, port, error);
    for (const user of users) user.onFailed(reason);
    timer = clock.after(backoff(failures++), bind, { background: true });
  }

  function bind(): void {
    const type = both || address.includes(':') ? 'udp6' : 'udp4';
    const mine = createSocket({ type, recvBufferSize: 1 << 20 });
    socket = mine;
    mine.on('error', (error) => {
      if (socket === mine) failed(error);
    });
    mine.on('message', (bytes, from) => {
      if (socket === mine) received(mine, bytes, from);
    });
    mine.bind({ port, ...(address === '' ? {} : { address }) }, () => {
      open = true;
      failures = 0;
      for (const user of users) user.onOpen();
    });
  }

  function received(mine: Socket, bytes: Buffer, remote: RemoteInfo): void {
    const from = { address: plainAddress(remote.address), port: remote.port };
    const reply = (answer: Buffer): void => {
      if (socket !== mine) return;
      mine.send(answer, remote.port, remote.address, (error) => {
        if (error) log.debug('snmp-traps.not-answered', { source: from.address, reason: error.message });
      });
    };
    let reason: string | null = bytes.length === 0 || bytes.length > MOST_BYTES ? 'it is empty' : null;
    const meant = usersFor(bytes, from.address);
    for (const user of meant) {
      reason = bytes.length === 0 ? reason : user.take(bytes, from, reply);
      if (reason === null) return;
    }
    // Whose it should be nobody knows: a wrong entry in any list may be why.
    if (meant.length === 0) for (const user of users) user.refused(from, 'its address is in no list of senders');
    else meant[0]?.refused(from, reason ?? 'nobody takes it');
  }

  function usersFor(bytes: Buffer, source: string): PortUser[] {
    const all = [...users];
    const direct = all.filter((user) => user.sources.has(source));
    if (direct.length > 0) return direct;
    const agent = agentAddressIn(bytes);
    const proxied = agent === null ? [] : all.filter((user) => user.sources.has(agent));
    return proxied.length > 0 ? proxied : all.filter((user) => user.sources.any);
  }

  bind();
  return {
    users,
    isOpen: () => open,
    close() {
      closed = true;
      timer?.cancel();
      const mine = socket;
      socket = null;
      mine?.close();
    },
  };
}

function portError(address: string, port: number, error: NodeJS.ErrnoException): AlarmflowError {
  const where = `UDP port ${port}${address === '' ? '' : ` of ${address}`}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return operationalError(
        'E_PORT_IN_USE',
        `Another program (snmptrapd?) has ${where}: stop it, or choose another port here and on the senders`,
      );
    case 'EACCES':
      return operationalError(
        'E_PORT_FORBIDDEN',
        `alarmflow may not open ${where}: choose one from 1024 up, e.g. 1162, and redirect 162 to it`,
      );
    case 'EADDRNOTAVAIL':
      return operationalError(
        'E_PORT_FORBIDDEN',
        `${address} is no address of this machine: correct it, or leave it empty`,
      );
    default:
      return operationalError('E_PORT_FORBIDDEN', `${where} can't be opened: ${error.message}`);
  }
}
