/**
 * The action `upload` (REQUIREMENTS L5, M8): pictures, a clip and the alarm itself as files on a server or in a folder.
 * The row of the action is its place in the queue; the spool keeps what is to be uploaded, the lane says when.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ActionHandler, ActionKind, ActionResult, ActionRow } from '../domain/actions';
import { asAlarmflowError, bugError, userError, waitError } from '../domain/errors';
import type { FileServer } from '../domain/file-server';
import { noRecordings } from '../domain/media';
import { isAskedFor } from './fields';
import { withHeldBack } from './held-back';
import { placeOf, serverName } from './upload-errors';
import { createUploadLane, type UploadLane } from './upload-lane';
import { gather, type MaterialParts } from './upload-material';
import { readUploadParams, type UploadParams } from './upload-params';
import { joinPath, uploadPath } from './upload-path';
import { withTarget } from './upload-servers';
import type { SpoolEntry } from './upload-spool';
import { type Uploaded, uploadFile } from './upload-transfer';

export interface UploadParts extends MaterialParts {
  fileServer(id: string): FileServer | undefined;
  uploads: MaterialParts['uploads'] & {
    /** Folders below which a file server may name a folder of this machine; the site's configuration has them. */
    folders: readonly string[];
    /** Whether a schedule is open at a moment, and until when that stays so; undefined: there is no such schedule. */
    period(scheduleId: string, at: number): UploadPeriod | undefined;
  };
}

export interface UploadPeriod {
  armed: boolean;
  /** Infinite when the schedule never changes. */
  to: number;
  detail: string;
}

/** Limit of one try: so long, and as much longer as the bytes take on a thin line. */
const TRY_LIMIT_MS = 180_000;
const THIN_LINE_BYTES_PER_MS = 20;
const LONGEST_TRY_MS = 60 * 60_000;
/** How long an upload may wait where the site says nothing else. */
const DEFAULT_AGE_MS = 7 * 24 * 60 * 60_000;
/** A closed period is looked at again so soon at least: its schedule may be another one by then. */
const PERIOD_LOOK_MS = 15 * 60_000;

/** @param kinds one handler for each; the older kind has rows that wait */
export function uploadHandlers(parts: UploadParts): ActionHandler[] {
  const lanes = new Map<string, { lane: UploadLane; server: FileServer }>();
  const laneTo = (server: FileServer): UploadLane => {
    const known = lanes.get(server.id);
    if (known && isDeepStrictEqual(known.server, server)) return known.lane;
    const lane = known?.lane ?? createUploadLane(parts.clock);
    // New credentials are tried at once.
    lane.begin();
    lanes.set(server.id, { lane, server });
    return lane;
  };
  return (['upload', 'sftp-upload'] as const).map((kind) => uploadHandler(kind, parts, laneTo));
}

function serverOf(parts: UploadParts, params: UploadParams, row: ActionRow): FileServer {
  const server = parts.fileServer(params.serverId);
  if (server) return server;
  throw userError(
    'E_UNKNOWN_FILE_SERVER',
    `Upload node "${row.nodeName || row.nodeId}" names a file server that is gone: choose one in its dialog`,
  );
}

/** @throws E_WAITS outside the upload's periods, E_UNKNOWN_SCHEDULE (user) */
function checkPeriod(parts: UploadParts, params: UploadParams, row: ActionRow): void {
  if (params.scheduleId === null) return;
  const now = parts.clock.now();
  const period = parts.uploads.period(params.scheduleId, now);
  if (!period)
    throw userError(
      'E_UNKNOWN_SCHEDULE',
      `Upload node "${row.nodeName || row.nodeId}" names a schedule of upload periods that is gone: choose one in its dialog`,
    );
  if (!period.armed)
    throw waitError(`Waits for its upload period: ${period.detail}`, Math.min(period.to - now, PERIOD_LOOK_MS));
}

