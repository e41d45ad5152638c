import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testSnmpReceiver } from '../../engine/actions';
import { dateAndTime, notificationOf } from '../../engine/actions/snmp-notification';
import { engineIdOf, snmpLimits } from '../../engine/actions/snmp-session';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import {
  DEFAULT_SNMP_ARC,
  type SnmpAuthentication,
  type SnmpPrivacy,
  type SnmpReceiver,
} from '../../engine/domain/snmp-receiver';
import { until } from '../support/recording-sink';
import { serverTest } from '../support/server-test';
import { mibFolders, snmptrapdMissing, startSnmptrapd, type TrapReceiver } from '../support/snmptrapd';
import { temporaryFolder } from '../support/temporary-folder';
import { ActionBench, anAlarm, aRow, RAISED } from './action-bench';

const AUTH_KEY = 'never told auth';
const PRIVACY_KEY = 'never told privacy';

const aReceiver = (port: number, fields: Partial<SnmpReceiver> = {}): SnmpReceiver => ({
  id: 'noc',
  name: 'Control room',
  host: '127.0.0.1',
  port,
  notification: 'trap',
  access: { version: '2c', community: 'alarm' },
  arc: DEFAULT_SNMP_ARC,
  engineId: '',
  ...fields,
});

type Security = Extract<SnmpReceiver['access'], { version: '3' }>['security'];
const v3 = (security: Security, user = 'guard'): SnmpReceiver['access'] => ({ version: '3', user, security });
const authPriv = (authentication: SnmpAuthentication, privacy: SnmpPrivacy): Security => ({
  level: 'authPriv',
  authentication,
  authKey: AUTH_KEY,
  privacy,
  privacyKey: PRIVACY_KEY,
});

const aTrap = (params: Record<string, unknown> = {}) => ({ receiverId: 'noc', phases: ['raise'], text: '', ...params });

function bench(receiver: SnmpReceiver, clock = systemClock): ActionBench {
  const made = new ActionBench(clock);
  made.snmpReceiver = receiver;
  return made;
}

const open: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.stop();
});

async function trapd(users: string[] = []): Promise<TrapReceiver> {
  const server = await startSnmptrapd(users);
  open.push(server);
  return server;
}

/** A receiver that does what the test says; resolves to its port. */
function rude(answer: (bytes: Buffer, socket: Socket, port: number) => void): Promise<number> {
  const socket = createSocket('udp4');
  open.push({ stop: () => void socket.close() });
  socket.on('message', (bytes, from) => answer(bytes, socket, from.port));
  return new Promise((resolve) => socket.bind(0, '127.0.0.1', () => resolve(socket.address().port)));
}

