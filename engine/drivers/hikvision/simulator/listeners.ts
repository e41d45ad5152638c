import { request as httpRequest } from 'node:http';
import type { Clock } from '../../../clock/clock';
import type { Log } from '../../../domain/log';
import type { Faults } from './faults';
import type { StreamAlert } from './streams';

/** One slot of HTTP listening (PROTOCOLS §1.3). */
export interface ListenerSlot {
  id: number;
  host: string;
  port: number;
  path: string;
  format: 'XML' | 'JSON';
}

export interface PushCounts {
  sent: number;
  answered: number;
  failed: number;
  /** Status of the last answer, or null. */
  lastStatus: number | null;
}

/** Posts alerts to the configured listeners; a bad answer makes it try once more, as devices do. */
export interface Listeners {
  slots(): ListenerSlot[];
  set(slots: ListenerSlot[]): void;
  post(slot: ListenerSlot, alert: StreamAlert, name: string): Promise<number>;
  postAll(make: (slot: ListenerSlot) => StreamAlert, name: string): Promise<void>;
  counts(): PushCounts;
}

export function createListeners(faults: Faults, clock: Clock, log: Log): Listeners {
  let list: ListenerSlot[] = [];
  const counts: PushCounts = { sent: 0, answered: 0, failed: 0, lastStatus: null };

  function post(slot: ListenerSlot, alert: StreamAlert, name: string): Promise<number> {
    const { body, type } = pushBody(alert, name, faults);
    counts.sent++;
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({
        host: slot.host,
        port: slot.port,
        path: slot.path,
        method: 'POST',
        timeout: 5_000,
        agent: false,
        headers: {
          ...(faults.has('no-content-type') ? {} : { 'Content-Type': type }),
          'Content-Length': body.length,
          Connection: 'close',
        },
      });
      outgoing.on('response', (response) => {
        response.resume();
        response.on('end', () => {
          counts.answered++;
          counts.lastStatus = response.statusCode ?? null;
          resolve(response.statusCode ?? 0);
        });
        response.on('error', reject);
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 5 s')));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  async function postTwice(slot: ListenerSlot, alert: StreamAlert, name: string): Promise<void> {
    for (const last of [false, true]) {
      try {
        if ((await post(slot, alert, name)) < 300) return;
      } catch (error) {
        log.debug('simulator.push-failed', { slot: slot.id, reason: (error as Error).message });
      }
      if (!last) await clock.sleep(1_000);
    }
    counts.failed++;
  }

  return {
    slots: () => list.map((slot) => ({ ...slot })),
    set(slots) {
      list = slots.slice(0, 3);
    },
    post,
    async postAll(make, name) {
      await Promise.all(list.map((slot) => postTwice(slot, make(slot), name)));
    },
    counts: () => ({ ...counts }),
  };
}

/** Bare document without pictures, multipart form with them. */
export function pushBody(alert: StreamAlert, name: string, faults: Faults): { body: Buffer; type: string } {
  if (alert.pictures.length === 0) return { body: Buffer.from(alert.text), type: alert.contentType };
  const blank = faults.has('blank-line-before-head') ? '\r\n' : '';
  const file = alert.contentType === 'application/xml' ? `; filename="${name}.xml"` : '';
  const parts: Buffer[] = [
    Buffer.from(
      `--boundary\r\n${blank}Content-Disposition: form-data; name="${name}"${file}\r\n` +
        `Content-Type: ${alert.contentType}\r\nContent-Length: ${Buffer.byteLength(alert.text)}\r\n\r\n${alert.text}\r\n`,
    ),
  ];
  for (const [i, picture] of alert.pictures.entries()) {
    const length = faults.has('pictures-short-length') ? Math.max(1, picture.length - 100) : picture.length;
    parts.push(
      Buffer.from(
        `--boundary\r\n${blank}Content-Disposition: form-data; name="detectionPicture_${i + 1}"; filename="picture_${i + 1}.jpg"\r\n` +
          `Content-Type: image/pjpeg\r\nContent-Length: ${length}\r\n\r\n`,
      ),
      picture,
      Buffer.from('\r\n'),
    );
  }
  parts.push(Buffer.from('--boundary--\r\n'));
  return { body: Buffer.concat(parts), type: 'multipart/form-data; boundary=boundary' };
}
