import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAddress, parseSender } from '../../engine/actions/mail-address';
import { oneLine, renderTemplate } from '../../engine/actions/template';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionKind } from '../../engine/domain/actions';
import { ActionBench, anEmail, aRow, RAISED } from './action-bench';

describe('the action ptz-preset', () => {
  it('turns the camera of the alarm', async () => {
    const bench = new ActionBench();
    const result = await bench.run(aRow('ptz-preset', { channel: 1, preset: 7 }));
    expect(bench.cameras.get('cam')!.asked).toEqual(['preset 1/7']);
    expect(result).toEqual({
      status: 'done',
      summary: '"Hall camera" channel 1 accepted preset 7; that it has turned is not confirmed',
    });
  });

  it.each([
    ['reached', { status: 'done', summary: '"Hall camera" channel 1 reached preset 7' }],
    ['already-there', { status: 'done', summary: '"Hall camera" channel 1 was at preset 7 already' }],
    ['unmoved', { status: 'done', summary: expect.stringContaining('did not turn') }],
    ['elsewhere', { status: 'done', summary: expect.stringContaining('rests elsewhere') }],
  ] as const)('says of a camera that tells where it looks that it is %s', async (outcome, result) => {
    const bench = new ActionBench();
    bench.cameras.get('cam')!.turn = async () => ({ arrival: async () => outcome });
    expect(await bench.run(aRow('ptz-preset', { channel: 1, preset: 7 }))).toEqual(result);
  });

  it('fails, to be tried again, when the camera says yes and does not move', async () => {
    const bench = new ActionBench();
    bench.cameras.get('cam')!.turn = async () => ({ arrival: async () => 'not-moved' });
    await expect(bench.run(aRow('ptz-preset', { channel: 1, preset: 7 }))).rejects.toMatchObject({
      code: 'E_PTZ_NOT_MOVED',
      family: 'operational',
      message: expect.stringContaining('Check its motor'),
    });
  });

  it('turns the camera that the node names', async () => {
    const bench = new ActionBench();
    await bench.run(aRow('ptz-preset', { channel: 1, preset: 7 }, { deviceId: 'yard' }));
    expect(bench.cameras.get('yard')!.asked).toEqual(['preset 1/7']);
  });

  it('is for people when no device is named, or one that is gone', async () => {
    const bench = new ActionBench();
    const plain = aRow('ptz-preset', { channel: 1, preset: 7 }, { deviceId: null, phase: 'message' });
    await expect(bench.run(plain)).rejects.toMatchObject({ code: 'E_NO_DEVICE', family: 'user' });
    const gone = aRow('ptz-preset', { channel: 1, preset: 7 }, { deviceId: 'gone' });
    await expect(bench.run(gone)).rejects.toMatchObject({ code: 'E_UNKNOWN_DEVICE', family: 'user' });
  });

  it('is tried again when the camera does not answer in time', async () => {
    const clock = new VirtualClock(RAISED);
    const bench = new ActionBench(clock);
    bench.cameras.get('cam')!.gotoPreset = () => new Promise(() => undefined);
    const refused = expect(bench.run(aRow('ptz-preset', { channel: 1, preset: 7 }))).rejects.toMatchObject({
      code: 'E_TOO_SLOW',
      family: 'operational',
    });
    await clock.advance(10_000);
    await refused;
  });
});

describe('the action snapshot', () => {
  it('keeps the picture and names it', async () => {
    const bench = new ActionBench();
    const result = await bench.run(aRow('snapshot', { channel: null }));
    expect(bench.cameras.get('cam')!.asked).toEqual(['snapshot 2']);
    expect(result).toEqual({
      status: 'done',
      summary: 'Snapshot of "Hall camera" channel 2 kept as media-1 (13 bytes)',
    });
    expect(bench.kept[0]).toMatchObject({
      contentType: 'image/jpeg',
      name: expect.stringMatching(/^snapshot-[0-9a-f]{16}$/),
    });
  });

  it('gives the same name at every try', async () => {
    const bench = new ActionBench();
    await bench.run(aRow('snapshot', { channel: 1 }));
    await bench.run(aRow('snapshot', { channel: 1 }));
    expect(bench.kept[0]!.name).toBe(bench.kept[1]!.name);
  });

  it('does not use the channel of the alarm on another camera', async () => {
    const bench = new ActionBench();
    await bench.run(aRow('snapshot', { channel: null }, { deviceId: 'yard' }));
    expect(bench.cameras.get('yard')!.asked).toEqual(['snapshot 1']);
  });
});

describe('the action log', () => {
  it('writes one structured line', async () => {
    const bench = new ActionBench();
    const result = await bench.run(
      aRow('log', { text: 'Hot: {{temperature}}\nin {{alarm.deviceName}}', level: 'warn' }),
    );
    expect(result).toEqual({ status: 'done', summary: 'Hot: 81.3 °C in Hall camera' });
    expect(bench.lines).toEqual([
      {
        level: 'warn',
        event: 'action.log',
        fields: expect.objectContaining({ text: 'Hot: 81.3 °C in Hall camera', alarm: 'alarm-1', phase: 'raise' }),
      },
    ]);
  });

  it('says what happened when it has no text of its own', async () => {
    const bench = new ActionBench();
    const result = await bench.run(aRow('log', { text: '', level: 'info' }));
    expect(result.summary).toBe('Alarm: Temperature alarm on Hall camera');
  });
});

