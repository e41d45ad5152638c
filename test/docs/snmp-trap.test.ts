/** Runs the fault table of docs/actions/snmp-trap.md against snmptrapd and a receiver that is rude on demand. */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { engineIdOf, snmpLimits } from '../../engine/actions/snmp-session';
import { asAlarmflowError } from '../../engine/domain/errors';
import { DEFAULT_SNMP_ARC, type SnmpReceiver } from '../../engine/domain/snmp-receiver';
import { ActionBench, anAlarm, aRow } from '../actions/action-bench';
import { tablesIn } from '../support/doc-tables';
import { serverTest } from '../support/server-test';
import { freeUdpPort, snmptrapdMissing, startSnmptrapd } from '../support/snmptrapd';

const [table] = tablesIn(readFileSync(join(__dirname, '../../docs/actions/snmp-trap.md'), 'utf8'));
const AUTH_KEY = 'never told auth';
const PRIVACY_KEY = 'never told privacy';
const usual = { ...snmpLimits };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  Object.assign(snmpLimits, usual);
  for (const close of closers.splice(0).reverse()) await close();
});

const v3 = (authKey: string): SnmpReceiver['access'] => ({
  version: '3',
  user: 'guard',
  security: { level: 'authPriv', authentication: 'sha', authKey, privacy: 'aes', privacyKey: PRIVACY_KEY },
});
const receiver = (port: number, fields: Partial<SnmpReceiver> = {}): SnmpReceiver => ({
  id: 'noc',
  name: 'Control room',
  host: '127.0.0.1',
  port,
  notification: 'inform',
  access: { version: '2c', community: 'alarm' },
  arc: DEFAULT_SNMP_ARC,
  engineId: '',
  ...fields,
});

/** A receiver that answers as told. */
async function rude(answer: Buffer | null): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (_bytes, from) => void (answer && socket.send(answer, from.port)));
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  closers.push(() => void socket.close());
  return socket.address().port;
}

const userLine = (key: string): string[] => [
  `createUser guard SHA "${key}" AES "${PRIVACY_KEY}"`,
  'authUser log guard priv',
];

interface Scene {
  broken: SnmpReceiver | undefined;
  mended(port: number): SnmpReceiver;
  /** Users of the receiver. */
  users?: string[];
  /** The receiver while the fault is there is the one that is there then. */
  own?: true;
  /** It never answers: the first try is given up sooner than on a site. */
  mute?: true;
}

const plain = (port: number): SnmpReceiver => receiver(port);

const scenes: Record<string, () => Promise<Scene>> = {
  'inform, receiver away': async () => ({ broken: receiver(await freeUdpPort()), mute: true, mended: plain }),
  'inform, receiver silent': async () => ({ broken: receiver(await rude(null)), mute: true, mended: plain }),
  'inform, noise for an answer': async () => ({
    broken: receiver(await rude(Buffer.from([0x30, 0x82, 0xff, 0xff, 2, 1]))),
    mute: true,
    mended: plain,
  }),
  'name unknown': async () => ({ broken: receiver(162, { host: 'nowhere..invalid' }), mended: plain }),
  'community refused': async () => ({
    broken: receiver(0, { access: { version: '2c', community: 'never told' } }),
    own: true,
    mute: true,
    mended: plain,
  }),
  'user unknown (v3)': async () => ({
    broken: receiver(0, { access: { ...v3(AUTH_KEY), user: 'nobody' } as SnmpReceiver['access'] }),
    own: true,
    users: userLine(AUTH_KEY),
    mended: (port) => receiver(port, { access: v3(AUTH_KEY) }),
  }),
  'key wrong (v3)': async () => ({
    broken: receiver(0, { access: v3('another never told') }),
    own: true,
    users: userLine(AUTH_KEY),
    mended: (port) => receiver(port, { access: v3(AUTH_KEY) }),
  }),
  'trap, receiver away': async () => ({
    broken: receiver(await freeUdpPort(), { notification: 'trap' }),
    mended: (port) => receiver(port, { notification: 'trap' }),
  }),
  'receiver deleted from the flow': async () => ({ broken: undefined, mended: plain }),
};

const row = aRow(
  'snmp-trap',
  { receiverId: 'noc', phases: ['raise'], text: '' },
  { alarm: { ...anAlarm(), phase: 'raise' } },
);

describe('docs/actions/snmp-trap.md', () => {
  it('has a scene for each fault, and no other', () => {
    expect(table!.rows.map(([fault]) => fault)).toEqual(Object.keys(scenes));
  });

  for (const [fault, code, again, journal, then, marks] of table!.rows)
    serverTest(`${fault}: ${code}`, snmptrapdMissing, async () => {
      const scene = await scenes[fault!]!();
      const server = await startSnmptrapd(scene.users);
      closers.push(() => server.stop());
      const bench = new ActionBench();
      bench.snmpReceiver = scene.broken && scene.own ? { ...scene.broken, port: server.port } : scene.broken;
      if (scene.mute) snmpLimits.answerMs = 300;
      const told: { error?: ReturnType<typeof asAlarmflowError>; summary?: string } = await bench.run(row).then(
        ({ summary }) => ({ summary }),
        (thrown: unknown) => ({ error: asAlarmflowError(thrown) }),
      );
      Object.assign(snmpLimits, usual);
      expect(told.error?.code ?? '–').toBe(code);
      expect(told.error?.family === 'operational' ? 'yes' : 'no').toBe(again);
      const words = told.error?.message ?? told.summary ?? '';
      expect(words).toContain(journal);
      expect(words).not.toContain('never told');

      bench.snmpReceiver = scene.mended(server.port);
      expect((await bench.run(row)).status).toBe(then);
      const printed = await server.until(/alarmflowMark\.0 = \S+ \S/);
      const found = [...printed.matchAll(/alarmflowMark\.0 = ([^\n\t]+)/g)].map(([, mark]) => mark);
      expect(new Set(found).size).toBe(Number(marks));
    });

  it('keeps the engine id of a receiver, and has another for each', () => {
    expect(engineIdOf(receiver(1))).toBe(engineIdOf(receiver(2)));
    expect(engineIdOf(receiver(1))).not.toBe(engineIdOf(receiver(1, { id: 'other' })));
  });
});
