import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Clock } from '../../../clock/clock';
import { systemClock } from '../../../clock/system-clock';
import { asAlarmflowError, userError } from '../../../domain/errors';
import { type Log, silentLog } from '../../../domain/log';
import { createFaultSwitches, type FaultSwitches } from '../../simulated/faults';
import { crc16 } from '../crc';
import { type Framing, nextTcpFrame } from '../framing';
import { type ModbusFaultName, modbusFaultNames } from './faults';
import { carryOut } from './functions';
import { createBoardHardware } from './hardware';

export type { ModbusFaultName };
export { modbusFaultNames };

export interface ModbusSimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  /** `tcp` (default) or `rtu`: RTU framing over TCP. */
  model?: string;
  /** Unit id that is answered in RTU framing; default 1. In Modbus TCP any is. */
  unit?: number;
  /** Default 8. */
  inputs?: number;
  /** Default 8. */
  outputs?: number;
  /** Connections at a time; default 4. */
  maxConnections?: number;
  /** Milliseconds that `slow` adds to every answer; default 3,000. */
  slowMs?: number;
  faults?: readonly string[];
  clock?: Clock;
  log?: Log;
}

export interface ModbusSimulatorState {
  outputs: { output: number; on: boolean; register: number }[];
  inputs: { input: number; active: boolean }[];
  commands: string[];
  connections: number;
  connectionsOpened: number;
  requests: number;
  faults: ModbusFaultName[];
}

/** A simulated relay and input board. Its contacts can also be read as registers: bits of 0, or one word each from 100. */
export interface ModbusSimulator {
  /** `modbus://127.0.0.1:port` */
  url: string;
  port: number;
  state(): ModbusSimulatorState;
  /** Numbers count from 1. */
  setInput(input: number, active: boolean): void;
  setOutput(output: number, on: boolean): void;
  /** Ends every connection. */
  cut(): void;
  faults: FaultSwitches<ModbusFaultName>;
  close(): Promise<void>;
}

interface Request {
  transaction: number;
  unit: number;
  pdu: Buffer;
}

