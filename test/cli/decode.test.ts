import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeCommand } from '../../engine/cli/decode';
import type { Decoded } from '../../engine/drivers';
import { captureHead, capturePart } from '../../engine/drivers';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'alarmflow-decode-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

async function decode(driver: string, path: string, options: { contentType?: string; options?: string } = {}) {
  const lines: Decoded[] = [];
  await decodeCommand(driver, path, options, (line) => lines.push(JSON.parse(line) as Decoded));
  return lines.map((line) => (line.kind === 'event' ? line.event.type : line.kind));
}

const body = '{"what":{"name":"BEWEGUNG"}}';
const mapping = { mapping: 'type = $.what.name', types: 'BEWEGUNG = motion' };

describe('the command "decode" with options', () => {
  it('understands a push by the mapping in the file, and without it by that of a new device', async () => {
    const push = file('push.json', body);
    expect(await decode('http-push', push)).toEqual(['fault']);
    expect(await decode('http-push', push, { options: file('mapping.json', JSON.stringify(mapping)) })).toEqual([
      'motion',
    ]);
  });

  it('puts the file before the settings that the capture brings', async () => {
    const head = captureHead({ driver: 'http-push', device: 'Gate', options: { mapping: 'type = $.what.name' } });
    const capture = file(
      'capture',
      Buffer.concat([head, capturePart({ at: 0, contentType: null, bytes: Buffer.from(body) })]),
    );
    expect(await decode('http-push', capture)).toEqual(['vendor:BEWEGUNG']);
    expect(await decode('http-push', capture, { options: file('m.json', JSON.stringify(mapping)) })).toEqual([
      'motion',
    ]);
  });

  it('takes a file with a byte order mark', async () => {
    const push = file('push.json', body);
    expect(await decode('http-push', push, { options: file('m.json', `\uFEFF${JSON.stringify(mapping)}`) })).toEqual([
      'motion',
    ]);
  });

  it.each([
    ['is not there', null, 'cannot be read'],
    ['is no JSON', '{mapping', 'is no valid JSON'],
    ['holds a list', '[]', 'holds no object'],
    ['is far too large', ' '.repeat((1 << 20) + 1), 'is larger than'],
  ])('refuses a file that %s', async (_name, content, reason) => {
    const path = content === null ? join(folder, 'none.json') : file('m.json', content);
    await expect(decode('http-push', file('push.json', body), { options: path })).rejects.toMatchObject({
      code: 'E_OPTIONS_FILE',
      family: 'user',
      message: expect.stringContaining(reason),
    });
  });

  it.each([
    ['http-push', { mapping: 'nonsense' }, 'mapping'],
    ['onvif', { quietSeconds: -1 }, 'quietSeconds'],
    ['vivotek', { nothing: 1 }, 'nothing'],
    ['genicam', { inputs: 'Line1 sideways' }, 'Alarm inputs'],
    ['modbus', { nothing: 1 }, 'nothing'],
    ['mqtt', { things: 'toaster T' }, 'Things'],
    ['snmp-traps', { table: 'nonsense' }, 'Table'],
  ])('refuses settings that a device of %s could not have', async (driver, options, field) => {
    const path = file('o.json', JSON.stringify(options));
    await expect(decode(driver, file('x', body), { options: path })).rejects.toMatchObject({
      code: 'E_DEVICE_OPTIONS',
      message: expect.stringContaining(field),
    });
  });

  it.each(['hikvision', 'dahua'])('refuses settings for %s, which would change nothing', async (driver) => {
    const path = file('o.json', '{}');
    await expect(decode(driver, file('x', body), { options: path })).rejects.toMatchObject({
      code: 'E_DEVICE_OPTIONS',
      message: expect.stringContaining('leave --options away'),
    });
  });

  it('counts for other drivers, too', async () => {
    const notify =
      '<e:Envelope><e:Body><Notify><NotificationMessage><Topic>tns1:Monitoring/ProcessorUsage</Topic><Message><Message UtcTime="2026-11-21T10:00:00Z" PropertyOperation="Changed"><Source/><Data><SimpleItem Name="Value" Value="5"/></Data></Message></Message></NotificationMessage></Notify></e:Body></e:Envelope>';
    const path = file('notify.xml', notify);
    expect(await decode('onvif', path)).toEqual([expect.stringMatching(/^vendor:/)]);
    const quiet = file('o.json', '{"informational":false}');
    expect(await decode('onvif', path, { options: quiet })).not.toContainEqual(expect.stringMatching(/^vendor:/));
  });

  it.each([
    [{}, ['Line1 snapshot', 'Line0 snapshot', 'Line0 stop', 'Line1 stop']],
    [{ inputs: 'Line1 falling' }, ['Line1 stop', 'Line1 start']],
    [{ inputs: 'Line1 inverted' }, ['Line1 stop', 'Line1 start']],
    [{ inputs: 'Line0 any pulse' }, ['Line0 pulse', 'Line0 pulse']],
  ])('reads the lines of a GenICam camera by its inputs: %j', async (options, expected) => {
    const printed = 'LineStatusAll = 2\nLineStatusAll = 3\nLineStatusAll = 0\n';
    const lines: string[] = [];
    await decodeCommand(
      'genicam',
      file('arv.txt', printed),
      { options: file('o.json', JSON.stringify(options)) },
      (line) => {
        const read = JSON.parse(line) as Decoded;
        if (read.kind === 'event') lines.push(`${read.event.input} ${read.event.phase}`);
      },
    );
    expect(lines).toEqual(expected);
  });
});
