/** A period that a site has recorded with its orders, given again to the same flow: the same comes of it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { ArmingOrder, ArmingSubject } from '../../engine/domain/arming';
import type { DeviceEvent } from '../../engine/domain/events';
import { sortableId } from '../../engine/domain/ids';
import { silentLog } from '../../engine/domain/log';
import type { AuditRow } from '../../engine/domain/record';
import type { TriggerDefinition } from '../../engine/domain/triggers';
import { openSite, type Site } from '../../engine/host/site';
import {
  beginningAt,
  entryLine,
  type ReportEntry,
  recordedInputs,
  type SimulationResult,
  simulate,
  summaryLines,
} from '../../engine/simulation';
import { eventually } from '../support/alarmflow-process';
import { DEVICE_NODE, linkageFlow, RELAY_NODE } from '../support/linkage-flow';
import { simulationRuntime } from '../support/simulated-flow';
import { temporaryFolder } from '../support/temporary-folder';

const runtime = simulationRuntime();
const RELAY = `${DEVICE_NODE}/relay/1`;
const TRIGGER = 'test-thermal';
const HALL = 'hall';
const trigger: ArmingSubject = { scope: 'trigger', id: TRIGGER };
const hall: ArmingSubject = { scope: 'area', id: HALL };

/** Longer than a busy machine takes from a start to the order that is meant for its alarm. */
const QUIET_SECONDS = 5;

const flow = [
  ...linkageFlow({ devicePort: 9, quietSeconds: QUIET_SECONDS, postAlarmSeconds: 1, log: false }).map((node) =>
    node.id === TRIGGER ? { ...node, area: HALL, disarm: 'end' } : node,
  ),
  { id: HALL, type: 'alarmflow-area', name: 'Hall', version: 1 },
];

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const oldestFirst = async function* <Row>(rows: Row[]): AsyncGenerator<Row> {
  yield* rows.toReversed();
};
const newestFirst = async function* <Row>(rows: Row[]): AsyncGenerator<Row> {
  yield* rows;
};

let from = 0;
let recorded: { events: DeviceEvent[]; orders: AuditRow[]; before: AuditRow[]; decided: string[] };

/** `outcome/reason key` of every decision, those of one condition in their order. */
const sorted = (decided: string[]): string[] =>
  [...new Set(decided.map((line) => line.slice(line.indexOf(' '))))].flatMap((key) =>
    decided.filter((line) => line.endsWith(key)),
  );

