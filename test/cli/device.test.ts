import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type DeviceOptions, deviceCommand } from '../../engine/cli/device';
import { simulatorKinds } from '../../engine/drivers';

const run = (options: Partial<DeviceOptions>, kind = 'hikvision'): Promise<void> =>
  deviceCommand(
    kind,
    { host: '127.0.0.1', port: '0', user: 'admin', password: 'a-password', fault: [], ...options },
    () => {},
    AbortSignal.abort(),
  );

describe('the command "device"', () => {
  it.each(['abc', '99999', '-1', '1.5', ''])('names the port %j that it cannot use', async (port) => {
    await expect(run({ port })).rejects.toMatchObject({ family: 'user', code: 'E_BAD_PARAMETER' });
  });

  it('says that another program has the port', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const port = String((other.address() as AddressInfo).port);
    await expect(run({ port })).rejects.toMatchObject({ family: 'user', code: 'E_PORT_IN_USE' });
    await new Promise((resolve) => other.close(resolve));
  });

  it('says that an address is none of this machine', async () => {
    // 192.0.2.0/24 is for documentation only (RFC 5737).
    await expect(run({ host: '192.0.2.1' })).rejects.toMatchObject({ family: 'user', code: 'E_BAD_HOST' });
  });

  it.each([
    ['a target that is no URL', 'http-push', { target: 'the site' }, '--|ingest path'],
    ['a target of another protocol', 'vivotek', { target: 'ftp://127.0.0.1/x' }, 'ingest path'],
    ['a target that is no receiver', 'snmp-traps', { target: 'http://127.0.0.1/x' }, 'host and port'],
    ['a receiver with a path', 'snmp-traps', { target: '127.0.0.1:162/x' }, 'host and port'],
    ['a target of a kind that does not push', 'onvif', { target: 'http://127.0.0.1/x' }, 'leave the target away'],
    ['a pause that is none', 'http-push', { target: 'http://127.0.0.1/x', every: 'often' }, '--every'],
    ['a pause that is too long', 'http-push', { target: 'http://127.0.0.1/x', every: '4000' }, '--every'],
  ])('refuses %s', async (_name, kind, options, remedy) => {
    await expect(run(options, kind)).rejects.toMatchObject({
      family: 'user',
      code: 'E_BAD_PARAMETER',
      message: expect.stringMatching(remedy),
    });
  });

  it.each(simulatorKinds().filter(({ kind }) => kind !== 'genicam'))(
    'refuses a fault that $kind does not have',
    async ({ kind }) => {
      await expect(run({ fault: ['no-such-fault'] }, kind)).rejects.toMatchObject({ code: 'E_UNKNOWN_FAULT' });
    },
  );

  it('names the kinds that there are', async () => {
    await expect(run({}, 'toaster')).rejects.toMatchObject({
      code: 'E_UNKNOWN_DRIVER',
      message: expect.stringContaining('onvif'),
    });
  });
});
