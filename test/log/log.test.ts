import { describe, expect, it } from 'vitest';
import { userError } from '../../engine/domain/errors';
import { createLog, type LogOptions } from '../../engine/log';

function captured(format: LogOptions['format'] = 'json', level: LogOptions['level'] = 'debug') {
  const lines: string[] = [];
  return { lines, log: createLog({ level, format, write: (line) => lines.push(line) }) };
}

describe('log', () => {
  it('writes one JSON object a line, with level, time and message', () => {
    const { lines, log } = captured();
    log.info('device online', { deviceId: 'cam1', took: 12 });
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'info',
      time: expect.any(Number),
      msg: 'device online',
      deviceId: 'cam1',
      took: 12,
    });
  });

  it('writes one readable line for terminals', () => {
    const { lines, log } = captured('text');
    log.with({ deviceId: 'cam1' }).warn('clock is off', { offsetMs: 5, why: 'no NTP' });
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z WARN {2}clock is off deviceId=cam1 offsetMs=5 why="no NTP"$/);
  });

  it('lets no device forge a line or steer the terminal', () => {
    const { lines, log } = captured('text');
    log.info('got a\nb', { raw: 'x\u001b[2Jy\r\nINFO forged' });
    expect(lines.length).toBe(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(lines[0]).not.toMatch(/[\u0000-\u001f]/);
  });

  it('leaves out what is below its level', () => {
    const { lines, log } = captured('json', 'warn');
    log.debug('a');
    log.info('b');
    log.error('c');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['c']);
  });

  it.each([
    ['password', { password: 'w0rd-x' }],
    ['a nested token', { a: [{ b: { accessToken: 'w0rd-x' } }] }],
    ['an authorization header', { headers: { Authorization: 'Digest w0rd-x' } }],
    ['a cookie', { headers: { 'set-cookie': ['w0rd-x'] } }],
    ['credentials', { credentials: { user: 'u', word: 'w0rd-x' } }],
    ['an address with a password', { url: 'postgres://ann:w0rd-x@db:5432/site' }],
    ['an address in an error', { error: new Error('no connection to redis://:w0rd-x@host') }],
    ['fields of an error', { error: Object.assign(new Error('x'), { config: { pass: 'w0rd-x' } }) }],
    ['a map', { map: new Map([['secret', 'w0rd-x']]) }],
  ])('keeps %s out', (_name, fields) => {
    const { lines, log } = captured();
    log.info('x', fields);
    log.with(fields).info('y');
    expect(lines.join('\n')).not.toContain('w0rd-x');
    expect(lines[0]).toContain('[secret]');
  });

  it.each(['hunter2', 'p&<ss "quoted"', 'pässwörd/+=', 'a\nb\\c'])(
    'keeps the known value %j out in any spelling',
    (value) => {
      const { lines, log } = captured();
      log.addSecret(value);
      log.error(`login with ${value} refused`, {
        url: `http://h/?p=${encodeURIComponent(value)}`,
        basic: Buffer.from(value).toString('base64'),
        error: new Error('inner', { cause: userError('E_X', `bad ${value}`) }),
        [value]: 1,
      });
      for (const spelling of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]) {
        expect(lines[0]).not.toContain(spelling);
      }
    },
  );

  it('is not blacked out by an empty or tiny secret', () => {
    const { lines, log } = captured();
    log.addSecret('');
    log.addSecret('a');
    log.info('a plain message');
    expect(JSON.parse(lines[0]!).msg).toBe('a plain message');
  });

  it('survives cycles, depth, big lists, odd values and throwing getters', () => {
    const { lines, log } = captured();
    const cycle: Record<string, unknown> = { n: 1n, f() {}, list: Array(500).fill(0), bytes: Buffer.alloc(9) };
    cycle.self = cycle;
    log.info('odd', { cycle, level: 'mine', time: 0, text: 'x'.repeat(50_000), s: Symbol('s') });
    log.info('getter', {
      get boom(): never {
        throw new Error('no');
      },
    });
    const first = JSON.parse(lines[0]!);
    expect(first.cycle.self).toBe('[circular]');
    expect(first.cycle.bytes).toBe('[9 bytes]');
    expect(first).toMatchObject({ level: 'info', level_: 'mine' });
    expect(lines[0]!.length).toBeLessThan(20_000);
    expect(JSON.parse(lines[1]!).unloggable).toContain('no');
  });
});
