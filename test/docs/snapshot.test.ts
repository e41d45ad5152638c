/** Runs the fault table of docs/actions/snapshot.md. Real streams are in test/recording, a real full disk in test/store. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { Picture } from '../../engine/domain/devices';
import { asAlarmflowError, operationalError, userError } from '../../engine/domain/errors';
import type { Recordings } from '../../engine/domain/media';
import { ActionBench, aRow, type Camera, RAISED } from '../actions/action-bench';
import { tablesIn } from '../support/doc-tables';

const table = tablesIn(readFileSync(join(__dirname, '../../docs/actions/snapshot.md'), 'utf8')).find(
  ({ section }) => section === 'Faults',
)!;

const picture: Picture = { contentType: 'image/jpeg', bytes: Buffer.from([0xff, 0xd8, 1, 0xff, 0xd9]) };
/** The hall's ring, and what it has of a moment. */
const ring = (of: (moment: number) => Picture | null): Recordings => ({
  isRecorded: ({ deviceId }) => deviceId === 'cam',
  picturesAt: async (_camera, moments) => moments.map(of),
  clip: () => Promise.reject(new Error('no clip is asked for')),
});

interface Site {
  bench: ActionBench;
  clock: VirtualClock;
  cam: Camera;
}
interface Scene {
  params?: Record<string, unknown>;
  break(site: Site): unknown;
  mend(site: Site): unknown;
}

const failing = (error: Error): Scene => ({
  break: ({ cam }) => {
    cam.picture = () => Promise.reject(error);
  },
  mend: ({ cam }) => {
    cam.picture = async () => picture;
  },
});
const keepsAgain = ({ bench }: Site): void => {
  bench.keep = keepOnce(bench);
};
/** As the store does: what has the same origin is the same picture. */
const keepOnce = (bench: ActionBench): ActionBench['keep'] => {
  const known = new Map<string, string>();
  return async (one) => {
    const origin = one.origin ?? String(known.size);
    const id = known.get(origin) ?? `media-${bench.kept.push(one)}`;
    known.set(origin, id);
    return id;
  };
};
const nothing = (): void => undefined;

const scenes: Record<string, Scene> = {
  'camera away': failing(operationalError('E_DEVICE_OFFLINE', '"Hall camera" is not connected')),
  'camera slow': {
    break: ({ cam }) => {
      cam.picture = () => new Promise(() => undefined);
    },
    mend: ({ cam }) => {
      cam.picture = async () => picture;
    },
  },
  'camera refuses the login': failing(operationalError('E_CREDENTIALS_REFUSED', 'the login was refused')),
  'camera has no pictures': failing(userError('E_NOT_SUPPORTED', '"Hall camera" has no pictures')),
  'device deleted from the flow': { break: ({ bench }) => bench.cameras.delete('cam'), mend: nothing },
  'its last seconds are not kept': { params: { offsets: [-3, 0] }, break: nothing, mend: nothing },
  'the ring has no picture of the moment': {
    params: { offsets: [-3, 0] },
    break: ({ bench }) => {
      bench.recordings = ring(() => null);
    },
    mend: nothing,
  },
  'the ring has none at all, and it is late': {
    async break({ bench, clock }) {
      await clock.advanceTo(RAISED + 20_000);
      bench.recordings = ring(() => null);
    },
    mend: nothing,
  },
  'only pictures of before, and no ring': {
    params: { offsets: [-3] },
    break: nothing,
    mend: ({ bench }) => {
      bench.recordings = { ...ring(() => picture), isRecorded: () => true };
    },
  },
  'disk full': {
    break: ({ bench }) => {
      bench.keep = () => Promise.reject(operationalError('E_MEDIA_WRITE', 'the disk is full; free some space'));
    },
    mend: keepsAgain,
  },
  'too large a picture': {
    break: ({ bench }) => {
      const keep = keepOnce(bench);
      // The first camera's: the store takes 16 MiB at most.
      bench.keep = async (one) =>
        one.bytes.length > 16 * 1024 ** 2
          ? Promise.reject(userError('E_PICTURE_TOO_LARGE', 'at most 16 MiB are kept'))
          : keep(one);
      bench.cameras.get('cam')!.picture = async () => ({ ...picture, bytes: Buffer.alloc(16 * 1024 ** 2 + 1) });
    },
    mend: nothing,
  },
};

describe('docs/actions/snapshot.md', () => {
  it('has a scene for each fault, and no other', () => {
    expect(table.rows.map(([fault]) => fault)).toEqual(Object.keys(scenes));
  });

  it.each(table.rows)('%s: %s', async (fault, code, words, again, atOnce, inTheEnd) => {
    const clock = new VirtualClock(RAISED);
    const bench = new ActionBench(clock);
    const cam = bench.cameras.get('cam')!;
    cam.picture = async () => picture;
    keepsAgain({ bench, clock, cam });
    const scene = scenes[fault!]!;
    await scene.break({ bench, clock, cam });
    const row = aRow('snapshot', { cameras: [{ deviceId: 'yard', channel: 1 }], ...scene.params });
    const shown = () => new Set(bench.shown.map(({ mediaId }) => mediaId)).size;

    const trying = bench.run(row).then(
      ({ summary }) => ({ code: '–', family: 'none', message: summary }),
      (thrown: unknown) => asAlarmflowError(thrown),
    );
    await clock.advance(10_000);
    const outcome = await trying;
    expect(outcome.code).toBe(code);
    expect(outcome.message).toContain(words);
    expect(outcome.family === 'operational' ? 'yes' : 'no').toBe(again);
    expect(shown()).toBe(Number(atOnce));

    await scene.mend({ bench, clock, cam });
    if (again === 'yes') expect((await bench.run(row)).status).toBe('done');
    expect(shown()).toBe(Number(inTheEnd));
    // None stands twice, and what was kept at the first try was not kept again.
    expect(bench.kept).toHaveLength(Number(inTheEnd));
  });

  it('expires 90 s after the alarm', () => {
    expect(new ActionBench().handler('snapshot').defaultDeadlineMs).toBe(90_000);
  });
});
