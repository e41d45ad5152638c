import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../engine/clock/system-clock';
import { agentAddressIn } from '../../../engine/drivers/snmp-traps/agent-address';
import { defaultTable } from '../../../engine/drivers/snmp-traps/default-table';
import { createRateLimit } from '../../../engine/drivers/snmp-traps/rate-limit';
import { readTrapOptions, trapAccess, trapSettings } from '../../../engine/drivers/snmp-traps/settings';
import { readTable } from '../../../engine/drivers/snmp-traps/table';
import { identityOf, octetsText } from '../../../engine/drivers/snmp-traps/trap';
import { createTrapDecoder } from '../../../engine/drivers/snmp-traps/trap-decoder';
import { deviceAt } from '../../support/recording-sink';

describe('the default table', () => {
  const table = readTable(defaultTable);
  const alarm = (value: string) => [{ oid: '1.3.6.1.2.1.33.1.6.2.1.2.9', text: value }];

  it.each<[string, { oid: string; text: string }[], string, string, string | undefined]>([
    ['1.3.6.1.6.3.1.1.5.3', [{ oid: '1.3.6.1.2.1.2.2.1.1.4', text: '4' }], 'network-fault', 'start', '4'],
    ['1.3.6.1.6.3.1.1.5.4', [{ oid: '1.3.6.1.2.1.2.2.1.8.4', text: '1' }], 'network-fault', 'stop', '4'],
    ['1.3.6.1.6.3.1.1.5.5', [], 'login-failure', 'pulse', undefined],
    ['1.3.6.1.2.1.33.2.1', [], 'power-fault', 'start', 'on-battery'],
    ['1.3.6.1.2.1.33.2.0.1', [], 'power-fault', 'start', 'on-battery'],
    ['1.3.6.1.2.1.33.2.3', alarm('1.3.6.1.2.1.33.1.6.3.2'), 'power-fault', 'start', 'on-battery'],
    ['1.3.6.1.2.1.33.2.0.4', alarm('1.3.6.1.2.1.33.1.6.3.2'), 'power-fault', 'stop', 'on-battery'],
    ['1.3.6.1.2.1.33.2.3', alarm('1.3.6.1.2.1.33.1.6.3.3'), 'power-fault', 'start', 'low-battery'],
    ['1.3.6.1.2.1.33.2.3', alarm('1.3.6.1.2.1.33.1.6.3.5'), 'overheat', 'start', 'ups'],
    ['1.3.6.1.2.1.33.2.3', alarm('1.3.6.1.2.1.33.1.6.3.8'), 'power-fault', 'start', '1.3.6.1.2.1.33.1.6.3.8'],
    ['1.3.6.1.2.1.33.2.4', alarm('1.3.6.1.2.1.33.1.6.3.20'), 'device-fault', 'stop', 'ups-communication'],
    ['1.3.6.1.4.1.318.0.5', [], 'power-fault', 'start', 'on-battery'],
    ['1.3.6.1.4.1.318.0.9', [], 'power-fault', 'stop', 'on-battery'],
    ['1.3.6.1.2.1.105.0.1', [{ oid: '1.3.6.1.2.1.105.1.1.1.6.1.5', text: '3' }], 'power-fault', 'stop', '1.5'],
    ['1.3.6.1.2.1.105.0.1', [{ oid: '1.3.6.1.2.1.105.1.1.1.6.1.5', text: '2' }], 'power-fault', 'start', '1.5'],
    [
      '1.3.6.1.2.1.88.2.0.1',
      [{ oid: '1.3.6.1.2.1.88.2.1.4.0', text: '1.3.6.1.4.1.2021.9.1.100.1' }],
      'storage-full',
      'start',
      '1.3.6.1.4.1.2021.9.1.100.1',
    ],
    ['1.3.6.1.4.1.232.0.3034', [{ oid: '1.3.6.1.4.1.232.3.2.3.1.1.4.0.1', text: '3' }], 'raid-fault', 'start', '0.1'],
  ])('takes %s %j for %s %s %s', (oid, values, type, phase, rule) => {
    const entry = table.find(oid, values);
    expect(entry).toMatchObject({ type, phase });
    expect(entry && table.ruleOf(entry, values)).toBe(rule);
  });

  it('leaves what it does not know', () => {
    expect(table.find('1.3.6.1.4.1.99999.1', [])).toBeNull();
    expect(
      table.find('1.3.6.1.2.1.88.2.0.1', [{ oid: '1.3.6.1.2.1.88.2.1.4.0', text: '1.3.6.1.2.1.1.3.0' }]),
    ).toBeNull();
  });
});