async function record(site: Site, definition: TriggerDefinition): Promise<void> {
  const claims: Promise<void>[] = [];
  const told = new Set<string>();
  await site.flow.defineArea({
    id: HALL,
    name: 'Hall',
    covers: 'area',
    scheduleId: null,
    exitDelayMs: 0,
    entryDelayMs: 0,
    atDisarm: 'end',
    unattended: 'force',
    inputs: [],
    flood: null,
  });
  await site.flow.defineTrigger(definition, ({ messageId, payload, topic, alarm }) => {
    const hold = { afterClearMs: 1_000, capMs: null };
    const claim = { deviceId: DEVICE_NODE, output: '1', alarm, messageId, condition: payload, topic, hold };
    told.add(alarm.id);
    claims.push(site.outputs.request({ nodeId: RELAY_NODE, nodeName: 'Siren', ...claim }));
  });
  await site.outputs.define({ nodeId: RELAY_NODE, deviceId: DEVICE_NODE, output: '1', name: 'Siren' });
  await site.flowsStarted();
  const hot = async (rule: number): Promise<void> => {
    const at = systemClock.now();
    await site.alarms.accept({
      id: sortableId(at),
      deviceId: DEVICE_NODE,
      type: 'temperature-alarm',
      vendorType: 'TMA',
      phase: 'start',
      level: 'alarm',
      channel: 2,
      rule: String(rule),
      deviceTime: null,
      deviceAt: null,
      receivedAt: at,
      clockSuspect: false,
      late: false,
      pictures: [],
      raw: '',
    });
    // The relay has what was raised before anything else happens, and nothing else is of the same moment.
    await eventually('what was raised to be told', () => site.alarms.live().every(({ id }) => told.has(id)));
    await Promise.all(claims);
    await pause(20);
  };
  const order = (subject: ArmingSubject, armed: boolean, more: Partial<ArmingOrder> = {}): Promise<void> =>
    site.alarms.orderArming({ subject, armed, how: 'normal', source: 'user', who: 'anna', forMs: null, ...more });
  const alarmOf = (rule: number): string =>
    site.alarms.live().find(({ key, state }) => key.includes(`rule=${rule}`) && state !== undefined)!.id;

  await order({ scope: 'site', id: 'site' }, false);
  await site.outputs.setMode(RELAY, 'off', 'otto');
  const aside = { scope: 'device' as const, id: 'elsewhere', forMs: 600_000, reason: '' };
  await site.alarms.shelving.shelve(aside, 'otto');
  await pause(20);
  from = systemClock.now();
  await pause(20);

  await hot(1);
  // What is open is treated like a period that begins: it raises.
  await order({ scope: 'site', id: 'site' }, true, { how: 'force', source: 'api' });
  await hot(2);
  await site.alarms.acknowledge(alarmOf(2), 'anna');
  await site.alarms.reset(alarmOf(1), 'anna');
  const shelf = await site.alarms.shelving.shelve(
    { scope: 'trigger', id: TRIGGER, forMs: 600_000, reason: 'test' },
    'anna',
  );
  await hot(3);
  await site.alarms.shelving.unshelve(shelf.id, 'anna');
  await hot(4);
  let armedAgain = false;
  site.alarms.onArming(({ subject, phase }) => {
    if (subject.scope === 'trigger' && phase === 'armed') armedAgain = true;
  });
  await order(trigger, false, { forMs: 1_000 });
  await hot(5);
  await eventually('the trigger to be armed again', () => armedAgain, 30_000);
  await pause(20);
  await hot(6);
  await order(hall, false, { source: 'node', who: 'Arm node' });
  await hot(7);
  await order(hall, true, { how: 'bypass', source: 'node', who: 'Arm node' });
  await hot(7);
  await site.outputs.setMode(RELAY, 'auto', 'otto');
  await hot(8);
  await site.outputs.resetAll('otto');
  await eventually('every alarm to end', () => site.alarms.live().length === 0, 30_000);

  const explained = await site.store.events({ limit: 1_000 });
  const decided = new Map<string, [key: string, text: string]>();
  const keep = (one: { id: string; outcome: string; reason: string; key?: string; at: number }): void => {
    if (one.at >= from) decided.set(one.id, [one.id, `${one.outcome}/${one.reason} ${one.key ?? ''}`]);
  };
  for (const { decisions } of explained) for (const one of decisions) keep(one);
  for (const alarm of await site.store.alarms({ live: false, limit: 1_000 }))
    for (const one of (await site.store.alarm(alarm.id))!.decisions) keep(one);
  recorded = {
    events: explained.map(({ event }) => event),
    orders: await site.store.audit({ limit: 1_000, orders: true, from }),
    before: await site.store.audit({ limit: 1_000, orders: true, to: from }),
    decided: [...decided.values()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text),
  };
}

interface Run {
  result: SimulationResult;
  entries: ReportEntry[];
  decided: string[];
}

async function replayed(flows: unknown = flow, orders = recorded.orders): Promise<Run> {
  const entries: ReportEntry[] = [];
  const decided: string[] = [];
  const result = await simulate({
    runtime: runtime(),
    flows,
    start: from,
    beginning: await beginningAt(from, newestFirst(recorded.before)),
    inputs: recordedInputs(oldestFirst(recorded.events), oldestFirst(orders)),
    onEntry: (entry) => entries.push(entry),
  });
  for (const entry of entries) {
    if (entry.kind === 'decision') decided.push(`${entry.outcome}/${entry.reason} ${entry.key}`);
  }
  return { result, entries, decided };
}

