import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { healthMail } from '../../engine/actions/health-mail';
import { localTime } from '../../engine/clock/clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { operationalError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import type { HealthReport, MailServer } from '../../engine/domain/mail';
import type { RecordWrites, StandingRow, TimerRow } from '../../engine/domain/record';
import { createTimers } from '../../engine/executor';
import { createHealthMails, type HealthMails } from '../../engine/host/health-mails';
import { type HealthReportParts, makeHealthReport } from '../../engine/host/health-report';
import { anAlarm, aServer } from '../actions/action-bench';

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 21, 7);

const aReport = (fields: Partial<HealthReport> = {}): HealthReport => ({
  at: START,
  since: START - 60 * MINUTE,
  everyMs: 60 * MINUTE,
  arming: ['Depot: armed since 07:00'],
  devices: 2,
  away: [],
  outputs: 1,
  unconfirmed: [],
  failed: [],
  failedCount: 0,
  waiting: 0,
  disk: { free: 5 * 1024 ** 3, total: 10 * 1024 ** 3 },
  alarms: [],
  live: 0,
  problems: [],
  ...fields,
});

/** The disk, and lives of the process on it. */
class Site {
  readonly clock = new VirtualClock(START);
  readonly standing = new Map<string, StandingRow>();
  readonly timerRows = new Map<string, TimerRow>();
  readonly rows = new Map<string, ActionRow>();
  readonly submitted: string[] = [];
  servers: MailServer[] = [];
  fails = false;
  since: number[] = [];
  mails!: HealthMails;
  #timers!: ReturnType<typeof createTimers>;

  async start(setBackMs = 0): Promise<void> {
    this.#timers = createTimers({ clock: this.clock, log: silentLog });
    this.mails = createHealthMails({
      clock: this.clock,
      log: silentLog,
      timers: this.#timers,
      writer: { commit: (writes) => this.#commit(writes) },
      mailServers: () => this.servers,
      report: async (since) => {
        this.since.push(since);
        return aReport({ since });
      },
      submit: async ({ key }) => void this.submitted.push(key),
    });
    this.mails.resume([...this.standing.values()], setBackMs);
    await this.mails.flowsStarted();
    this.#timers.resume([...this.timerRows.values()]);
    await this.clock.advance(0);
  }

  kill(): void {
    this.#timers.close();
  }

  async #commit(writes: RecordWrites): Promise<void> {
    if (this.fails) throw operationalError('E_RECORD_WRITE', 'the disk is full');
    for (const row of writes.standing ?? []) this.standing.set(row.id, row);
    for (const id of writes.standingDeleted ?? []) this.standing.delete(id);
    for (const row of writes.timers ?? []) this.timerRows.set(row.id, row);
    for (const id of writes.timersDeleted ?? []) this.timerRows.delete(id);
    for (const row of writes.actions ?? []) if (!this.rows.has(row.key)) this.rows.set(row.key, row);
  }
}

let site: Site;
const withHealth = (minutes: number): MailServer =>
  aServer(25, { health: { everyMs: minutes * MINUTE, to: ['boss@example.com'] } });
beforeEach(async () => {
  site = new Site();
  site.servers = [withHealth(60)];
  await site.start();
});

