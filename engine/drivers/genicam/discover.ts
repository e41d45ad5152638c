import { isIPv4 } from 'node:net';
import type { DiscoveredDevice } from '../../domain/devices';
import { parseList } from './output';
import type { RunTool } from './tool';

const LIST_MS = 10_000;
/** A search of arv-tool takes about a second; cameras that just got an address answer a later one. */
const ROUNDS = 3;

/** Lists the cameras that Aravis finds, GigE by address and USB by name. Throws `E_ARAVIS_MISSING` (operational). */
export async function discoverCameras(
  run: RunTool,
  found: (device: DiscoveredDevice) => void,
  signal: AbortSignal,
): Promise<void> {
  const told = new Set<string>();
  for (let round = 0; round < ROUNDS && !signal.aborted; round++) {
    let text: string;
    try {
      ({ stdout: text } = await run([], { signal, timeoutMs: LIST_MS }));
    } catch (thrown) {
      // That the search was called off is its ordinary end.
      if (signal.aborted) return;
      throw thrown;
    }
    for (const { name, address } of parseList(text)) {
      if (told.has(name) || told.size >= 1_000) continue;
      told.add(name);
      found({
        driver: 'genicam',
        host: isIPv4(address) ? address : name,
        port: GVCP_PORT,
        title: name,
        identity: name,
      });
    }
  }
}

/** GigE Vision's control port; fixed. */
export const GVCP_PORT = 3956;
