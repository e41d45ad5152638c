import { join } from 'node:path';
import { expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ReceivedEvent } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import { noRecordings } from '../../engine/domain/media';
import { type ArmingSchedule, weekdays } from '../../engine/domain/schedules';
import { openUploads } from '../../engine/host/uploads';
import { temporaryFolder } from '../support/temporary-folder';

const START = Date.UTC(2026, 10, 21, 12, 0, 0);

async function opened() {
  const clock = new VirtualClock(START);
  const told: { serverId: string; received: ReceivedEvent }[] = [];
  const nights: ArmingSchedule = {
    id: 'nights',
    name: 'Nights',
    timeZone: 'UTC',
    week: Object.fromEntries(weekdays.map((day) => [day, [{ from: 22 * 60, to: 6 * 60 }]])) as ArmingSchedule['week'],
  };
  const uploads = await openUploads({
    dataDir: join(await temporaryFolder(), 'data'),
    settings: { folders: ['/mnt/nas'], queueBytes: 10_000, queueDays: 7 },
    recordings: noRecordings,
    openClip: async () => null,
    schedule: (id) => (id === 'nights' ? nights : undefined),
    receive: async (serverId, received) => void told.push({ serverId, received }),
    clock,
    log: silentLog,
  });
  const keep = (key: string, at: number) =>
    uploads.spool.keep(
      { key, serverId: 'nas', requestedAt: at, until: START + 86_400_000 },
      [{ name: 'a.jpg', content: Buffer.alloc(9_000) }],
      { complete: true },
    );
  return { uploads, clock, told, keep };
}

it('tells of dropped uploads as one event of the file server, which is over when nothing is dropped for a while', async () => {
  const { uploads, clock, told, keep } = await opened();
  for (const at of [1, 2, 3]) await keep(`upload-${at}`, at);
  expect(told).toEqual([]);
  await clock.advance(5_000);
  expect(told).toMatchObject([
    {
      serverId: 'nas',
      received: {
        draft: {
          type: 'upload-queue-full',
          phase: 'start',
          quietMs: 900_000,
          description: expect.stringMatching(
            /^2 uploads were dropped \(18000 bytes\), 2 because more than 10000 bytes waited/,
          ),
        },
      },
    },
  ]);
  await uploads.close();
});

it('tells what was dropped just before the site stops', async () => {
  const { uploads, told, keep } = await opened();
  for (const at of [1, 2]) await keep(`upload-${at}`, at);
  await uploads.close();
  expect(told).toHaveLength(1);
});

it('knows when an upload period opens', async () => {
  const { uploads } = await opened();
  expect(uploads.period('nights', START)).toMatchObject({ armed: false, to: START + 10 * 3_600_000 });
  expect(uploads.period('nights', START + 11 * 3_600_000)).toMatchObject({ armed: true });
  expect(uploads.period('gone', START)).toBeUndefined();
  await uploads.close();
});
