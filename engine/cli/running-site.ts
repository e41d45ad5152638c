import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { operationalError, userError } from '../domain/errors';

/** A running alarmflow that the command line talks to over its own API. */
export interface RunningSite {
  url: string;
  token: string;
}

/**
 * Finds the process that holds a data folder, by its lock and its token file (readable by the owner only).
 * E_NOT_RUNNING (user) when there is none.
 */
export async function findRunningSite(dataDir: string): Promise<RunningSite> {
  try {
    const lock = JSON.parse(await readFile(join(dataDir, 'alarmflow.lock'), 'utf8')) as { url?: string | null };
    const token = (await readFile(join(dataDir, 'cli-token'), 'utf8')).trim();
    if (lock.url) return { url: lock.url, token };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EACCES')
      throw userError(
        'E_NOT_ALLOWED',
        `The data folder ${dataDir} belongs to another user: run this command as the user that runs alarmflow`,
        { cause: error },
      );
    if (code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
  }
  throw userError(
    'E_NOT_RUNNING',
    `No alarmflow runs on the data folder ${dataDir}: start it with "npm start", or name its folder with --data`,
  );
}

/** One call of the running site's API; the body is streamed. */
export async function callSite(
  site: RunningSite,
  path: string,
  signal?: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  let response: Response;
  try {
    response = await fetch(new URL(path, site.url), {
      headers: { authorization: `Bearer ${site.token}` },
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw operationalError(
      'E_NOT_RUNNING',
      `alarmflow at ${site.url} does not answer: is it still starting, or was it stopped?`,
      {
        cause: error,
      },
    );
  }
  if (!response.ok || !response.body) {
    const text = await response.text();
    throw userError('E_API', `alarmflow at ${site.url} answered ${response.status} to ${path}: ${text.slice(0, 500)}`);
  }
  return response.body;
}