describe('a notification that is decoded by snmptrapd', () => {
  serverTest('carries the alarm in the names of our MIB (v2c trap)', snmptrapdMissing, async () => {
    const server = await trapd();
    const made = bench(aReceiver(server.port));
    const result = await made.run(aRow('snmp-trap', aTrap(), { alarm: { ...anAlarm(), phase: 'raise' } }));
    expect(result.status).toBe('done');
    expect(result.summary).toContain('not confirmed');
    const printed = await server.until(/alarmflowMark/);
    expect(printed).toContain('ALARMFLOW-MIB::alarmRaised');
    expect(printed).toContain('ALARMFLOW-MIB::alarmflowAlarmId.0 = STRING: alarm-1');
    expect(printed).toContain('ALARMFLOW-MIB::alarmflowSite.0 = STRING: Depot');
    expect(printed).toContain('ALARMFLOW-MIB::alarmflowDevice.0 = STRING: Hall camera');
    expect(printed).toContain('ALARMFLOW-MIB::alarmflowType.0 = STRING: temperature-alarm');
    expect(printed).toContain('ALARMFLOW-MIB::alarmflowLevel.0 = STRING: alarm');
    expect(printed).toMatch(/ALARMFLOW-MIB::alarmflowChannel\.0 = Gauge32: 2\b/);
    expect(printed).toContain('on Hall camera');
    expect(printed).toContain('ALARMFLOW-MIB::alarmflowTime.0 = STRING: 2026-11-21,7:0:0.0,+0:0');
  });

  serverTest('is the same notification over v1', snmptrapdMissing, async () => {
    const server = await trapd();
    const receiver = aReceiver(server.port, { access: { version: '1', community: 'alarm' } });
    const cleared = aRow('snmp-trap', aTrap({ phases: ['clear'] }), { phase: 'clear' });
    await bench(receiver).run({ ...cleared, alarm: { ...anAlarm({ clearedAt: RAISED }), phase: 'clear' } });
    const printed = await server.until(/alarmflowMark/);
    // Enterprise, generic and specific trap, and our own address.
    expect(printed).toContain('v1=ALARMFLOW-MIB::alarmflowMIB 6 ALARMFLOW-MIB::alarmCleared 127.0.0.1');
  });

  serverTest('is confirmed as an inform (v2c)', snmptrapdMissing, async () => {
    const server = await trapd();
    const result = await bench(aReceiver(server.port, { notification: 'inform' })).run(aRow('snmp-trap', aTrap()));
    expect(result.summary).toContain('confirmed the SNMPv2c inform');
    await server.until(/alarmRaised/);
  });

  const levels: [string, Security, string, string][] = [
    ['noAuthNoPriv', { level: 'noAuthNoPriv' }, '', 'noauth'],
    [
      'authNoPriv',
      { level: 'authNoPriv', authentication: 'sha256', authKey: AUTH_KEY },
      `SHA-256 "${AUTH_KEY}"`,
      'auth',
    ],
    ['authPriv md5 des', authPriv('md5', 'des'), `MD5 "${AUTH_KEY}" DES "${PRIVACY_KEY}"`, 'priv'],
    ['authPriv sha aes', authPriv('sha', 'aes'), `SHA "${AUTH_KEY}" AES "${PRIVACY_KEY}"`, 'priv'],
    ['authPriv sha512 aes', authPriv('sha512', 'aes'), `SHA-512 "${AUTH_KEY}" AES "${PRIVACY_KEY}"`, 'priv'],
    ['authPriv sha224 aes', authPriv('sha224', 'aes'), `SHA-224 "${AUTH_KEY}" AES "${PRIVACY_KEY}"`, 'priv'],
    [
      'authPriv sha384 aes256b',
      authPriv('sha384', 'aes256b'),
      `SHA-384 "${AUTH_KEY}" AES-256 "${PRIVACY_KEY}"`,
      'priv',
    ],
    // Authentication whose digest is too short for the key: the two ways differ here.
    ['authPriv sha aes256b', authPriv('sha', 'aes256b'), `SHA "${AUTH_KEY}" AES-256 "${PRIVACY_KEY}"`, 'priv'],
    ['authPriv md5 aes256b', authPriv('md5', 'aes256b'), `MD5 "${AUTH_KEY}" AES-256 "${PRIVACY_KEY}"`, 'priv'],
    ['authPriv sha aes256r', authPriv('sha', 'aes256r'), `SHA "${AUTH_KEY}" AES-256-C "${PRIVACY_KEY}"`, 'priv'],
    [
      'authPriv sha224 aes256r',
      authPriv('sha224', 'aes256r'),
      `SHA-224 "${AUTH_KEY}" AES-256-C "${PRIVACY_KEY}"`,
      'priv',
    ],
  ];
  for (const [name, security, keys, least] of levels)
    for (const notification of ['trap', 'inform'] as const)
      serverTest(`comes through as a v3 ${notification}, ${name}`, snmptrapdMissing, async () => {
        const receiver = aReceiver(0, { notification, access: v3(security) });
        const under = notification === 'trap' ? `-e 0x${engineIdOf(receiver)} ` : '';
        const server = await trapd([`createUser ${under}guard ${keys}`, `authUser log guard ${least}`]);
        await bench({ ...receiver, port: server.port }).run(aRow('snmp-trap', aTrap()));
        expect(await server.until(/alarmflowMark/)).toContain('ALARMFLOW-MIB::alarmRaised');
      });

  serverTest('is no replay to the receiver ten minutes after the first (v3 trap)', snmptrapdMissing, async () => {
    const receiver = aReceiver(0, { access: v3(authPriv('sha', 'aes')) });
    const server = await trapd([
      `createUser -e 0x${engineIdOf(receiver)} guard SHA "${AUTH_KEY}" AES "${PRIVACY_KEY}"`,
      'authUser log guard priv',
    ]);
    // The receiver's own clock cannot be turned; ours is: what it takes after a trap of the future is out of its window.
    const late = bench({ ...receiver, port: server.port }, new VirtualClock(RAISED + 600_000));
    const early = bench({ ...receiver, port: server.port }, new VirtualClock(RAISED));
    await late.run(aRow('snmp-trap', aTrap({ text: 'first' })));
    await server.until(/first/);
    await early.run(aRow('snmp-trap', aTrap({ text: 'replayed' })));
    await late.run(aRow('snmp-trap', aTrap({ text: 'third' })));
    expect(await server.until(/third/)).not.toContain('replayed');
  });

  serverTest('comes under the arc of the operator', snmptrapdMissing, async () => {
    const server = await trapd();
    await bench(aReceiver(server.port, { arc: '1.3.6.1.4.1.99999.7' })).run(aRow('snmp-trap', aTrap()));
    expect(await server.until(/99999\.7\.0\.1/)).toMatch(/99999\.7\.0\.1/);
  });

  serverTest('is sent by the test button, which says what happened', snmptrapdMissing, async () => {
    const server = await trapd();
    const receiver = aReceiver(server.port, { notification: 'inform' });
    expect(await testSnmpReceiver(receiver, { siteName: 'Depot' })).toEqual({
      ok: true,
      detail: expect.stringContaining('confirmed'),
    });
    await server.until(/alarmflowTest/);
  });

  serverTest('of a user that the receiver does not know is refused for people', snmptrapdMissing, async () => {
    const server = await trapd();
    const receiver = aReceiver(server.port, { notification: 'inform', access: v3(authPriv('sha', 'aes')) });
    const error = await bench(receiver)
      .run(aRow('snmp-trap', aTrap()))
      .catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'E_SNMP_REFUSED', family: 'user' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('never told');
  });

  serverTest('with a wrong key is refused for people', snmptrapdMissing, async () => {
    const server = await trapd([`createUser guard SHA "another one" AES "${PRIVACY_KEY}"`, 'authUser log guard priv']);
    const receiver = aReceiver(server.port, { notification: 'inform', access: v3(authPriv('sha', 'aes')) });
    await expect(bench(receiver).run(aRow('snmp-trap', aTrap()))).rejects.toMatchObject({ code: 'E_SNMP_REFUSED' });
  });
});

