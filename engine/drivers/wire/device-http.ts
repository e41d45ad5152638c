import type { Clock } from '../../clock/clock';
import type { Log } from '../../domain/log';
import type { Credentials } from './digest';

export interface DeviceHttpOptions {
  host: string;
  port: number;
  tls: boolean;
  /** Accept a certificate that no authority signed. */
  allowSelfSigned: boolean;
  credentials: Credentials | null;
  clock: Clock;
  log: Log;
  /** All traffic is kept back until then (wall ms) because the device refused the password; null: free again. */
  onLocked(until: number | null): void;
  /** `Date` header of any answer. */
  onClockDate?(dateHeader: string): void;
  /** Sockets for requests beside the stream; default 2. */
  maxSockets?: number;
}

export interface DeviceRequest {
  method: string;
  /** Request target, percent-encoded, sent exactly as given, e.g. `/ISAPI/System/deviceInfo`. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  signal: AbortSignal;
  /** Time for the whole answer once the request has its turn; default 10,000 ms. */
  timeoutMs?: number;
  /** Largest answer body; default 8 MiB. */
  maxBytes?: number;
}

export interface DeviceStreamRequest {
  /** Default GET. */
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  signal: AbortSignal;
}

/** Header names in lower case; repeated ones joined with a comma. */
export type DeviceHeaders = Record<string, string>;

export interface DeviceResponse {
  status: number;
  headers: DeviceHeaders;
  body: Buffer;
}

export interface DeviceStream {
  status: number;
  headers: DeviceHeaders;
  body: AsyncIterable<Buffer>;
}

export interface DeviceHttp {
  /** Resolves with any status but a refused password; the caller judges status and body (PROTOCOLS §0.7). */
  request(request: DeviceRequest): Promise<DeviceResponse>;
  stream(request: DeviceStreamRequest): Promise<DeviceStream>;
  /** Wall time until which all traffic is kept back, or null. */
  lockedUntil(): number | null;
  close(): void;
}

export function createDeviceHttp(_options: DeviceHttpOptions): DeviceHttp {
  throw new Error('not finished');
}
