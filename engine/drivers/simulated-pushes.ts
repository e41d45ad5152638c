import { type Clock, isoTime } from '../clock/clock';
import { systemClock } from '../clock/system-clock';
import { asAlarmflowError, userError } from '../domain/errors';
import type { HttpPushSimulator } from './http-push';
import type { VivotekSimulator } from './vivotek';

/** How a simulated device pushes that nobody drives. */
export interface PushingOptions {
  /** Where it pushes: an ingest path. */
  target?: string;
  /** Milliseconds between two pushes; default 5,000; 0: only when told. */
  everyMs?: number;
  /** Told what each push was and what came of it. */
  onPush?(line: string): void;
  clock?: Clock;
}

const EVERY_MS = 5_000;

/** Throws `E_BAD_PARAMETER` (user) for what is no URL to push to. */
function urlOf(target: string): string {
  if (URL.canParse(target) && /^https?:$/.test(new URL(target).protocol)) return target;
  throw userError(
    'E_BAD_PARAMETER',
    `"${target.slice(0, 100)}" is no URL to push to: give the ingest path of the device with http:// or https://`,
  );
}

/**
 * Lets motion begin and end at the target, again and again.
 *
 * @param push pushes one phase; resolves with what the receiver answered
 */
async function pushing<Device extends { setTarget(url: string): void; close(): Promise<void> }>(
  start: () => Promise<Device>,
  { target, everyMs = EVERY_MS, onPush, clock = systemClock }: PushingOptions,
  push: (device: Device, phase: 'start' | 'stop') => Promise<string>,
): Promise<Device> {
  const url = target === undefined ? null : urlOf(target);
  const device = await start();
  if (url === null) return device;
  device.setTarget(url);
  if (everyMs === 0) return device;
  let phase: 'start' | 'stop' = 'stop';
  let underWay = false;
  const timer = clock.every(everyMs, () => {
    // A receiver that takes its time is not pushed to twice at once.
    if (underWay) return;
    underWay = true;
    phase = phase === 'stop' ? 'start' : 'stop';
    push(device, phase)
      .then(
        (answer) => onPush?.(`motion ${phase}: ${answer}`),
        // A receiver that is not there yet is no reason to stop.
        (thrown: unknown) => onPush?.(`motion ${phase}: ${asAlarmflowError(thrown).message}`),
      )
      .finally(() => {
        underWay = false;
      });
  });
  const close = device.close.bind(device);
  device.close = async () => {
    timer.cancel();
    await close();
  };
  return device;
}

/** A sender that pushes JSON. */
export const withPushes = (
  start: () => Promise<HttpPushSimulator>,
  options: PushingOptions,
): Promise<HttpPushSimulator> =>
  pushing(start, options, async (device, phase) => {
    const time = isoTime((options.clock ?? systemClock).now());
    const { status, body } = await device.fire('json', { type: 'motion', phase, channel: 1, time });
    return `${status} ${body.slice(0, 200)}`.trim();
  });

/** A camera that pushes a picture to the event's own path. */
export const withCameraPushes = (
  start: () => Promise<VivotekSimulator>,
  options: PushingOptions,
): Promise<VivotekSimulator> =>
  pushing(start, options, async (device, phase) => (await device.fire({ event: 'motion', phase })).join(', '));

/** Host and port of a receiver of notifications: `snmp://host:port`, `host:port` or `host`. */
export function receiverOf(target: string): { host: string; port?: number } {
  const given = target.includes('://') ? target : `snmp://${target}`;
  const url = URL.canParse(given) ? new URL(given) : null;
  if (
    url?.protocol !== 'snmp:' ||
    url.hostname === '' ||
    /[/?#@]/.test(given.slice('snmp://'.length).replace(/\/$/, ''))
  )
    throw userError(
      'E_BAD_PARAMETER',
      `"${target.slice(0, 100)}" is no receiver of notifications: give host and port, e.g. 127.0.0.1:1162`,
    );
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return url.port === '' ? { host } : { host, port: Number(url.port) };
}
