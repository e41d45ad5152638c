import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { userError } from '../domain/errors';
import { checkFlows, type FlowNode } from './flow-file';
import type { FlowStorage } from './node-red-storage';

const LARGEST_FILE = 64 * 1024 * 1024;

const credentialsSchema = z.record(z.string(), z.record(z.string(), z.string()));
export type PlainCredentials = z.infer<typeof credentialsSchema>;

async function readJson(path: string, what: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw userError(
      'E_FLOW_FILE',
      `${what} ${path} cannot be read (${(error as NodeJS.ErrnoException).code}): check its path`,
      {
        cause: error,
      },
    );
  }
  if (text.length > LARGEST_FILE)
    throw userError('E_FLOW_FILE', `${what} ${path} is larger than ${LARGEST_FILE} bytes`);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // The parser's message quotes what it found; a credentials file must not be quoted.
    throw userError('E_FLOW_FILE', `${what} ${path} is no valid JSON: export it again from the editor`);
  }
}

/** The nodes of a flow file; `E_FLOW_FILE` (user) says what is wrong with it. */
export async function readFlowFile(path: string): Promise<FlowNode[]> {
  return checkFlows(await readJson(path, 'The flow file'), `The flow file ${path}`);
}

/** `{"<node id>": {"user": …, "password": …}}` */
export async function readCredentialsFile(path: string): Promise<PlainCredentials> {
  const parsed = credentialsSchema.safeParse(await readJson(path, 'The credentials file'));
  if (parsed.success) return parsed.data;
  throw userError(
    'E_CREDENTIALS_FILE',
    `The credentials file ${path} must be {"<node id>": {"user": "…", "password": "…"}}`,
  );
}

/**
 * What `alarmflow run` gives Node-RED: the flow of the file, never written back; credentials of the file, or those that
 * the editor has stored in this data folder under the same node ids.
 */
export function flowFileStorage(
  stored: FlowStorage,
  flows: FlowNode[],
  credentials: PlainCredentials | null,
): FlowStorage {
  return {
    async read(what) {
      if (what === 'flows') return flows;
      if (what === 'credentials' && credentials) return credentials;
      return await stored.read(what);
    },
    async write(what, value) {
      if (what !== 'flows' && what !== 'credentials') await stored.write(what, value);
    },
  };
}