describe('a receiver that is away or odd', () => {
  const { answerMs } = snmpLimits;
  beforeAll(() => {
    snmpLimits.answerMs = 300;
  });
  afterAll(() => {
    snmpLimits.answerMs = answerMs;
  });

  it('is not noticed by a trap', async () => {
    const port = await rude(() => undefined);
    expect((await bench(aReceiver(port)).run(aRow('snmp-trap', aTrap()))).status).toBe('done');
  });

  it('lets an inform be tried again when it says nothing', async () => {
    let heard = 0;
    const port = await rude(() => {
      heard++;
    });
    const sent = bench(aReceiver(port, { notification: 'inform' })).run(aRow('snmp-trap', aTrap()));
    await expect(sent).rejects.toMatchObject({ code: 'E_SNMP_NO_ANSWER', family: 'operational' });
    await until('both are heard', () => heard >= 2);
    expect(heard).toBe(2);
  });

  it('has no address: tried again', async () => {
    const sent = bench(aReceiver(162, { host: 'nowhere..invalid' })).run(aRow('snmp-trap', aTrap()));
    await expect(sent).rejects.toMatchObject({ code: 'E_SNMP_UNREACHABLE', family: 'operational' });
  });

  it.each(['2c', '3'] as const)('answers with noise to an inform (v%s): no crash', async (version) => {
    const port = await rude((bytes, socket, to) => {
      socket.send(Buffer.from([0x30, 0x82, 0xff, 0xff, 2, 1]), to);
      socket.send(Buffer.alloc(1), to);
      socket.send(bytes.subarray(0, bytes.length - 3), to);
      socket.send(Buffer.concat([bytes.subarray(0, 20), Buffer.alloc(40, 0xa5)]), to);
    });
    const access = version === '3' ? v3(authPriv('sha256', 'aes')) : aReceiver(0).access;
    const sent = bench(aReceiver(port, { notification: 'inform', access })).run(aRow('snmp-trap', aTrap()));
    await expect(sent).rejects.toMatchObject({ family: 'operational' });
  });

  it('does not hold a try beyond its signal', { timeout: 10_000 }, async () => {
    const port = await rude(() => undefined);
    const abort = new AbortController();
    const sent = bench(aReceiver(port, { notification: 'inform' })).run(aRow('snmp-trap', aTrap()), abort.signal);
    systemClock.after(50, () => abort.abort(new Error('stop now')));
    await expect(sent).rejects.toThrow('stop now');
  });
});

