/** `alarmflow shelve`, `unshelve`: holds alarms back, of the alarmflow that runs on the data folder. */
import { isoTime } from '../clock/clock';
import { userError } from '../domain/errors';
import { type ShelfScope, shelfScopes } from '../domain/shelves';
import type { Alarm, ShelfPage } from '../host/console-api';
import { callSite, findRunningSite, type RunningSite } from './running-site';

export interface ShelveOptions {
  data: string;
  /** A shelf's subject, or nothing to see what is shelved. */
  scope: string | undefined;
  id: string | undefined;
  key: string | undefined;
  minutes: string | undefined;
  oneShot: boolean;
  reason: string;
  json: boolean;
}

const read = async <T>(site: RunningSite, path: string, call: Parameters<typeof callSite>[2] = {}): Promise<T> =>
  (await new Response(await callSite(site, path, call)).json()) as T;

function show(page: ShelfPage, json: boolean, print: (line: string) => void): void {
  if (json) {
    print(JSON.stringify(page));
    return;
  }
  if (page.shelves.length === 0) print('Nothing is shelved.');
  for (const shelf of page.shelves) {
    const long = shelf.oneShot ? 'until it has ended once' : `until ${isoTime(shelf.until)}`;
    const why = shelf.reason === '' ? '' : ` (${shelf.reason})`;
    print(`${shelf.id}  ${shelf.scope} ${shelf.name}, ${long}, by ${shelf.by}${why}`);
  }
}

/** `alarmflow shelve [alarm|trigger|condition|device|area] [id]`; without a subject it lists what is shelved. */
export async function shelveCommand(options: ShelveOptions, print: (line: string) => void): Promise<void> {
  const site = await findRunningSite(options.data);
  if (options.scope === undefined) return show(await read<ShelfPage>(site, '/api/v1/shelves'), options.json, print);
  if (options.id === undefined) {
    throw userError('E_BAD_PARAMETER', `Name what to shelve: alarmflow shelve ${options.scope} <id> --minutes 60`);
  }
  const { subject, key } = await subjectOf(site, options.scope, options.id, options.key);
  const minutes = options.minutes === undefined ? undefined : Number(options.minutes);
  if (options.oneShot ? minutes !== undefined : !(minutes !== undefined && minutes > 0 && minutes < Infinity)) {
    throw userError('E_BAD_PARAMETER', 'Give either --minutes with a number of more than 0, or --one-shot');
  }
  const body = {
    scope: options.scope === 'alarm' ? 'condition' : options.scope,
    id: subject,
    ...(key === undefined ? {} : { key }),
    ...(options.oneShot ? { oneShot: true } : { minutes }),
    reason: options.reason,
  };
  show(await read<ShelfPage>(site, '/api/v1/shelves', { method: 'POST', body }), options.json, print);
}

/** An alarm stands for its condition. */
async function subjectOf(
  site: RunningSite,
  scope: string,
  id: string,
  key: string | undefined,
): Promise<{ subject: string; key: string | undefined }> {
  if (scope === 'alarm') {
    const { alarm } = await read<{ alarm: Alarm }>(site, `/api/v1/alarms/${encodeURIComponent(id)}`);
    return { subject: alarm.triggerId, key: alarm.key };
  }
  if (!shelfScopes.includes(scope as ShelfScope)) {
    const known = ['alarm', ...shelfScopes].join(', ');
    throw userError('E_BAD_PARAMETER', `"${scope}" cannot be shelved; it is one of: ${known}`);
  }
  return { subject: id, key };
}

/** `alarmflow unshelve <id>` */
export async function unshelveCommand(
  options: { data: string; id: string; json: boolean },
  print: (line: string) => void,
): Promise<void> {
  const site = await findRunningSite(options.data);
  const path = `/api/v1/shelves/${encodeURIComponent(options.id)}`;
  show(await read<ShelfPage>(site, path, { method: 'DELETE' }), options.json, print);
}