function uploadHandler(
  kind: ActionKind & ('upload' | 'sftp-upload'),
  parts: UploadParts,
  laneTo: (server: FileServer) => UploadLane,
): ActionHandler {
  const { spool, folders } = parts.uploads;

  async function send(
    server: FileServer,
    params: UploadParams,
    row: ActionRow,
    entry: SpoolEntry,
    signal: AbortSignal,
  ) {
    const { directories } = uploadPath(params.path, row, parts.siteName);
    const directory = directories.reduce(joinPath, server.root);
    const wholeMs = Math.min(LONGEST_TRY_MS, TRY_LIMIT_MS + entry.bytes / THIN_LINE_BYTES_PER_MS);
    const uploaded = await withTarget(
      server,
      { clock: parts.clock, uploadFolders: folders },
      signal,
      wholeMs,
      async (target) => {
        await target.ensureDirectory(directory);
        const files: Uploaded[] = [];
        for (const file of entry.files) files.push(await uploadFile(server, target, directory, file));
        return files;
      },
    );
    return { directory, uploaded };
  }

  return {
    kind,
    heavy: false,
    waitsFor: () => 'pictures',
    // Pictures are evidence: worth as long as the queue keeps them.
    defaultDeadlineMs: spool.mostAgeMs,
    // The deadline decides.
    attempts: Number.POSITIVE_INFINITY,
    check(params) {
      readUploadParams(params);
    },
    rehearse(row) {
      const params = readUploadParams(row.params);
      const server = serverOf(parts, params, row);
      const { directories, name } = uploadPath(params.path, row, parts.siteName);
      const directory = directories.reduce(joinPath, server.root);
      return `upload of ${wishOf(params)} to ${placeOf(server)} as ${joinPath(directory, name)}`;
    },
    async execute({ row, attempt, signal, test = false }): Promise<ActionResult> {
      const params = readUploadParams(row.params);
      if (!test && !isAskedFor(params.phases, row))
        return { status: 'skipped', summary: `No upload is asked for at the phase "${row.phase}"` };
      const server = serverOf(parts, params, row);
      const forced = test || (attempt === 1 && row.attempts > 1);
      if (forced) await spool.takeUp(row.key);
      const before = spool.entry(row.key);
      if (before?.state === 'done') return { status: 'done', summary: before.summary };
      if (before?.state === 'dropped') throw userError('E_UPLOAD_DROPPED', before.summary);
      try {
        const entry = await gather(parts, params, row, signal, { test });
        if (entry.state === 'dropped') throw userError('E_UPLOAD_DROPPED', entry.summary);
        if (entry.files.length === 0) {
          const summary = entry.notes.join('; ') || 'There is nothing to upload';
          await spool.forget(row.key);
          return { status: 'skipped', summary };
        }
        if (!test) checkPeriod(parts, params, row);
        const sent = test
          ? await send(server, params, row, entry, signal)
          : await laneTo(server).run(
              { key: row.key, requestedAt: row.requestedAt, again: row.attempts > 1, forced },
              serverName(server),
              signal,
              () => send(server, params, row, entry, signal),
            );
        const summary = withHeldBack(summaryOf(server, sent, entry), row);
        if (test) await spool.forget(row.key);
        else await spool.done(row.key, summary);
        return { status: 'done', summary };
      } catch (thrown) {
        signal.throwIfAborted();
        const error = asAlarmflowError(thrown);
        if (test) await spool.forget(row.key);
        else if (error.family === 'user') await spool.setAside(row.key);
        throw error;
      }
    },
  };
}

function wishOf({ pictures, clip, alarmFile }: UploadParams): string {
  return [
    pictures ? 'pictures' : null,
    clip ? 'a clip' : null,
    alarmFile === 'none' ? null : `the alarm as ${alarmFile}`,
  ]
    .filter((part) => part !== null)
    .join(', ');
}

/** `2 pictures, 1 clip`. */
function countOf(names: readonly string[]): string {
  const kindOf = (name: string): string => {
    if (/\.(json|txt)$/.test(name)) return 'alarm file';
    return name.endsWith('.mp4') ? 'clip' : 'picture';
  };
  const kinds = new Map<string, number>();
  for (const name of names) kinds.set(kindOf(name), (kinds.get(kindOf(name)) ?? 0) + 1);
  return [...kinds].map(([word, count]) => `${count} ${word}${count === 1 ? '' : 's'}`).join(', ');
}

function summaryOf(
  server: FileServer,
  { directory, uploaded }: { directory: string; uploaded: readonly Uploaded[] },
  entry: SpoolEntry,
): string {
  const more = uploaded.length === 1 ? '' : ` and ${uploaded.length - 1} more`;
  const place = server.protocol === 'folder' ? 'in a folder' : `on ${placeOf(server)}`;
  const early = uploaded.filter(({ fresh }) => !fresh).length;
  const resumed = uploaded.reduce((sum, file) => sum + file.resumed, 0);
  return [
    `${countOf(entry.files.map(({ name }) => name))} ${place} as ${joinPath(directory, uploaded[0]!.name)}${more}`,
    early === 0 ? null : `${early} of them had arrived at an earlier try`,
    resumed === 0 ? null : `${resumed} bytes had been left by an earlier try and were not sent again`,
    ...entry.notes,
  ]
    .filter((part) => part !== null)
    .join('; ');
}

/** Where nothing is ever uploaded, as in a simulation: actions can be asked for, none of them is done. */
export const noUploads: UploadParts['uploads'] = {
  spool: {
    mostAgeMs: DEFAULT_AGE_MS,
    entry: () => null,
    keep: () => Promise.reject(bugError('E_NO_UPLOADS', 'Nothing is uploaded here')),
    missed: async () => 0,
    done: async () => undefined,
    forget: async () => undefined,
    setAside: async () => undefined,
    takeUp: async () => undefined,
    bytes: () => 0,
    close: async () => undefined,
  },
  folders: [],
  recordings: noRecordings,
  openClip: async () => null,
  period: () => undefined,
};