describe('the operator’s table', () => {
  it('puts exact before prefix, and a long prefix before a short one', () => {
    const table = readTable(
      '1.3.6.1.4.1.5.* device-fault pulse "a"\n1.3.6.1.4.1.5.7.* fan-fault start level=pre-alarm\n1.3.6.1.4.1.5.7.1 overheat start quiet=60',
    );
    expect(table.find('1.3.6.1.4.1.5.7.1', [])).toMatchObject({ type: 'overheat', quietMs: 60_000 });
    expect(table.find('1.3.6.1.4.1.5.7.2', [])).toMatchObject({ type: 'fan-fault', level: 'pre-alarm' });
    expect(table.find('1.3.6.1.4.1.5.8', [])).toMatchObject({ type: 'device-fault', text: 'a' });
    expect(table.find('1.3.6.1.4.1.55.8', [])).toBeNull();
  });

  it.each<[string, RegExp]>([
    ['linkDown network-fault start', /line 1: "linkDown" is no OID/],
    ['1.3.6.1 burglary start', /no type of event/],
    ['1.3.6.1 fire raise', /give start, stop or pulse/],
    ['1.3.6.1 fire start colour=red', /no setting/],
    ['1.3.6.1 fire start quiet=0', /whole seconds/],
    ['1.3.6.1 fire start when=1.3', /when=OID=value/],
    ['1.3.6.1 fire start key=x', /no OID/],
    ['1.3.6.1 fire start level=high', /alarm or pre-alarm/],
    ['\n1.3.6.1 fire start key=1.3.6 rule=a', /line 2: give key= or rule=/],
  ])('refuses %j', (text, words) => {
    expect(() => readTrapOptions({ table: text })).toThrow(words);
  });

  it('never fails in another way', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('1.3.6', '.*', ' ', 'fire', 'start', 'key=', 'when=', '=', '"', '\n', '.0.'),
        }),
        (table) => {
          try {
            readTrapOptions({ table });
          } catch (error) {
            expect(error).toMatchObject({ code: 'E_DEVICE_OPTIONS' });
          }
        },
      ),
    );
  });
});

describe('settings', () => {
  it('stay the same when they are read again', () => {
    const read = readTrapOptions({ sources: '192.0.2.0/24\nups.example' });
    expect(readTrapOptions(read)).toEqual(read);
    expect(trapSettings({ options: read, pushFrom: ['192.0.2.9'] }).sources).toEqual([
      '192.0.2.0/24',
      'ups.example',
      '192.0.2.9',
    ]);
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ sources: '192.0.2.0/99' }, /no address, network or name/],
    [{ listenAddress: 'eth0' }, /no address of this machine/],
    [{ listenPort: 0 }, /from 1 to 65535/],
    [{ community: 'x' }, /no such setting/],
    [{ users: 'ups authPriv rot13' }, /line 1: "rot13" is none of/],
    [{ users: 'ups\nups' }, /line 2: "ups" is there twice/],
    [{ users: 'u'.repeat(33) }, /at most 32 bytes/],
    [{ users: Array.from({ length: 51 }, (_, at) => `u${at}`).join('\n') }, /at most 50/],
    [{ window: 'wide' }, /checked, off/],
  ])('refuse %j', (options, words) => {
    expect(() => readTrapOptions(options)).toThrow(words);
  });

  it.each<[Record<string, unknown>, { user: string; password: string } | null, RegExp]>([
    [{}, null, /give the community/],
    [{ access: 'authPriv' }, { user: '', password: 'longenough' }, /give the user/],
    [{ access: 'authPriv' }, { user: 'u', password: 'short' }, /at least 8/],
    [{ access: 'authPriv', keys: 'two' }, { user: 'u', password: 'onlyonepassword' }, /both passwords/],
    [{ access: 'authPriv', users: 'w' }, { user: 'u', password: 'onlyonepassword' }, /passwords of all users/],
    [{ access: 'authPriv', users: 'w' }, { user: 'u', password: 'longenough one-too-many longenough' }, /of all users/],
    [{ access: 'authPriv', users: 'w' }, { user: 'u', password: 'longenough short' }, /at least 8/],
    [{ access: 'authPriv', users: 'u' }, { user: 'u', password: 'longenough longenough' }, /user of the login/],
  ])('let nobody in unproved: %j %j', (options, credentials, words) => {
    expect(() => trapAccess(deviceAt(1, { options, credentials }))).toThrow(words);
  });
});

