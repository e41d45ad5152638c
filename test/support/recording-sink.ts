import type { DeviceDefinition, DeviceFacts, DeviceLink, Picture, ReceivedEvent } from '../../engine/domain/devices';
import type { DriverSink } from '../../engine/drivers/driver';
import { steadyClock } from './steady-clock';

export interface RecordingSink extends DriverSink {
  events: ReceivedEvent[];
  pictureSets: { eventId: string; pictures: (Picture & { name?: string })[] }[];
  links: { link: DeviceLink; detail: string }[];
  offsets: number[];
  locks: (number | null)[];
  factList: DeviceFacts[];
  /** Types and phases of the events, `intrusion start`. */
  told(): string[];
}

/** A driver's sink that keeps what it is told; event ids are `e1`, `e2` … */
export function recordingSink(): RecordingSink {
  const sink: RecordingSink = {
    events: [],
    pictureSets: [],
    links: [],
    offsets: [],
    locks: [],
    factList: [],
    told: () => sink.events.map(({ draft }) => `${draft.type} ${draft.phase}`),
    async event(received) {
      sink.events.push(received);
      return `e${sink.events.length}`;
    },
    async pictures(eventId, pictures) {
      sink.pictureSets.push({ eventId, pictures });
    },
    link: (link, detail) => void sink.links.push({ link, detail }),
    seen() {},
    clockOffset: (ms) => void sink.offsets.push(ms),
    lockedUntil: (at) => void sink.locks.push(at),
    facts: (facts) => void sink.factList.push(facts),
  };
  return sink;
}

/** A definition for a device at a port of this machine. */
export const deviceAt = (port: number, change: Partial<DeviceDefinition> = {}): DeviceDefinition => ({
  id: 'cam1',
  name: 'Yard',
  driver: 'hikvision',
  host: '127.0.0.1',
  port,
  tls: false,
  allowSelfSigned: true,
  receive: 'stream',
  credentials: { user: 'admin', password: 'simulated1' },
  timeZone: null,
  pushFrom: [],
  ...change,
});

/** Waits until a condition holds; fails with what it waited for. The time is that in which this process could run. */
export async function until(what: string, condition: () => boolean, ms = 15_000): Promise<void> {
  const end = steadyClock.monotonic() + ms;
  while (!condition()) {
    if (steadyClock.monotonic() > end) throw new Error(`waited ${ms} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
