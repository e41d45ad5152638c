import { operationalError } from '../../domain/errors';
import type { DeviceHttp, DeviceResponse } from '../wire';
import { type DocumentNode, readDocuments } from './document';
import { errorIn } from './response-status';

/** Requests of actions: proved by what the device says about them (PROTOCOLS §0.7). */
export interface IsapiCalls {
  /** What the device has there, or null where it has not got it. */
  read(path: string, what: string, signal: AbortSignal): Promise<{ body: Buffer; root: DocumentNode } | null>;
  /** Throws for anything but a success. */
  write(request: IsapiWrite, what: string, signal: AbortSignal): Promise<DeviceResponse>;
}

export interface IsapiWrite {
  method?: 'PUT' | 'POST';
  path: string;
  xml?: string;
  json?: unknown;
}

const TIMEOUT_MS = 8_000;

export function createIsapiCalls(http: DeviceHttp): IsapiCalls {
  return {
    async read(path, what, signal) {
      const response = await http.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
      const error = errorIn(response, what);
      if (error?.code === 'E_NOT_SUPPORTED' || error?.code === 'E_BAD_PARAMETER') return null;
      if (error) throw error;
      try {
        const [root] = readDocuments(response.body);
        if (root) return { body: response.body, root };
      } catch (cause) {
        throw operationalError('E_DEVICE_ERROR', `${what}: the device's answer cannot be read`, { cause });
      }
      return null;
    },

    async write({ method = 'PUT', path, xml, json }, what, signal) {
      const type = xml === undefined ? 'application/json' : 'application/xml; charset="UTF-8"';
      const body = xml ?? (json === undefined ? undefined : JSON.stringify(json));
      const response = await http.request({
        method,
        path,
        ...(body === undefined ? {} : { headers: { 'Content-Type': type }, body }),
        signal,
        timeoutMs: TIMEOUT_MS,
      });
      const error = errorIn(response, what);
      if (error) throw error;
      return response;
    },
  };
}