describe('the action', () => {
  it('is skipped at a phase that is not asked for', async () => {
    const row = aRow('snmp-trap', aTrap({ phases: ['clear'] }));
    expect((await bench(aReceiver(1)).run(row)).status).toBe('skipped');
  });

  it('without its receiver is for people', async () => {
    const sent = new ActionBench().run(aRow('snmp-trap', aTrap()));
    await expect(sent).rejects.toMatchObject({ code: 'E_UNKNOWN_SNMP_RECEIVER', family: 'user' });
  });

  it.each([
    [{ receiverId: '' }, 'receiverId'],
    [{ phases: 'raise' }, 'phases'],
    [{ phases: ['dawn'] }, 'phases'],
    [{ text: 7 }, 'text'],
  ])('refuses the parameters %j', (params, field) => {
    expect(() => new ActionBench().handler('snmp-trap').check(aTrap(params))).toThrow(`"${field}"`);
  });

  it('marks a notification the same at every try, and no other', () => {
    const mark = (key: string) => notificationOf(aRow('snmp-trap', aTrap(), { key }), 'Depot', '').values.at(-1)?.value;
    expect(mark('a')).toBe(mark('a'));
    expect(mark('a')).not.toBe(mark('b'));
  });

  it('keeps every text within 255 octets of whole characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        for (const { value } of notificationOf(aRow('snmp-trap', aTrap()), text, text).values)
          if (typeof value === 'string') {
            expect(Buffer.byteLength(value)).toBeLessThanOrEqual(255);
            expect(value.isWellFormed()).toBe(true);
          }
      }),
    );
  });

  it('tells the time as RFC 2579 does', () => {
    expect(dateAndTime(Date.UTC(1992, 4, 26, 13, 30, 15, 250)).toString('hex')).toBe('07c8051a0d1e0f022b0000');
  });
});

describe('our MIB', () => {
  const missing = (): string | null =>
    existsSync('/usr/bin/snmptranslate') ? null : 'snmptranslate is not installed (Debian package "snmp")';

  const translate = async (...options: string[]): Promise<string> =>
    execFileSync('snmptranslate', ['-Pcuw', '-M', mibFolders, '-m', 'ALARMFLOW-MIB', ...options], {
      encoding: 'utf8',
      env: { ...process.env, SNMP_PERSISTENT_DIR: await temporaryFolder() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  serverTest('lies where the engine sends from', missing, async () => {
    expect((await translate('-On', 'ALARMFLOW-MIB::alarmflowMIB')).trim()).toBe(`.${DEFAULT_SNMP_ARC}`);
  });

  serverTest('has every notification and object that the engine sends, and no other', missing, async () => {
    const tree = await translate('-To');
    const numbers = (branch: number) =>
      [...tree.matchAll(new RegExp(`^\\.${DEFAULT_SNMP_ARC.replaceAll('.', '\\.')}\\.${branch}\\.(\\d+)$`, 'gm'))].map(
        ([, number]) => Number(number),
      );
    expect([...new Set(numbers(0))].sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    const sent = notificationOf(aRow('snmp-trap', aTrap()), '', '').values.map(({ object }) => object);
    expect([...new Set(numbers(1))].sort()).toEqual(sent);
  });

  serverTest('is read without a complaint', missing, async () => {
    const said = execFileSync(
      'sh',
      ['-c', 'snmptranslate -Le -M "$1" -m ALARMFLOW-MIB -Td ALARMFLOW-MIB::alarmRaised 2>&1', 'sh', mibFolders],
      { encoding: 'utf8', env: { ...process.env, SNMP_PERSISTENT_DIR: await temporaryFolder() } },
    );
    expect(said).toContain('NOTIFICATION-TYPE');
    expect(said).not.toMatch(/cannot|unlinked|undefined|bad|warning|error/i);
    expect(existsSync(join(__dirname, '../../resources/ALARMFLOW-MIB.txt'))).toBe(true);
  });
});
