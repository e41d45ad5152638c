import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { snmpTrapsDriver } from '../../../engine/drivers/snmp-traps';
import { ownEngineId } from '../../../engine/snmp';
import { closeDrivers, connectDriver, linkIs } from '../../support/connected-driver';
import { until } from '../../support/recording-sink';
import { freeUdpPort } from '../../support/snmptrapd';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

const missing = existsSync('/usr/bin/snmptrap') ? null : 'snmptrap is not installed (Debian package "snmp")';
if (missing && process.env.ALARMFLOW_REQUIRE_ALL === '1') throw new Error(missing);

const run = promisify(execFile);
/** Its tools read files of the machine; they need none. */
const env = { ...process.env, MIBS: '', SNMPCONFPATH: '/nonexistent', SNMP_PERSISTENT_DIR: '/tmp' };
const linkDown = ['1.3.6.1.6.3.1.1.5.3', '1.3.6.1.2.1.2.2.1.1.2', 'i', '2'];
const engine = ['-e', '0x8000000001020304'];

async function receiver(options: Record<string, unknown>, credentials: { user: string; password: string }) {
  const port = await freeUdpPort();
  const driven = connectDriver(snmpTrapsDriver, 0, {
    options: { listenPort: port, ...options },
    host: '',
    credentials,
  });
  await until('online', linkIs(driven.sink, 'online'));
  return { port, ...driven };
}

const v3 = (level: string, authentication: string, privacy: string): string[] => [
  ...['-v', '3', '-u', 'ups', '-l', level],
  ...(level === 'noAuthNoPriv' ? [] : ['-a', authentication, '-A', 'auth pass word'.replaceAll(' ', '-')]),
  ...(level === 'authPriv' ? ['-x', privacy, '-X', 'priv-pass-word'] : []),
];

