import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFeatures, parseList, parseNumber, parseReplies } from '../../../engine/drivers/genicam/output';
import { cpuTime } from '../wire/cpu-time';

describe('what arv-tool prints', () => {
  it.each([
    ['TriggerMode = Off', { kind: 'value', name: 'TriggerMode', text: 'Off' }],
    ['DeviceID = A = B', { kind: 'value', name: 'DeviceID', text: 'A = B' }],
    ['DeviceUserID = ', { kind: 'value', name: 'DeviceUserID', text: '' }],
    ['TriggerSoftware executed', { kind: 'executed', name: 'TriggerSoftware' }],
    ["Feature 'Gain' not found", { kind: 'missing', name: 'Gain' }],
    [
      "TriggerMode write error: [TriggerMode] 'Bogus' not an entry",
      { kind: 'error', name: 'TriggerMode', doing: 'write', reason: "[TriggerMode] 'Bogus' not an entry" },
    ],
    [
      'PayloadSize read error: [PayloadSize] GigEVision read_register timeout',
      { kind: 'error', name: 'PayloadSize', doing: 'read', reason: '[PayloadSize] GigEVision read_register timeout' },
    ],
    [
      'TriggerSoftware execute error: [T] GigEVision write_register timeout',
      { kind: 'error', name: 'TriggerSoftware', doing: 'execute', reason: '[T] GigEVision write_register timeout' },
    ],
    ['Executed in 0.1 s', { kind: 'other', text: 'Executed in 0.1 s' }],
  ])('reads "%s"', (line, reply) => {
    expect(parseReplies(`${line}\r\n`)).toEqual([reply]);
  });

  it.each([
    ['1500 us min:0 max:1e+06', { value: 1500, min: 0, max: 1_000_000, inc: null }],
    ['1e+06 us min:0 max:1e+06 inc:0.5', { value: 1_000_000, min: 0, max: 1_000_000, inc: 0.5 }],
    ['4294967295', { value: 4_294_967_295, min: null, max: null, inc: null }],
    ['-2 min:-10 max:10 inc:2', { value: -2, min: -10, max: 10, inc: 2 }],
    ['Line1', null],
    ['', null],
    ['12abc', null],
  ])('takes the number out of "%s"', (text, number) => {
    expect(parseNumber(text)).toEqual(number);
  });

  it('reads the list of features with entries in the order of the camera, and what is not available', () => {
    const features = parseFeatures(
      [
        "Category    : 'Root'",
        "        Enumeration  : [RW] 'LineSelector'",
        '              * LineStatus',
        "            EnumEntry   : 'Line2' (Not available)",
        "            EnumEntry   : 'Line1'",
        "        Boolean      : [RO] 'LineStatus'",
        "        Float       : 'Hidden' (Not available)",
        "        Command      : 'TriggerSoftware'",
      ].join('\n'),
    );
    expect([...features]).toEqual([
      [
        'LineSelector',
        {
          type: 'Enumeration',
          access: 'RW',
          available: true,
          entries: [
            { name: 'Line1', available: true },
            { name: 'Line2', available: false },
          ],
        },
      ],
      ['LineStatus', { type: 'Boolean', access: 'RO', available: true, entries: [] }],
      ['Hidden', { type: 'Float', access: null, available: false, entries: [] }],
      ['TriggerSoftware', { type: 'Command', access: null, available: true, entries: [] }],
    ]);
  });

  it('reads the list of cameras, names with brackets too', () => {
    expect(parseList('Aravis-Fake-GV01 (127.0.0.1)\nMaker (CN)-CA-1-2 (USB3)\nNo device found\n')).toEqual([
      { name: 'Aravis-Fake-GV01', address: '127.0.0.1' },
      { name: 'Maker (CN)-CA-1-2', address: 'USB3' },
    ]);
  });

  it('throws for no text whatever and stays quick', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(' ', '=', "'", '(', ':', 'a', '\n', '9') })),
        (text) => {
          parseReplies(text);
          parseFeatures(text);
          parseList(text);
          parseNumber(text);
        },
      ),
      { numRuns: 500 },
    );
    for (const piece of [' ', "'", '(', '9', 'a = ', ' min:9', "  X : '"]) {
      const text = piece.repeat(100_000 / piece.length);
      const spent = cpuTime(() => {
        parseReplies(text);
        parseFeatures(text);
        parseList(text);
        parseNumber(text);
      });
      expect(spent).toBeLessThan(500);
    }
  });
});