describe('health mails', () => {
  it('come in their rhythm, also when nothing happens, and each tells of its own period', async () => {
    await site.clock.advance(59 * MINUTE);
    expect(site.rows.size).toBe(0);
    await site.clock.advance(122 * MINUTE);
    expect([...site.rows.keys()]).toEqual([1, 2, 3].map((n) => `health:office:${START + n * 60 * MINUTE}`));
    expect(site.since).toEqual([0, 1, 2].map((n) => START + n * 60 * MINUTE));
    expect([...site.rows.values()][0]).toMatchObject({
      kind: 'email',
      status: 'queued',
      params: { serverId: 'office', to: ['boss@example.com'], health: { devices: 2 } },
    });
  });

  it('are neither doubled nor lost by restarts', async () => {
    for (let n = 0; n < 9; n++) {
      await site.clock.advance(20 * MINUTE);
      site.kill();
      await site.start();
    }
    expect(site.rows.size).toBe(3);
    expect(site.submitted).toEqual([...site.rows.keys()]);
  });

  it('that fell due while the process was away are sent once', async () => {
    site.kill();
    await site.clock.advance(5 * 60 * MINUTE + 10 * MINUTE);
    await site.start();
    expect(site.rows.size).toBe(1);
    await site.clock.advance(59 * MINUTE);
    expect(site.rows.size).toBe(1);
    await site.clock.advance(2 * MINUTE);
    expect(site.rows.size).toBe(2);
  });

  it('whose record cannot be written come when it can', async () => {
    site.fails = true;
    await site.clock.advance(61 * MINUTE);
    expect(site.rows.size).toBe(0);
    site.fails = false;
    await site.clock.advance(2 * MINUTE);
    expect([...site.rows.keys()]).toEqual([`health:office:${START + 60 * MINUTE}`]);
  });

  it('go on through a deploy, follow another time, and end with their server', async () => {
    await site.clock.advance(50 * MINUTE);
    await site.mails.flowsStarted();
    await site.clock.advance(11 * MINUTE);
    expect(site.rows.size).toBe(1);
    site.servers = [withHealth(30)];
    await site.mails.flowsStarted();
    await site.clock.advance(30 * MINUTE);
    expect(site.rows.size).toBe(2);
    site.servers = [aServer(25)];
    await site.mails.flowsStarted();
    await site.clock.advance(240 * MINUTE);
    expect(site.rows.size).toBe(2);
    expect([site.standing.size, site.timerRows.size]).toEqual([0, 0]);
  });

  it('are no later because the clock was set back while the process was away', async () => {
    site.kill();
    site.clock.jump(-24 * 60 * MINUTE);
    await site.start(24 * 60 * MINUTE);
    await site.clock.advance(61 * MINUTE);
    expect(site.rows.size).toBe(1);
  });
});

describe('health mails and the wall clock', () => {
  const TZ = process.env.TZ;
  afterEach(() => {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  });

  /** A site that sends one mail a day, the first of them at this moment. */
  async function daily(first: number): Promise<void> {
    process.env.TZ = 'Europe/Berlin';
    site = new Site();
    site.servers = [withHealth(1_440)];
    site.clock.jump(first - 1_440 * MINUTE - START);
    await site.start();
    await site.clock.advance(1_440 * MINUTE);
    expect(site.rows.size).toBe(1);
  }
  const BEFORE_SPRING = Date.UTC(2027, 2, 27, 1, 30);
  const BEFORE_AUTUMN = Date.UTC(2026, 9, 24, 0, 30);

  it.each([
    ['in the night without 02:30', BEFORE_SPRING],
    ['in the night with two 02:30', BEFORE_AUTUMN],
  ])('due at 02:30 come once in 24 hours %s', async (_night, first) => {
    await daily(first);
    for (let day = 2; day <= 4; day++) {
      await site.clock.advance(1_440 * MINUTE - 1);
      expect(site.rows.size).toBe(day - 1);
      await site.clock.advance(1);
      expect(site.rows.size).toBe(day);
    }
    expect(site.since.map((since, n) => since - site.since[0]! - n * 1_440 * MINUTE)).toEqual([0, 0, 0, 0]);
  });

  it.each([
    ['without 02:30', BEFORE_SPRING],
    ['with two 02:30', BEFORE_AUTUMN],
  ])('come once where the site stood still over the time in the night %s', async (_night, first) => {
    await daily(first);
    await site.clock.advance(1_380 * MINUTE);
    site.kill();
    await site.clock.advance(180 * MINUTE);
    await site.start();
    expect(site.rows.size).toBe(2);
    site.kill();
    await site.start();
    expect(site.rows.size).toBe(2);
    await site.clock.advance(1_440 * MINUTE);
    expect(site.rows.size).toBe(3);
  });

  it.each([
    ['the whole rhythm, and the moment of the last one comes again', -60],
    ['twice the rhythm', -120],
    ['years, by a clock without a battery', -30 * 1_440 * 365],
    ['an hour ahead', 60],
    ['years ahead, by NTP', 30 * 1_440 * 365],
  ])('come in their rhythm when the clock is set by %s', async (_how, minutes) => {
    await site.clock.advance(120 * MINUTE);
    expect(site.rows.size).toBe(2);
    site.clock.jump(minutes * MINUTE);
    for (let n = 3; n <= 6; n++) {
      await site.clock.advance(60 * MINUTE);
      expect([...site.rows.keys()]).toHaveLength(n);
    }
    expect(new Set(site.submitted).size).toBe(6);
  });

  it('come in their rhythm when the clock is set back by it again and again', async () => {
    for (let n = 1; n <= 5; n++) {
      await site.clock.advance(60 * MINUTE);
      expect(site.rows.size).toBe(n);
      site.clock.jump(-60 * MINUTE);
    }
  });

  it.each([-60, -120])(
    'come again after the clock was set back by %i min while the process was away',
    async (minutes) => {
      await site.clock.advance(120 * MINUTE);
      site.kill();
      site.clock.jump(minutes * MINUTE);
      await site.start(-minutes * MINUTE);
      for (let n = 3; n <= 5; n++) {
        await site.clock.advance(60 * MINUTE);
        expect(site.rows.size).toBe(n);
      }
    },
  );
});

