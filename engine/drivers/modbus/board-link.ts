import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { connectionError, timeoutError } from '../wire/http-errors';
import { createTurns } from '../wire/turns';
import { exceptionError, exceptionIn, isBusy } from './exceptions';
import { type AnswerFrame, type Awaited, createAnswerReader, type Framing, frameRequest } from './framing';
import type { ModbusRequest } from './requests';

export interface BoardLinkOptions {
  host: string;
  port: number;
  framing: Framing;
  /** Least time between an answer and the next request. */
  spacingMs: number;
  /** Pause before a reconnection after so many failures in a row. */
  backoff(failures: number): number;
  clock: Clock;
  log: Log;
}

export interface Ask {
  unit: number;
  timeoutMs: number;
  /** How people know the board, for messages. */
  board: string;
  signal: AbortSignal;
  /** Given the answer as it came. */
  tap?: (frame: Buffer) => void;
}

/**
 * The one connection to a board or gateway: requests go one after another with a pause between them, a request that is
 * not answered ends the connection, and the next ones open it again with a back-off (PROTOCOLS §7).
 */
export interface BoardLink {
  /**
   * Throws `E_DEVICE_OFFLINE`, `E_DEVICE_TIMEOUT`, `E_DEVICE_PROTOCOL`, `E_DEVICE_BUSY`, `E_DEVICE_ERROR` (operational),
   * `E_NOT_SUPPORTED`, `E_BAD_PARAMETER` (user).
   */
  request<T>(request: ModbusRequest<T>, ask: Ask): Promise<T>;
  /** Frames that answered nothing, and busy answers. */
  counts(): { strays: number; busy: number; connections: number };
  close(): void;
}

const CONNECT_MS = 3_000;
/** Tries of a request that the board is too busy for, the first included: 100 + 200 + 400 ms of pauses. */
const BUSY_TRIES = 4;

interface Line {
  socket: Socket;
  awaited: Awaited | null;
  settle: ((outcome: AnswerFrame | AlarmflowError) => void) | null;
  answeredAt: number;
  /** Unit that answered last, which proves that the connection lives; null: a silence has used that up. */
  proof: number | null;
}

