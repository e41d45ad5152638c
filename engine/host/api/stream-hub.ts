import type { Clock, Timer } from '../../clock/clock';
import type { Announcement } from '../../domain/announcements';
import type { Log } from '../../domain/log';
import type { Site, StreamMessage } from '../console-api';
import type { ConsoleServices } from './services';

/** One message for many watchers; the JSON of its data is made once. */
export interface HubMessage {
  message: StreamMessage;
  json: string;
}

export interface StreamHub {
  /** Hands on every message until the returned function is called. */
  watch(listener: (message: HubMessage) => void): () => void;
  close(): void;
}

/** Outputs and devices change in bursts; their rows are read once for each burst. */
const BURST_MS = 25;

/** Turns what the engine announces into what the console is told. Listens to the engine only while somebody watches. */
export function createStreamHub(
  services: Pick<ConsoleServices, 'subscribe' | 'outputs' | 'devices'> & { siteRow(): Site },
  clock: Clock,
  log: Log,
): StreamHub {
  const listeners = new Set<(message: HubMessage) => void>();
  const outputs = new Set<string>();
  const devices = new Set<string>();
  let burst: Timer | null = null;
  let unsubscribe: (() => void) | null = null;

  function tell(message: StreamMessage): void {
    const told: HubMessage = { message, json: JSON.stringify(message.data) };
    for (const listener of listeners) listener(told);
  }

  function endBurst(): void {
    burst = null;
    try {
      for (const row of outputs.size > 0 ? services.outputs.rows() : [])
        if (outputs.has(row.id)) tell({ kind: 'output', data: row });
      for (const row of devices.size > 0 ? services.devices.rows() : [])
        if (devices.has(row.id)) tell({ kind: 'device', data: row });
    } catch (error) {
      log.error('stream.rows-failed', { error: error instanceof Error ? error.message : String(error) });
    }
    outputs.clear();
    devices.clear();
  }

  function onAnnouncement(announcement: Announcement): void {
    switch (announcement.kind) {
      case 'output':
        outputs.add(announcement.data.id);
        burst ??= clock.after(BURST_MS, endBurst, { background: true });
        break;
      case 'device':
        devices.add(announcement.data.deviceId);
        burst ??= clock.after(BURST_MS, endBurst, { background: true });
        break;
      case 'site':
        tell({ kind: 'site', data: { ...services.siteRow(), armed: announcement.data.armed } });
        break;
      default:
        tell(announcement);
    }
  }

  function stop(): void {
    unsubscribe?.();
    unsubscribe = null;
    burst?.cancel();
    burst = null;
    outputs.clear();
    devices.clear();
  }

  return {
    watch(listener) {
      listeners.add(listener);
      unsubscribe ??= services.subscribe(onAnnouncement);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) stop();
      };
    },
    close() {
      listeners.clear();
      stop();
    },
  };
}
