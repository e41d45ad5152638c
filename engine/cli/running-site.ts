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

/** A call of the running site's API that is streamed or changes something. */
export interface SiteCall {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  body?: unknown;
  signal?: AbortSignal;
}

/** One call of the running site's API; the body is streamed. A refusal is told in the site's own words. */
export async function callSite(
  site: RunningSite,
  path: string,
  call: SiteCall = {},
): Promise<ReadableStream<Uint8Array>> {
  const { method = 'GET', body, signal } = call;
  let response: Response;
  try {
    response = await fetch(new URL(path, site.url), {
      method,
      headers: {
        authorization: `Bearer ${site.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw operationalError(
      'E_NOT_REACHED',
      `alarmflow at ${site.url} does not answer: is it still starting, or was it stopped?`,
      { cause: error },
    );
  }
  if (response.ok && response.body) return response.body;
  const text = await response.text();
  let refusal: { error?: { code?: string; message?: string } } = {};
  try {
    refusal = JSON.parse(text) as typeof refusal;
  } catch {
    // Not the API's own form: shown as it came.
  }
  throw userError(
    refusal.error?.code ?? 'E_API',
    refusal.error?.message ?? `alarmflow at ${site.url} answered ${response.status} to ${path}: ${text.slice(0, 300)}`,
  );
}
