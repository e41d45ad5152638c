import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { emailHandler } from '../../engine/actions/email';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { silentLog } from '../../engine/domain/log';
import { withDryRun } from '../../engine/executor';
import { createFlowEngine, type FlowEngineParts } from '../../engine/host/flow-engine';
import { type ServiceTests, withDryTests } from '../../engine/host/service-tests';
import { aRow, aServer } from '../actions/action-bench';

/** What each test is asked with, and what it must say of it in a dry run. */
const asked: { [Name in keyof ServiceTests]: [definition: object, says: string] } = {
  testMailServer: [aServer(25), 'would send a test mail to anna@example.org by mail server'],
  testFileServer: [
    { protocol: 'sftp', name: 'Archive', host: 'nas.example.org', port: 22 },
    'would log in to file server "Archive" (nas.example.org:22), write a test file and remove it again',
  ],
  testSnmpReceiver: [
    { name: '', host: 'noc.example.org', port: 162, notification: 'inform', access: { version: '2c', community: 'x' } },
    'would send an SNMPv2c inform to SNMP receiver noc.example.org:162',
  ],
  testAlarmCentre: [
    { name: 'City', url: 'https://city.example.org/alarms?key=secret', method: 'POST' },
    'would send POST with a sign of life to alarm centre "City" (city.example.org)',
  ],
  testMqttBroker: [
    { name: '', host: 'mqtt.example.org', port: 1883 },
    'would log in to MQTT broker mqtt.example.org:1883 and out again',
  ],
};
const names = Object.keys(asked) as (keyof ServiceTests)[];

/** An engine whose tests say that they were done. */
function engine(dry: () => boolean) {
  const idle = { onNotice: () => undefined, onArming: () => undefined };
  const tests = Object.fromEntries(names.map((name) => [name, async () => ({ ok: true, detail: `sent: ${name}` })]));
  return createFlowEngine({
    alarms: idle,
    outputs: idle,
    handlers: [],
    timers: { onDue: () => undefined },
    tests,
    siteIsDry: dry,
    clock: new VirtualClock(0),
    log: silentLog,
  } as unknown as FlowEngineParts);
}
const press = (flow: ServiceTests, name: keyof ServiceTests) =>
  (flow[name] as (definition: object, to: string) => Promise<{ ok: boolean; detail: string }>)(
    asked[name][0],
    'anna@example.org',
  );

describe('the test button of a service', () => {
  it.each(names)('%s says in a dry run of the site what it would do, and sends nothing', async (name) => {
    let dry = true;
    const flow = engine(() => dry);
    const { ok, detail } = await press(flow, name);
    expect(ok).toBe(true);
    expect(detail).toMatch(/^Dry run: would .*; nothing was sent$/);
    expect(detail).toContain(asked[name][1]);
    expect(detail).not.toContain('secret');
    dry = false;
    expect(await press(flow, name)).toEqual({ ok: true, detail: `sent: ${name}` });
  });

  it('cannot be forgotten: every test that a dialog asks for keeps to the dry run', () => {
    const inDialogs = globSync('nodes/**/*.ts').flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/engine\.(test[A-Z]\w*)\(/g)].map(([, name]) => name!),
    );
    // These two keep to it by themselves (node-tests.test.ts); the third only asks a device who it is.
    const others = ['testAction', 'testOutput', 'testDevice'];
    const guarded = Object.keys(withDryTests({} as ServiceTests, () => true));
    expect(guarded.sort()).toEqual([...names].sort());
    expect([...new Set(inDialogs)].filter((name) => !others.includes(name)).sort()).toEqual(guarded);
  });
});

describe('a health mail', () => {
  it('is not sent in a dry run of the site, and says so on record', async () => {
    const mail = emailHandler({
      mailServer: () => aServer(1),
      clock: new VirtualClock(0),
      log: silentLog,
      siteName: 'Plant',
    } as unknown as Parameters<typeof emailHandler>[0]);
    const [dry] = withDryRun([mail], () => true);
    const params = { serverId: 'office', to: ['boss@example.com'], phases: [], subject: '', text: '', picture: 'none' };
    const row = aRow('email', { ...params, health: {} }, { alarm: null, alarmId: null, phase: 'message' });
    const result = await dry!.execute({ row, attempt: 1, signal: new AbortController().signal });
    expect(result.status).toBe('skipped');
    expect(result.summary).toMatch(/^Dry run.*a health mail.* to 1 receiver/);
  });
});