/** Starts a simulated board on a real socket. Throws `E_BAD_PARAMETER` (user) for a model it doesn't know. */
export async function startModbusSimulator(options: ModbusSimulatorOptions = {}): Promise<ModbusSimulator> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLog;
  const framing = framingOf(options.model);
  const host = options.host ?? '127.0.0.1';
  const ownUnit = options.unit ?? 1;
  const hardware = createBoardHardware(options.inputs ?? 8, options.outputs ?? 8, clock);
  const faults = createFaultSwitches(modbusFaultNames, options.faults ?? []);
  const closing = new AbortController();
  const sockets = new Set<Socket>();
  const spent = new Set<ModbusFaultName>();
  let requests = 0;
  let opened = 0;
  let bounces = 0;

  const framed = (transaction: number, unit: number, pdu: Buffer): Buffer => {
    if (framing === 'tcp') {
      const head = Buffer.from([transaction >> 8, transaction & 0xff, 0, 0, 0, pdu.length + 1, unit]);
      return Buffer.concat([head, pdu]);
    }
    const body = Buffer.concat([Buffer.from([unit]), pdu]);
    const crc = crc16(body) ^ (faults.has('bad-crc') ? 0x5555 : 0);
    return Buffer.concat([body, Buffer.from([crc & 0xff, crc >> 8])]);
  };

  /** Faults that end by themselves; on again when they are switched on again. */
  const justOnce = (name: ModbusFaultName): boolean => {
    if (!faults.has(name)) {
      spent.delete(name);
      return false;
    }
    if (spent.has(name)) return false;
    spent.add(name);
    return true;
  };

  function refusal(): number | null {
    if (faults.has('illegal-function')) return 1;
    if (faults.has('illegal-address')) return 2;
    if (faults.has('illegal-value')) return 3;
    if (faults.has('device-failure')) return 4;
    if (justOnce('acknowledge-once')) return 5;
    if (faults.has('busy') || justOnce('busy-once')) return 6;
    return faults.has('no-target') ? 11 : null;
  }

  function answerTo({ pdu }: Request): Buffer {
    const code = pdu[0] === 1 && faults.has('outputs-unreadable') ? 4 : refusal();
    if (code !== null) return Buffer.from([pdu[0]! | 0x80, code]);
    const writes = pdu[0]! >= 5;
    const before = [...hardware.coils];
    if (pdu[0] === 2 && faults.has('contact-bounce')) {
      // A contact that never comes to rest.
      bounces++;
      hardware.contacts[0] = bounces % 2 === 0;
    }
    let answer = carryOut(hardware, pdu, faults.has('output-ignored'));
    if (writes && faults.has('output-slow')) {
      const after = [...hardware.coils];
      before.forEach((on, at) => {
        hardware.coils[at] = on;
      });
      clock.after(
        80,
        () =>
          after.forEach((on, at) => {
            hardware.coils[at] = on;
          }),
        { background: true },
      );
    }
    if (faults.has('short-answer') && !writes) answer = Buffer.from([answer[0]!, 0]);
    if (faults.has('wrong-echo') && writes) answer = Buffer.concat([answer.subarray(0, 3), Buffer.from([0x12, 0x34])]);
    return answer;
  }

  async function serve(socket: Socket, request: Request): Promise<void> {
    requests++;
    if (faults.has('half-open') || (faults.has('unit-2-silent') && request.unit === 2)) return;
    if (faults.has('unit-2-late') && request.unit === 2) {
      // The gateway goes on with the others meanwhile.
      const late = framed(request.transaction, request.unit, answerTo(request));
      clock.after(options.slowMs ?? 3_000, () => socket.write(late), { background: true });
      return;
    }
    if (faults.has('slow')) await clock.sleep(options.slowMs ?? 3_000, closing.signal);
    const unit = faults.has('wrong-unit') ? request.unit ^ 0xff : request.unit;
    const pieces: Buffer[] = [];
    const answer = answerTo(request);
    if (faults.has('other-transaction-first')) pieces.push(framed(request.transaction ^ 0x4000, unit, answer));
    if (faults.has('noise-first')) pieces.push(Buffer.from([0xff, 0x00, 0x7e]));
    pieces.push(framed(request.transaction, unit, answer));
    const bytes = Buffer.concat(pieces);
    if (faults.has('broken-header')) bytes[3] = 0x77;
    if (faults.has('one-byte-chunks')) {
      for (const byte of bytes) {
        socket.write(Buffer.from([byte]));
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    } else socket.write(bytes);
    if (faults.has('close-after-answer')) socket.end();
  }

  const server = createServer((socket) => {
    opened++;
    const most = faults.has('one-connection') ? 1 : (options.maxConnections ?? 4);
    if (faults.has('close-at-once') || sockets.size >= most) return socket.destroy();
    sockets.add(socket);
    let waiting = Buffer.alloc(0);
    let last: Promise<void> = Promise.resolve();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      try {
        for (let next = nextRequest(waiting); next; next = nextRequest(waiting)) {
          waiting = waiting.subarray(next.length);
          const { request } = next;
          // A request for another unit on the line is nobody's here.
          if (!request || (framing === 'rtu' && request.unit !== ownUnit)) continue;
          last = last.then(() => serve(socket, request)).catch(failed);
        }
      } catch (thrown) {
        failed(thrown);
        socket.destroy();
      }
    });
    socket.on('error', (error) => log.debug('simulator.socket-failed', { reason: error.message }));
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0 && faults.has('relays-off-on-drop')) hardware.allOff();
    });
  });

  function failed(thrown: unknown): void {
    if (!closing.signal.aborted) log.warn('simulator.request-failed', { reason: asAlarmflowError(thrown).message });
  }

  /** A request of null is noise that a board on a serial line passes over. */
  function nextRequest(bytes: Buffer): { request: Request | null; length: number } | null {
    if (framing === 'tcp') {
      const frame = nextTcpFrame(bytes);
      return frame && { request: frame, length: frame.bytes.length };
    }
    const multiple = bytes[1] === 15 || bytes[1] === 16;
    if (bytes.length < 8 || (multiple && bytes.length < 9 + bytes[6]!)) return null;
    const length = multiple ? 9 + bytes[6]! : 8;
    const frame = bytes.subarray(0, length);
    if (crc16(frame.subarray(0, length - 2)) !== frame.readUInt16LE(length - 2))
      return { request: null, length: bytes.length };
    return { request: { transaction: 0, unit: frame[0]!, pdu: frame.subarray(1, length - 2) }, length };
  }

  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `modbus://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    state: () => ({
      outputs: hardware.coils.map((on, at) => ({ output: at + 1, on, register: hardware.registers[at] ?? 0 })),
      inputs: hardware.contacts.map((active, at) => ({ input: at + 1, active })),
      commands: [...hardware.commands],
      connections: sockets.size,
      connectionsOpened: opened,
      requests,
      faults: faults.list(),
    }),
    setInput(input, active) {
      hardware.contacts[input - 1] = active;
    },
    setOutput: (output, on) => hardware.setCoil(output - 1, on),
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    faults,
    async close() {
      closing.abort(userError('E_CLOSED', 'The simulated device is being stopped'));
      hardware.close();
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function framingOf(model: string | undefined): Framing {
  const name = model ?? 'tcp';
  if (name === 'tcp' || name === 'rtu') return name;
  throw userError('E_BAD_PARAMETER', `There is no model "${name}"; the simulated board can be: tcp, rtu`);
}