describe('the text of a health mail', () => {
  it('says in its subject that all is well', () => {
    const { subject, text } = healthMail(aReport(), 'Depot');
    expect(subject).toBe('Health: Depot: all well');
    expect(text).toContain('No alarm has been raised in this period.');
    expect(text).toContain('Disk:        5.0 GB of 10.0 GB free (50 %)');
    expect(text).toContain('The next health mail comes in 1 h.');
    expect(text).toContain('- Depot: armed since 07:00');
  });

  it('names what is to be looked after, in one line each whatever a device says', () => {
    const { subject, text } = healthMail(
      aReport({
        away: [{ name: 'Gate\r\nBcc: x', detail: 'no answer' }],
        unconfirmed: [{ name: 'Hall, Siren', detail: 'should be off: no answer' }],
        failed: [{ name: 'Upload', detail: 'refused' }],
        failedCount: 30,
        alarms: [{ type: 'motion', count: 4, last: { at: START, deviceName: 'Gate' } }],
      }),
      'Depot\r\nBcc: y',
    );
    expect(subject).toBe('Health: Depot Bcc: y: 32 to look after');
    expect(text).toContain('- Gate Bcc: x: no answer');
    expect(text).toContain('- Hall, Siren: should be off');
    expect(text).toContain('Actions that failed (30):\n- Upload: refused\n- and 29 more');
    expect(text).toMatch(new RegExp(`- 4 × \\S.*, the last on Gate at ${localTime(START).slice(0, 10)}`));
  });
});

describe('what a health mail tells', () => {
  const parts = (fields: Partial<HealthReportParts> = {}): HealthReportParts => ({
    now: () => START,
    dataDir: __dirname,
    devices: () => [],
    deviceStatus: () => null,
    deviceName: (id) => id,
    outputs: () => [],
    armingRows: () => [],
    liveAlarms: () => [],
    alarms: async () => [],
    failedActions: async () => [],
    queue: async () => ({ waiting: 1, active: 0, delayed: 2, warnings: ['Redis keeps nothing'] }),
    broken: () => null,
    ...fields,
  });

  it('counts the alarms of its period by type, and the failed actions of it', async () => {
    const alarms = [
      anAlarm({ raisedAt: START - 1, deviceName: 'Gate', type: 'motion' }),
      anAlarm({ raisedAt: START - 2, type: 'motion' }),
      anAlarm({ raisedAt: START - 3 }),
      anAlarm({ raisedAt: START - 60 * MINUTE - 1 }),
    ];
    const failed = [START - 1, START - 61 * MINUTE].map(
      (finishedAt) => ({ nodeName: 'Upload', nodeId: 'n', summary: 'refused', finishedAt }) as ActionRow,
    );
    const report = await makeHealthReport(
      parts({ alarms: async () => alarms, failedActions: async () => failed }),
      START - 60 * MINUTE,
      60 * MINUTE,
    );
    expect(report.alarms).toEqual([
      { type: 'motion', count: 2, last: { at: START - 1, deviceName: 'Gate' } },
      { type: 'temperature-alarm', count: 1, last: { at: START - 3, deviceName: 'Hall camera' } },
    ]);
    expect(report).toMatchObject({ failedCount: 1, waiting: 3, problems: ['Redis keeps nothing'] });
    expect(report.disk!.total).toBeGreaterThan(0);
  });

  it('says what could not be read instead of failing', async () => {
    const report = await makeHealthReport(
      parts({
        dataDir: '/nowhere/at/all',
        alarms: () => Promise.reject(operationalError('E_X', 'the record is away')),
      }),
      START,
      60 * MINUTE,
    );
    expect(report.disk).toBeNull();
    expect(report.problems.join()).toMatch(
      /The disk could not be read.*The alarms could not be read: the record is away/,
    );
  });
});
