import { rm } from 'node:fs/promises';

/**
 * Removes a folder with all that is in it. Processes that were just killed have children (browsers, ffmpeg) that may
 * still write into it for a moment: it is tried again as long as it fills.
 */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