export function createBoardLink(options: BoardLinkOptions): BoardLink {
  const { host, port, framing, clock, log } = options;
  const address = `${host}:${port}`;
  const turns = createTurns(1);
  const closing = new AbortController();
  let line: Line | null = null;
  let transaction = 0;
  let failures = 0;
  let restUntil = 0;
  let lastError: AlarmflowError | null = null;
  const counts = { strays: 0, busy: 0, connections: 0 };

  function failed(error: AlarmflowError): AlarmflowError {
    lastError = error;
    restUntil = clock.monotonic() + options.backoff(failures++);
    return error;
  }

  function drop(which: Line, error: AlarmflowError): void {
    which.socket.destroy();
    if (line !== which) return;
    line = null;
    failed(error);
    const { settle } = which;
    which.settle = null;
    settle?.(error);
  }

  async function open(): Promise<Line> {
    if (line) return line;
    closing.signal.throwIfAborted();
    const rest = restUntil - clock.monotonic();
    if (rest > 0 && lastError)
      throw operationalError('E_DEVICE_OFFLINE', lastError.message, { cause: lastError, retryAfterMs: rest });
    counts.connections++;
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 5_000 });
    try {
      await connected(socket);
    } catch (thrown) {
      socket.destroy();
      throw failed(thrown instanceof Error ? connectionError(address, thrown) : asAlarmflowError(thrown));
    }
    const reader = createAnswerReader(framing);
    const opened: Line = { socket, awaited: null, settle: null, answeredAt: Number.NEGATIVE_INFINITY, proof: null };
    socket.on('data', (chunk: Buffer) => {
      const before = reader.strays();
      try {
        const frame = reader.push(chunk, opened.awaited);
        if (frame) {
          const { settle } = opened;
          opened.awaited = null;
          opened.settle = null;
          settle?.(frame);
        }
      } catch (thrown) {
        drop(opened, asAlarmflowError(thrown));
      }
      counts.strays += reader.strays() - before;
    });
    socket.on('error', (error) => drop(opened, connectionError(address, error)));
    socket.on('close', () =>
      drop(
        opened,
        operationalError('E_DEVICE_OFFLINE', `Device ${address} closed the connection. ${manyClients}`, {
          facts: { device: address, closed: true },
        }),
      ),
    );
    line = opened;
    return opened;
  }

  const manyClients = 'Most boards take one to four connections: check how many clients use it.';

  function connected(socket: Socket): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = clock.after(CONNECT_MS, () => reject(timeoutError(address, 'connect', CONNECT_MS)));
      const stop = (): void => reject(closing.signal.reason);
      closing.signal.addEventListener('abort', stop, { once: true });
      const done = (): void => {
        timer.cancel();
        closing.signal.removeEventListener('abort', stop);
      };
      socket.once('connect', () => {
        done();
        resolve();
      });
      socket.once('error', (error) => {
        done();
        reject(error);
      });
      socket.once('close', () => {
        done();
        reject(operationalError('E_DEVICE_OFFLINE', `Device ${address} closed the connection at once`));
      });
    });
  }

  async function exchange(pdu: Buffer, ask: Ask): Promise<Buffer> {
    const current = await open();
    const pause = current.answeredAt + options.spacingMs - clock.monotonic();
    if (pause > 0) await clock.sleep(pause, closing.signal);
    if (line !== current) throw lastError ?? operationalError('E_DEVICE_OFFLINE', `Device ${address} is gone`);
    transaction = (transaction + 1) & 0xffff;
    const number = transaction;
    let timer: Timer | null = null;
    const outcome = await new Promise<AnswerFrame | AlarmflowError>((resolve) => {
      current.settle = resolve;
      current.awaited = { transaction: number, unit: ask.unit, functionCode: pdu[0]! };
      timer = clock.after(ask.timeoutMs, () => {
        const silence = operationalError(
          'E_DEVICE_TIMEOUT',
          `Device ${address} did not answer within ${ask.timeoutMs} ms. Check unit id ${ask.unit}, the framing and its power`,
          { facts: { device: address, unit: ask.unit, ms: ask.timeoutMs } },
        );
        if (!isOfUnitAlone(current, ask)) return drop(current, silence);
        current.proof = null;
        current.awaited = null;
        current.settle = null;
        resolve(silence);
      });
      current.socket.write(frameRequest(framing, number, ask.unit, pdu));
    });
    (timer as Timer | null)?.cancel();
    if (!('pdu' in outcome)) throw outcome;
    current.answeredAt = clock.monotonic();
    current.proof = ask.unit;
    failures = 0;
    ask.tap?.(outcome.bytes);
    return outcome.pdu;
  }

  /**
   * Whether a silence is that of one board behind a gateway whose others answer: they are not to lose their connection
   * for it. By the transaction a late answer is told from that to something else; in RTU it would be taken for it.
   */
  const isOfUnitAlone = ({ proof }: Line, { unit }: Ask): boolean =>
    framing === 'tcp' && proof !== null && proof !== unit;

  async function untilNotBusy<T>(request: ModbusRequest<T>, ask: Ask): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const answer = await exchange(request.pdu, ask);
      const exception = exceptionIn(answer);
      if (exception === null) return request.read(answer);
      if (!isBusy(exception) || attempt >= BUSY_TRIES) throw exceptionError(exception, request.what, ask.board);
      counts.busy++;
      await clock.sleep(100 * 2 ** (attempt - 1), AbortSignal.any([closing.signal, ask.signal]));
    }
  }

  return {
    async request(request, ask) {
      const giveBack = await turns.take(AbortSignal.any([ask.signal, closing.signal]));
      // The turn lasts until the board has answered, even if the caller no longer waits: it serves one at a time.
      const work = untilNotBusy(request, ask).finally(giveBack);
      return whileWanted(work, ask.signal);
    },
    counts: () => ({ ...counts }),
    close() {
      const error = operationalError('E_CLOSED', `The connection to ${address} is being closed`);
      closing.abort(error);
      if (line) drop(line, error);
      log.debug('modbus.link-closed', { address, ...counts });
    },
  };
}

function whileWanted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
