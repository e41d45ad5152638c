import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAmongSenders, isSenderEntry } from '../../engine/domain/addresses';

describe('an entry of a list of senders', () => {
  it.each([
    '192.0.2.1',
    '192.0.2.0/24',
    '0.0.0.0/0',
    '2001:db8::1',
    '2001:db8::/32',
    '::',
    '::/0',
    '::ffff:192.0.2.1',
    'fe80::1%eth0',
    'ups-1',
    'ups-1.example.org',
  ])('may be %s', (entry) => {
    expect(isSenderEntry(entry)).toBe(true);
  });

  it.each([
    '',
    '192.0.2.256',
    '192.0.2',
    '192.0.2.0/33',
    '192.0.2.0/',
    '192.0.2.0/24/8',
    '192.0.2.0/-1',
    '2001:db8::/129',
    '2001:db8::1::2',
    '1:2:3:4:5:6:7:8:9',
    ':1',
    'http://ups',
    'ups 1',
    '-ups',
    `${'a'.repeat(254)}`,
  ])('may not be %j', (entry) => {
    expect(isSenderEntry(entry)).toBe(false);
  });
});

describe('a sender', () => {
  it('is one of the list by its address, a network of its address, or its name', () => {
    expect(isAmongSenders(['192.0.2.1'], '192.0.2.1', undefined)).toBe(true);
    expect(isAmongSenders(['198.51.100.7', '192.0.2.0/24'], '192.0.2.200', undefined)).toBe(true);
    expect(isAmongSenders(['192.0.2.0/24'], '192.0.3.1', undefined)).toBe(false);
    expect(isAmongSenders(['UPS-1'], '192.0.2.1', 'ups-1')).toBe(true);
    expect(isAmongSenders(['ups-1'], '192.0.2.1', 'ups-2')).toBe(false);
    expect(isAmongSenders(['192.0.2.0/24'], undefined, '192.0.2.1')).toBe(false);
  });

  it('is itself in every spelling', () => {
    expect(isAmongSenders(['192.0.2.1'], '::ffff:192.0.2.1', undefined)).toBe(true);
    expect(isAmongSenders(['2001:DB8:0:0::1'], '2001:db8::1', undefined)).toBe(true);
    expect(isAmongSenders(['fe80::1'], 'fe80::1%eth0', undefined)).toBe(true);
    expect(isAmongSenders(['::/0'], '192.0.2.1', undefined)).toBe(false);
  });

  it('is judged as the system judges it', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(address, address, fc.nat(128), (start, sender, most) => {
        const family = isIP(start);
        // Its own judgement of such addresses differs between releases.
        fc.pre(family !== 0 && isIP(sender) !== 0 && !/^[0:]*ffff:/i.test(start + sender));
        const bits = family === 4 ? most % 33 : most;
        const system = new BlockList();
        system.addSubnet(start, bits, family === 4 ? 'ipv4' : 'ipv6');
        const expected = isIP(sender) === family && system.check(sender, family === 4 ? 'ipv4' : 'ipv6');
        expect(isAmongSenders([`${start}/${bits}`], sender, undefined)).toBe(expected);
      }),
    );
  });

  it('is never a reason to fail, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (entry, sender) => {
        expect(typeof isSenderEntry(entry)).toBe('boolean');
        expect(typeof isAmongSenders([entry], sender, sender)).toBe('boolean');
      }),
    );
  });
});
