import type { Clock } from '../../../engine/clock/clock';
import { silentLog } from '../../../engine/domain/log';
import type { CapturedPart } from '../../../engine/drivers/driver';
import {
  type HttpPushConnection,
  type HttpPushSimulator,
  httpPushDriver,
  startHttpPushSimulator,
} from '../../../engine/drivers/http-push';
import { type PushReceiver, startPushReceiver } from '../../support/push-receiver';
import { deviceAt, type RecordingSink, recordingSink } from '../../support/recording-sink';
import { steadyClock } from '../../support/steady-clock';

/** A simulated sender, and a device with these settings that it pushes to. */
export interface PushSite {
  sender: HttpPushSimulator;
  receiver: PushReceiver;
  connection: HttpPushConnection;
  sink: RecordingSink;
  captured: CapturedPart[];
}

const closers: (() => Promise<void>)[] = [];

export async function closeSites(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

export async function pushSite(options: Record<string, unknown> = {}, clock: Clock = steadyClock): Promise<PushSite> {
  const sink = recordingSink();
  const captured: CapturedPart[] = [];
  const checked = httpPushDriver.readOptions?.(options) ?? options;
  const connection = httpPushDriver.connect({
    definition: deviceAt(0, { driver: 'http-push', receive: 'push', credentials: null, options: checked }),
    sink,
    clock,
    log: silentLog,
    tap: (part) => captured.push(part),
  }) as HttpPushConnection;
  connection.start();
  closers.push(() => connection.close());
  const receiver = await startPushReceiver(connection);
  closers.push(() => receiver.close());
  const sender = await startHttpPushSimulator({ target: receiver.url });
  closers.push(() => sender.close());
  return { sender, receiver, connection, sink, captured };
}

/** Everything that the simulated sender tells, wherever it stands. */
export const wholeMapping = (places: (field: string) => string[]): string =>
  ['type', 'phase', 'channel', 'input', 'rule', 'target', 'temperature', 'unit', 'time', 'description']
    .flatMap((field) => places(field).map((place) => `${field} = ${place}`))
    .join('\n');