describe('users', () => {
  const keysOf = (options: Record<string, unknown>, password: string): unknown => {
    const access = trapAccess(deviceAt(1, { options, credentials: { user: 'u', password } }));
    return access.kind === 'v3' && access.users.map(({ user, authKey, privKey }) => [user, authKey, privKey]);
  };

  it.each<[Record<string, unknown>, string, string[][]]>([
    [{ access: 'authPriv' }, 'with a blank', [['u', 'with a blank', 'with a blank']]],
    [{ access: 'authPriv', keys: 'two' }, 'one-for-it and the rest', [['u', 'one-for-it', 'and the rest']]],
    [{ access: 'noAuthNoPriv' }, '', [['u', '', '']]],
    [{ access: 'authNoPriv', keys: 'two' }, 'one-for-it another-one', [['u', 'one-for-it', '']]],
    [{ access: 'authNoPriv', keys: 'two' }, 'one-for-it', [['u', 'one-for-it', '']]],
    [
      { access: 'authPriv', keys: 'two', users: 'a authNoPriv\nb noAuthNoPriv\nc' },
      'u-authword u-privword a-authword  c-authword c-privword',
      [
        ['u', 'u-authword', 'u-privword'],
        ['a', 'a-authword', ''],
        ['b', '', ''],
        ['c', 'c-authword', 'c-privword'],
      ],
    ],
    [
      { access: 'authNoPriv', users: 'a authPriv aes' },
      'u-authword a-bothword',
      [
        ['u', 'u-authword', ''],
        ['a', 'a-bothword', 'a-bothword'],
      ],
    ],
  ])('take their passwords from the login: %j %j', (options, password, keys) => {
    expect(keysOf(options, password)).toEqual(keys);
  });
});

describe('notifications', () => {
  it('have one identity in all versions', () => {
    expect([identityOf('1.3.6.1.4.1.9', 2, 0), identityOf('1.3.6.1.4.1.318', 6, 5)]).toEqual([
      '1.3.6.1.6.3.1.1.5.3',
      '1.3.6.1.4.1.318.0.5',
    ]);
  });

  it.each([
    [Buffer.from('Tür'), 'Tür'],
    [Buffer.from('text\0'), 'text'],
    [Buffer.from([0, 0x1b, 0xff]), '001bff'],
    [Buffer.from([0x07, 0xea, 0x0b]), '07ea0b'],
    [Buffer.alloc(0), ''],
  ])('have octets as text or hex: %j', (bytes, text) => {
    expect(octetsText(bytes)).toBe(text);
  });

  it('are limited for each sender', () => {
    const limit = createRateLimit(10);
    const taken = Array.from({ length: 100 }, () => limit.allows('a', 0)).filter(Boolean).length;
    expect([taken, limit.dropped(), limit.allows('b', 0), limit.allows('a', 1_000)]).toEqual([50, 50, true, true]);
  });

  it('that are anything at all end in a reason, never in an exception', () => {
    const decoders = [
      createTrapDecoder({ kind: 'community', community: 'c' }, 'x'),
      createTrapDecoder(
        {
          kind: 'v3',
          users: [
            {
              user: 'u',
              level: 'authPriv',
              authentication: 'sha',
              authKey: 'longenough',
              privacy: 'aes',
              privKey: 'longenough',
            },
          ],
          window: true,
        },
        'x',
        systemClock,
      ),
      createTrapDecoder(null, 'x'),
    ];
    const head = Buffer.from('302902010104', 'hex');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (noise, framed) => {
        const bytes = framed ? Buffer.concat([head, noise]) : Buffer.from(noise);
        for (const decoder of decoders)
          expect(decoder.decode(bytes, { address: '192.0.2.1', port: 1 }).trap).toBeNull();
        agentAddressIn(bytes);
      }),
    );
  });
});
