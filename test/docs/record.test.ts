/** Runs the fault table of docs/actions/record.md with ffmpeg, a camera that is rude on demand, and a disk that is full. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../../engine/domain/errors';
import type { KeptFile } from '../../engine/domain/record';
import { ActionBench, anAlarm, aRow } from '../actions/action-bench';
import { BenchSite } from '../outputs/bench-site';
import { tablesIn } from '../support/doc-tables';
import { benchTiming, camera, type RecordingBench, recordingBench } from '../support/recording-bench';
import { ffmpegMissing, type RtspServer, startRtspServer } from '../support/rtsp-server';
import { secureFront } from '../support/secure-front';
import { serverTest } from '../support/server-test';
import { selfSigned } from '../support/smtp-certificate';
import { temporaryFolder } from '../support/temporary-folder';

const table = tablesIn(readFileSync(join(__dirname, '../../docs/actions/record.md'), 'utf8')).find(
  ({ section }) => section === 'Faults',
)!;

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function until(what: string, holds: () => boolean, ms = 60_000): Promise<void> {
  for (let waited = 0; waited < ms && !holds(); waited += 20) await systemClock.sleep(20);
  if (!holds()) throw new Error(`never came: ${what}`);
}

const timing = { ...benchTiming, refusedMs: 800 };

interface Site {
  server: RtspServer;
  bench: RecordingBench;
  action: ActionBench;
}

async function site(
  options: Parameters<typeof recordingBench>[1] = {},
  server: Parameters<typeof startRtspServer>[0] = {},
  picture: Parameters<RtspServer['push']>[1] = {},
): Promise<Site> {
  const rtsp = await startRtspServer(server);
  opened.push(rtsp);
  await rtsp.push('/live', picture);
  const bench = await recordingBench(rtsp, { timing, ...options });
  opened.push(bench);
  const action = new ActionBench();
  action.recordings = bench.recorder;
  return { server: rtsp, bench, action };
}

const clipRow = (from: number, to: number): ActionRow => {
  const params = { channel: 1, from: Math.round(from), to: Math.round(to), part: 1, last: true };
  return aRow('record-clip', params, { alarm: { ...anAlarm({ channel: 1 }), phase: 'raise' } });
};
const recordRow = aRow('record', {
  channels: [1],
  preSeconds: 5,
  postSeconds: 10,
  partSeconds: 300,
  capSeconds: 3_600,
});

/** What becomes of an action, in the words of the table. */
async function outcomeOf({ action }: Site, row: ActionRow): Promise<{ words: string; error: AlarmflowError | null }> {
  try {
    const { summary } = await action.run(row);
    return { words: `clip kept${/, without \d+ s/.test(summary) ? ', without' : ''}`, error: null };
  } catch (thrown) {
    const error = asAlarmflowError(thrown);
    return { words: error.code, error };
  }
}

/** A fault, as it stands before the row is looked at. */
interface Scene {
  /** What the operator sees; null: nothing. */
  seen: AlarmflowError | null;
  act(): Promise<{ words: string; error: AlarmflowError | null }>;
  /** Mends it; resolves to what is then. */
  mended(): Promise<string>;
}

const troubleOf = ({ bench }: Site): AlarmflowError | null => bench.recorder.trouble('cam');
/** It is there and people were told of it; an earlier one that is over does not count. */
const troubled = (one: Site): Promise<void> =>
  until('the trouble', () => Boolean(one.bench.told.at(-1)) && troubleOf(one) !== null);

/** The ring fills again by itself, people were told of the end, and a clip can be cut. */
async function recordedAgain(one: Site, { told = true } = {}): Promise<string> {
  if (told) await until('the end of the trouble', () => one.bench.told.at(-1) === null);
  await until('pictures', () => troubleOf(one) === null);
  await one.bench.reaches(Date.now() + 1_300);
  const { words } = await outcomeOf(one, clipRow(Date.now() - 600, Date.now() - 100));
  return words.startsWith('clip kept') ? 'recorded' : words;
}

/** A stream that is in trouble; the action asks for what is just not recorded. */
async function streamScene(one: Site, mend: () => unknown): Promise<Scene> {
  await troubled(one);
  const at = Date.now();
  return {
    seen: troubleOf(one),
    act: () => outcomeOf(one, clipRow(at - 100, at)),
    async mended() {
      await mend();
      return recordedAgain(one);
    },
  };
}