describe.skipIf(missing)(`from Net-SNMP’s tools${missing ? ` (skipped: ${missing})` : ''}`, () => {
  afterEach(closeDrivers);

  it('come traps of version 1', async () => {
    const { port, sink } = await receiver({}, { user: '', password: 'secret' });
    const to = ['-v', '1', '-c', 'secret', `127.0.0.1:${port}`];
    await run('snmptrap', [...to, '1.3.6.1.4.1.318', '192.0.2.7', '6', '5', '100'], { env });
    await run('snmptrap', [...to, '1.3.6.1.4.1.8072', '0.0.0.0', '2', '0', '100', ...linkDown.slice(1)], { env });
    await until('both', () => sink.events.length === 2);
    expect(sink.events.map((e) => `${e.draft.type} ${e.draft.phase} ${e.draft.rule}`)).toEqual([
      'power-fault start on-battery',
      'network-fault start 2',
    ]);
    expect(JSON.parse(sink.events[0]!.draft.raw).agent).toBe('192.0.2.7');
  });

  it('come traps and informs of version 2c', async () => {
    const { port, sink } = await receiver({}, { user: '', password: 'secret' });
    const to = ['-v', '2c', '-c', 'secret', `127.0.0.1:${port}`, '', ...linkDown];
    await run('snmptrap', to, { env });
    await run('snmpinform', ['-r', '1', '-t', '15', ...to], { env });
    await until('both', () => sink.events.length === 2);
    expect(sink.told()).toEqual(['network-fault start', 'network-fault refresh']);
  });

  it('of another community are neither taken nor confirmed', async () => {
    const { port, sink } = await receiver({}, { user: '', password: 'secret' });
    const to = ['-r', '0', '-t', '0.5', '-v', '2c', '-c', 'public', `127.0.0.1:${port}`, '', ...linkDown];
    await expect(run('snmpinform', to, { env })).rejects.toThrow();
    expect(sink.events).toEqual([]);
  });

  it.each([
    ['noAuthNoPriv', '', '', '', ''],
    ['authNoPriv', 'MD5', 'md5', '', ''],
    ['authNoPriv', 'SHA-512', 'sha512', '', ''],
    ['authPriv', 'SHA', 'sha', 'AES', 'aes'],
    ['authPriv', 'SHA-256', 'sha256', 'AES', 'aes'],
    ['authPriv', 'MD5', 'md5', 'DES', 'des'],
  ])(
    'come traps and informs of version 3: %s %s %s %s',
    async (level, theirs, authentication, theirPrivacy, privacy) => {
      const { port, sink } = await receiver(
        { access: level, keys: 'two', ...(authentication ? { authentication } : {}), ...(privacy ? { privacy } : {}) },
        { user: 'ups', password: level === 'authNoPriv' ? 'auth-pass-word' : 'auth-pass-word priv-pass-word' },
      );
      const from = v3(level, theirs, theirPrivacy);
      const to = [`127.0.0.1:${port}`, '', ...linkDown];
      await run('snmptrap', [...engine, ...from, ...to], { env });
      await until('the trap', () => sink.events.length === 1);
      await run('snmpinform', ['-r', '1', '-t', '15', ...from, ...to], { env });
      await until('the inform', () => sink.events.length === 2);
      expect(sink.told()).toEqual(['network-fault start', 'network-fault refresh']);
    },
  );

  it('of version 3 that prove less than asked for are not taken', async () => {
    const { port, sink, warnings } = await receiver(
      { access: 'authPriv' },
      { user: 'ups', password: 'auth-pass-word' },
    );
    for (const from of [v3('noAuthNoPriv', '', ''), v3('authNoPriv', 'SHA', ''), v3('authPriv', 'SHA', 'AES')])
      await run('snmptrap', [...engine, ...from, `127.0.0.1:${port}`, '', ...linkDown], { env });
    await until('it is told', () => warnings.length > 0);
    // One that proves enough, behind them.
    const enough = ['-v', '3', '-u', 'ups', '-l', 'authPriv', '-a', 'SHA', '-A', 'auth-pass-word', '-x', 'AES'];
    const proof = ['-X', 'auth-pass-word', '-e', '0x8000000001020305', `127.0.0.1:${port}`, '', ...linkDown];
    await run('snmptrap', [...enough, ...proof], { env });
    await until('the one behind them', () => sink.events.length > 0);
    expect(sink.events).toHaveLength(1);
  });

  it('come notifications of several users, each with its own protocols, and of no other', async () => {
    const { port, sink } = await receiver(
      { access: 'authPriv', keys: 'two', users: 'switch authNoPriv sha256\nnas authPriv md5 des\nprobe noAuthNoPriv' },
      { user: 'ups', password: 'auth-pass-word priv-pass-word switch-word nas-auth-word nas-priv-word' },
    );
    const to = [`127.0.0.1:${port}`, '', ...linkDown];
    const aes = v3('authPriv', 'SHA', 'AES');
    const own = ['-v', '3', '-l', 'authNoPriv', '-a', 'SHA-256', '-A', 'switch-word', '-u', 'switch'];
    const des = ['-v', '3', '-l', 'authPriv', '-a', 'MD5', '-A', 'nas-auth-word', '-x', 'DES', '-X', 'nas-priv-word'];
    const bare = ['-v', '3', '-l', 'noAuthNoPriv', '-u', 'probe'];
    const users = [aes, own, [...des, '-u', 'nas'], bare];
    for (const [at, user] of users.entries()) {
      await run('snmptrap', ['-e', `0x80000000010203${10 + at}`, ...user, ...to], { env });
      await until(`trap ${at}`, () => sink.events.length === 2 * at + 1);
      await run('snmpinform', ['-r', '1', '-t', '15', ...user, ...to], { env });
      await until(`inform ${at}`, () => sink.events.length === 2 * at + 2);
    }
    // The name of one with the keys of another; and a user that must prove itself, but does not.
    for (const wrong of [
      [...own.slice(0, -1), 'nas'],
      ['-v', '3', '-l', 'noAuthNoPriv', '-u', 'switch'],
    ])
      await run('snmptrap', [...engine, ...wrong, ...to], { env });
    await run('snmptrap', ['-e', '0x8000000001020320', ...own, ...to], { env });
    await until('the one behind them', () => sink.events.length > 2 * users.length);
    expect(sink.events).toHaveLength(2 * users.length + 1);
  });

  it('come informs of a sender that had our time wrong and learns it', async () => {
    const { port, sink } = await receiver({ access: 'authPriv' }, { user: 'ups', password: 'auth-pass-word' });
    const from = ['-v', '3', '-u', 'ups', '-l', 'authPriv', '-a', 'SHA', '-A', 'auth-pass-word', '-x', 'AES'];
    const stale = ['-X', 'auth-pass-word', '-e', `0x${ownEngineId('cam1')}`, '-Z', '5,5'];
    const to = ['-r', '2', '-t', '15', `127.0.0.1:${port}`, '', ...linkDown];
    await run('snmpinform', [...from, ...stale, ...to], { env });
    expect(sink.told()).toEqual(['network-fault start']);
  });
});
