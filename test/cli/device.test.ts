import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { deviceCommand } from '../../engine/cli/device';

const run = (options: { port?: string; host?: string }): Promise<void> =>
  deviceCommand(
    'hikvision',
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
});