const scenes: Record<string, () => Promise<Scene>> = {
  async 'ffmpeg is missing'() {
    const ffmpegPath = join(await temporaryFolder(), 'ffmpeg');
    const one = await site({ ffmpegPath });
    const scene = await streamScene(one, () =>
      symlinkSync(execFileSync('which', ['ffmpeg'], { encoding: 'utf8' }).trim(), ffmpegPath),
    );
    return { ...scene, act: () => outcomeOf(one, recordRow) };
  },
  async 'ffmpeg is killed'() {
    const one = await site();
    await one.bench.filled(1_500);
    const to = Date.now();
    await one.bench.reaches(to);
    const children = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,args='], { encoding: 'utf8' });
    process.kill(Number.parseInt(children.split('\n').find((line) => line.includes('mpegts'))!, 10), 'SIGKILL');
    await until('the trouble', () => troubleOf(one) !== null);
    return {
      seen: troubleOf(one),
      act: () => outcomeOf(one, clipRow(to - 1_000, to)),
      mended: () => recordedAgain(one, { told: false }),
    };
  },
  async 'source away'() {
    const one = await site();
    await one.bench.filled(2_000);
    const from = Date.now() - 1_500;
    await one.bench.reaches(from + 1_500);
    await one.server.close();
    await until('the trouble', () => /broke off/.test(troubleOf(one)?.message ?? ''));
    await troubled(one);
    await systemClock.sleep(1_200);
    return {
      seen: troubleOf(one),
      act: () => outcomeOf(one, clipRow(from, Date.now())),
      async mended() {
        const again = await startRtspServer({ port: one.server.port });
        opened.push(again);
        await again.push('/live');
        return recordedAgain(one);
      },
    };
  },
  async 'stream stands still'() {
    const one = await site({ timing: { ...timing, stallMs: 1_500 } });
    await one.bench.filled(500);
    one.server.stall(true);
    return streamScene(one, () => one.server.stall(false));
  },
  async 'wrong login'() {
    const right = { user: 'admin', password: 'right' };
    let login = { ...right, password: 'wrong' };
    let url = '';
    const one = await site({ liveStream: async () => ({ url, login }) }, { login: { scheme: 'digest', ...right } });
    url = one.server.url('/live');
    return streamScene(one, () => {
      login = right;
    });
  },
  async 'channel without a stream'() {
    const one = await site({ path: '/none' });
    return streamScene(one, () => one.server.push('/none'));
  },
  async 'no key frame for a time'() {
    // One key frame each 20 s, and 4 s are too long.
    const one = await site({ timing: { ...timing, keyMs: 4_000 } }, {}, { gop: 200 });
    await until('the trouble', () => /no key frame/.test(troubleOf(one)?.message ?? ''));
    const at = Date.now();
    const seen = troubleOf(one);
    return {
      seen,
      act: () => outcomeOf(one, clipRow(at - 100, at)),
      async mended() {
        await one.server.endPush('/live');
        await until('the end of the stream', () => troubleOf(one) !== null);
        await one.server.push('/live');
        return recordedAgain(one, { told: false });
      },
    };
  },
  async 'MPEG-4'() {
    const one = await site({}, {}, { codec: 'mpeg4' });
    await until('the trouble', () => troubleOf(one)?.code === 'E_RECORDER_FORMAT');
    const at = Date.now();
    const seen = troubleOf(one);
    return {
      seen,
      act: () => outcomeOf(one, clipRow(at - 100, at)),
      async mended() {
        await one.server.endPush('/live');
        await one.server.push('/live');
        return recordedAgain(one, { told: false });
      },
    };
  },
  async 'certificate not trusted (RTSP over TLS)'() {
    const own = selfSigned()!;
    const rtsp = await startRtspServer();
    opened.push(rtsp);
    await rtsp.push('/live');
    // The camera shows one at first that the dialog does not know.
    let shown = selfSigned()!;
    let front = await secureFront(shown, () => rtsp.port);
    opened.push({ close: () => front.close() });
    const fingerprint = new X509Certificate(own.cert).fingerprint256;
    const taken = {
      transport: 'tls' as const,
      security: { allowSelfSigned: false, authority: '', fingerprint },
    };
    const liveStream = async () => ({ url: `rtsps://127.0.0.1:${front.port}/live`, login: null });
    const bench = await recordingBench(rtsp, { timing, taken, liveStream });
    opened.push(bench);
    const action = new ActionBench();
    action.recordings = bench.recorder;
    return streamScene({ server: rtsp, bench, action }, async () => {
      shown = own;
      await front.close();
      front = await secureFront(shown, () => rtsp.port);
    });
  },
  async 'disk full, ring'() {
    let free = 1e12;
    const one = await site({ reserveBytes: 1e6, freeBytes: async () => free });
    await one.bench.filled(500);
    free = 5;
    return streamScene(one, () => {
      free = 1e12;
    });
  },
  async 'disk full, clip'() {
    let full = true;
    const kept = new Map<string, KeptFile>();
    const one = await site({
      media: {
        ofOrigin: async (origin) => kept.get(origin) ?? null,
        async keepFile({ origin }, write) {
          if (full) throw operationalError('E_MEDIA_WRITE', 'the disk is full; free some space');
          await write(join(await temporaryFolder(), 'clip'));
          kept.set(origin, kept.get(origin) ?? { mediaId: `m${kept.size + 1}`, size: 1 });
          return kept.get(origin)!;
        },
      },
    });
    await one.bench.filled(2_000);
    const row = clipRow(Date.now() - 1_500, Date.now() - 500);
    const first = await outcomeOf(one, row);
    return {
      seen: first.error,
      act: () => outcomeOf(one, row),
      async mended() {
        full = false;
        // Twice, as after a crash between the file and its row.
        await outcomeOf(one, row);
        await outcomeOf(one, row);
        const shown = new Set(one.action.shown.map(({ mediaId }) => mediaId));
        return kept.size === 1 && shown.size === 1 ? 'one clip' : `${kept.size} clips`;
      },
    };
  },
  async 'process away meanwhile'() {
    const one = await site();
    await one.bench.filled(2_000);
    const from = Date.now() - 1_500;
    await one.bench.reaches(from + 1_500);
    await one.bench.close();
    await systemClock.sleep(1_500);
    const next = await recordingBench(one.server, { timing, folder: one.bench.folder });
    opened.push(next);
    await until('pictures', () => next.recorder.trouble('cam') === null);
    const again = { ...one, bench: next };
    one.action.recordings = next.recorder;
    return {
      seen: null,
      act: () => outcomeOf(again, clipRow(from, Date.now())),
      mended: () => recordedAgain(again, { told: false }),
    };
  },
  async 'dialog not ticked'() {
    const one = await site();
    one.bench.recorder.remove(camera.deviceId);
    const { error } = await outcomeOf(one, recordRow);
    return {
      seen: error,
      act: () => outcomeOf(one, recordRow),
      mended: async () => (one.action.shown.length === 0 ? 'nothing' : 'shown'),
    };
  },
  async 'device offline (recording on the device)'() {
    const outputs = new BenchSite([{ nodeId: 'node', output: '1', kind: 'record' }]);
    await outputs.start();
    outputs.box.away = true;
    await outputs.raise('A', { afterClearMs: 10_000 }, { nodeId: 'node', output: '1', kind: 'record' });
    const failing = outputs.outputs.reconcile('box/record/1').catch(asAlarmflowError);
    await outputs.advance(20_000);
    return {
      seen: (await failing) ?? null,
      act: async () => ({ words: '–', error: null }),
      async mended() {
        outputs.box.away = false;
        await outputs.advance(1_000);
        return outputs.box.switches.get('record/1')?.on ? 'on' : 'off';
      },
    };
  },
};

describe('docs/actions/record.md', () => {
  it('has a scene for each fault, and no other', () => {
    expect(table.rows.map(([fault]) => fault)).toEqual(Object.keys(scenes));
  });

  for (const [fault, code, words, action, again, then] of table.rows)
    serverTest(
      `${fault}: ${code}, ${action}, then ${then}`,
      ffmpegMissing,
      async () => {
        const { seen, act, mended } = await scenes[fault!]!();
        expect(seen?.code ?? '–').toBe(code);
        expect(seen?.message ?? '–').toContain(words);
        const outcome = await act();
        expect(outcome.words).toBe(action);
        // Only an action that failed for the moment is tried again by the queue.
        expect(outcome.error?.family === 'operational').toBe(again === 'action');
        expect(await mended()).toBe(then);
      },
      120_000,
    );
});