beforeAll(async () => {
  // The trigger as its node defines it.
  const loaded = await runtime().load(flow, { start: 0 });
  const definition = loaded.site.alarms.inspection.definitions().find(({ id }) => id === TRIGGER)!;
  await loaded.unload();
  const site = await openSite({
    dataDir: await temporaryFolder(),
    databaseUrl: null,
    redisUrl: null,
    siteName: 'site',
    clock: systemClock,
    log: silentLog,
  });
  try {
    await record(site, structuredClone(definition));
  } finally {
    await site.close();
  }
}, 60_000);

/** Orders as people gave them: those of nodes come from the flow, and here there is none that gives them. */
const byPeople = (): AuditRow[] =>
  recorded.orders.map((row) =>
    row.facts?.kind === 'arming' && row.facts.order?.source === 'node'
      ? { ...row, facts: { ...row.facts, order: { ...row.facts.order, source: 'user' as const } } }
      : row,
  );

describe('a recorded period with orders, simulated', () => {
  it('comes to the same raises, ends and refusals as in the site', async () => {
    expect(new Set(recorded.decided.map((line) => line.split(' ')[0]))).toEqual(
      new Set([
        'refused/disarmed',
        'refused/shelved',
        'raised/window-open',
        'raised/start',
        'acknowledged/acknowledge',
        'ended/reset',
        'ended/disarmed',
        'cleared/implied-stop',
        'ended/implied-stop',
      ]),
    );
    const { decided, result } = await replayed(flow, byPeople());
    expect(sorted(decided)).toEqual(sorted(recorded.decided));
    expect(result.warnings).toEqual([]);
  });

  it('tells what stood at its beginning, and begins with it', async () => {
    const { result, entries } = await replayed();
    expect(result.beginning).toEqual([
      expect.stringMatching(/^site is disarmed, by anna since 20/),
      expect.stringMatching(/^elsewhere is shelved by otto until 20/),
      `output ${RELAY} is off by hand of otto`,
      'what is not named is armed, or nothing on record says otherwise',
      expect.stringMatching(/^the alarms that ran, .* are not known/),
    ]);
    expect(summaryLines(result)[1]).toMatch(/^ {2}beginning {3}site is disarmed/);
    const auto = recorded.orders.find(({ action, detail }) => action === 'output.mode' && detail.includes('auto'))!;
    const on = entries.filter((entry) => entry.kind === 'output' && entry.on);
    expect(on.length).toBeGreaterThan(0);
    for (const { at } of on) expect(at).toBeGreaterThanOrEqual(auto.at);
  });

  it('names what it could not give again', async () => {
    const foreign: AuditRow = { ...recorded.orders[0]!, id: 'zz1', action: 'output.mode', who: 'old' };
    delete foreign.facts;
    const { result } = await replayed(
      flow.filter(({ id }) => id !== RELAY_NODE),
      [foreign, ...recorded.orders],
    );
    expect(result.warnings).toEqual([
      expect.stringMatching(/^2 recorded orders were not given again: given by nodes of the flow.*by Arm node at/),
      expect.stringMatching(/^1 recorded order was not given again: refused by this flow \(E_UNKNOWN_OUTPUT\)/),
      expect.stringMatching(/^1 recorded order was not given again: recorded by an earlier version/),
    ]);
  });

  it('says what condition it is that time decides on without an alarm', async () => {
    const at = from + 5_000;
    const patient = flow.map((node) => (node.id === TRIGGER ? { ...node, filteringTime: 2, quietTime: 1 } : node));
    const entries: ReportEntry[] = [];
    await simulate({
      runtime: runtime(),
      flows: patient,
      inputs: [{ kind: 'recorded', at, line: 1, event: { ...recorded.events[0]!, receivedAt: at } }],
      onEntry: (entry) => entries.push(entry),
    });
    const told = entries.flatMap((entry) => entryLine(entry)?.slice(26) ?? []);
    expect(told.find((line) => line.startsWith('refused'))).toMatch(
      /^refused {5}Hall too hot: Hall camera, temperature-alarm, channel 2, rule 8 \(on-delay, /,
    );
  });
});
