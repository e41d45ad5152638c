import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AlarmflowError } from '../../engine/domain/errors';
import { type EventLineOptions, readEventLines, type SimulationInput } from '../../engine/simulation';

async function read(lines: (object | string)[], options: Partial<EventLineOptions> = {}): Promise<SimulationInput[]> {
  const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  const inputs: SimulationInput[] = [];
  const given = { start: null, device: null, source: 'events.jsonl', ...options };
  for await (const input of readEventLines(texts, given)) inputs.push(input);
  return inputs;
}

const START = '2026-11-23T17:05:00Z';
const at = Date.parse(START);
const recorded = {
  id: '01',
  deviceId: 'cam',
  type: 'motion',
  vendorType: 'VMD',
  phase: 'start',
  receivedAt: at,
  deviceTime: null,
  deviceAt: null,
  clockSuspect: false,
  late: false,
  pictures: [],
  raw: '<xml/>',
};

describe('event lines', () => {
  it('take events as people write them, flat or nested, and orders; blank lines and comments are passed over', async () => {
    const inputs = await read([
      '# an evening',
      { at: START, device: 'Yard', type: 'motion', channel: 1, rule: 3, temperature: 71.5, quiet: '10 s' },
      '',
      { at: '+2 s', event: { device: 'Yard', type: 'motion', phase: 'stop' } },
      { at: '10 s', output: 'Siren', mode: 'on' },
    ]);
    expect(inputs).toMatchObject([
      {
        kind: 'event',
        at,
        line: 2,
        step: {
          device: 'Yard',
          phase: 'start',
          rule: '3',
          temperature: { unit: 'celsius', value: 71.5 },
          quiet: 10_000,
        },
      },
      { kind: 'event', at: at + 2_000, line: 4, step: { phase: 'stop' } },
      { kind: 'order', at: at + 10_000, line: 5, order: { kind: 'output', subject: 'Siren', mode: 'on' } },
    ]);
  });

  it('take what "alarmflow events --json" prints, without the payload', async () => {
    expect(await read([{ event: recorded, decisions: [] }])).toMatchObject([
      { kind: 'recorded', at, event: { id: '01', deviceId: 'cam', raw: '' } },
    ]);
  });

  it('take what "alarmflow decode" prints when the device is named', async () => {
    const { id: _id, deviceId: _device, receivedAt: _at, ...draft } = recorded;
    const lines = [
      { kind: 'heartbeat', at: 1 },
      { kind: 'event', event: { ...draft, deviceAt: at } },
      { kind: 'event', event: { ...draft, deviceAt: at - 5_000 } },
    ];
    expect(await read(lines, { device: 'Hall' })).toMatchObject([
      { kind: 'recorded', at, event: { deviceId: 'Hall', id: '' } },
      { kind: 'recorded', at },
    ]);
    await expect(read(lines)).rejects.toThrow('events.jsonl, line 2: it comes from "alarmflow decode"');
  });

  it('let a record be a little out of order, and nothing else', async () => {
    const before = { event: { ...recorded, id: '02', receivedAt: at - 1_000 }, decisions: [] };
    expect(await read([{ event: recorded, decisions: [] }, before])).toHaveLength(2);
    await expect(
      read([
        { at: START, disarm: 'site' },
        { at: '2026-11-23T17:04:59Z', arm: 'site' },
      ]),
    ).rejects.toThrow('events.jsonl, line 2: it happens before the line above it');
  });

  it.each([
    ['{"at":', /line 1: it is no valid JSON/],
    ['[1]', /line 1: it is no JSON object/],
    [{ device: 'Yard', type: 'motion' }, /line 1: it needs "at"/],
    [{ at: START, device: 'Yard', type: 'motions' }, /line 1: type: "motions" is no event type/],
    [{ at: START, device: 'Yard', type: 'motion', chanel: 1 }, /line 1: .*Unrecognized key: "chanel"/],
    [{ at: '+1 s', device: 'Yard', type: 'motion' }, /line 1: "\+1 s" counts from a start, and there is none/],
    [{ at: START, disarm: 'site', reset: 'all' }, /line 1: it gives several orders at once \(disarm, reset\)/],
    [{ at: START }, /line 1: it says neither what happened/],
    [{ at: START, output: 'Siren' }, /line 1: "output" needs "mode"/],
    [{ at: START, acknowledge: 'all', mode: 'on' }, /line 1: "mode" belongs to "output" only/],
    [{ at: 1e300, disarm: 'site' }, /line 1: /],
  ])('are refused with their number: %j', async (line, message) => {
    await expect(read([line])).rejects.toThrow(message);
  });

  it('are read or refused as the user’s fault, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.json(),
            fc.string(),
            fc.object().map((value) => JSON.stringify({ at: START, ...value })),
          ),
        ),
        async (lines) => {
          try {
            await read(lines);
          } catch (error) {
            expect(error).toBeInstanceOf(AlarmflowError);
            expect((error as AlarmflowError).family).toBe('user');
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