describe('parameters', () => {
  const wrong: [ActionKind, Record<string, unknown>, string][] = [
    ['email', anEmail({ serverId: '' }), 'serverId'],
    ['email', anEmail({ to: [] }), 'to'],
    ['email', anEmail({ to: 'guard@example.com' }), 'to'],
    ['email', anEmail({ to: ['guard@example.com', 'x'] }), 'to'],
    ['email', anEmail({ to: ['a@b\r\nBcc: c@d'] }), 'to'],
    ['email', anEmail({ to: Array.from({ length: 51 }, (_, i) => `a${i}@example.com`) }), 'to'],
    ['email', anEmail({ phases: ['raise', 'boom'] }), 'phases'],
    ['email', anEmail({ subject: 7 }), 'subject'],
    ['email', anEmail({ text: null }), 'text'],
    ['email', anEmail({ picture: 'all' }), 'picture'],
    ['email', anEmail({ snapshotDeviceId: 7 }), 'snapshotDeviceId'],
    ['email', anEmail({ snapshotChannel: 0 }), 'snapshotChannel'],
    ['ptz-preset', { channel: 1 }, 'preset'],
    ['ptz-preset', { channel: 1.5, preset: 1 }, 'channel'],
    ['ptz-preset', { channel: 1, preset: '7' }, 'preset'],
    ['snapshot', { channel: -1 }, 'channel'],
    ['log', { text: 'x', level: 'debug' }, 'level'],
    ['log', { level: 'info' }, 'text'],
  ];

  it.each(wrong)('%s %j: the refusal names %s', (kind, params, field) => {
    const check = () => new ActionBench().handler(kind).check(params);
    expect(check).toThrow(expect.objectContaining({ code: 'E_BAD_PARAMETER', family: 'user' }));
    expect(check).toThrow(`field "${field}"`);
  });

  it('that are right pass', () => {
    const bench = new ActionBench();
    bench.handler('email').check(anEmail({ to: ['a.b+c@example.co.uk', 'ü@bücher.example', 'root@localhost'] }));
    bench.handler('ptz-preset').check({ channel: 1, preset: 300 });
    bench.handler('snapshot').check({ channel: null });
    bench.handler('log').check({ text: '', level: 'info' });
  });

  it('of any shape are refused by a user error or pass, never by a crash', () => {
    const bench = new ActionBench();
    fc.assert(
      fc.property(
        fc.constantFrom<ActionKind>('email', 'ptz-preset', 'snapshot', 'log'),
        fc.object(),
        (kind, params) => {
          try {
            bench.handler(kind).check(params as Record<string, unknown>);
          } catch (error) {
            expect(error).toMatchObject({ family: 'user' });
          }
        },
      ),
    );
  });
});

describe('mail addresses', () => {
  it.each(['a@b', 'first.last@example.com', "o'hara@example.com"])('%s is one', (address) => {
    expect(isAddress(address)).toBe(true);
  });

  it.each([
    '',
    'a',
    '@b',
    'a@',
    'a@b@c',
    'a b@c',
    '.a@b',
    'a.@b',
    'a..b@c',
    'a@b..c',
    'a@-b',
    'a@b.',
    '<a@b>',
    'a@b,c@d',
    'a@b\n',
    `a@${'b'.repeat(300)}`,
  ])('%j is none', (address) => {
    expect(isAddress(address)).toBe(false);
  });

  it.each([
    ['a@b', { name: '', address: 'a@b' }],
    ['Alarm <a@b>', { name: 'Alarm', address: 'a@b' }],
    ['"Alarm, hall" <a@b>', { name: 'Alarm, hall', address: 'a@b' }],
    ['<a@b>', { name: '', address: 'a@b' }],
    ['Alarm <a@b', null],
    ['Alarm\r\nBcc: x@y <a@b>', null],
  ])('the sender %j is %j', (from, sender) => {
    expect(parseSender(from)).toEqual(sender);
  });
});

describe('templates', () => {
  it('of any text take linear time and never grow over their limit', () => {
    const values = new Map([['a', 'b'.repeat(50)]]);
    fc.assert(
      fc.property(fc.array(fc.constantFrom('{{', '}}', ' ', 'a', '.', '{{a}}', '\n')), (parts) => {
        expect(renderTemplate(parts.join(''), values, 100).length).toBeLessThanOrEqual(100);
      }),
    );
    expect(renderTemplate('{{ '.repeat(200_000), values, 1_000_000)).toBe('{{ '.repeat(200_000));
  });

  it('make one line of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be left
        expect(oneLine(value)).not.toMatch(/[\u0000-\u001f\u007f\u2028\u2029]/);
      }),
    );
  });
});
