import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect } from 'vitest';
import { testFileServer } from '../../engine/actions';
import type { FtpServer } from '../../engine/domain/file-server';
import { serverTest } from '../support/server-test';
import { type Certificate, selfSigned } from '../support/smtp-certificate';
import { type FtpService, type FtpServiceOptions, startVsftpd, vsftpdMissing } from '../support/vsftpd';

const PASSWORD = 'never told';
const running: FtpService[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

async function vsftpd(options: FtpServiceOptions): Promise<{ server: FtpService; definition: FtpServer }> {
  const server = await startVsftpd(options);
  running.push(server);
  const definition: FtpServer = {
    id: 'nas',
    name: 'Archive',
    protocol: !options.certificate ? 'ftp' : options.implicit ? 'ftps-implicit' : 'ftps',
    host: '127.0.0.1',
    port: server.port,
    root: 'uploads/a b/ö',
    authority: '',
    certificate: '',
    dataHost: 'same',
    credentials: { user: 'ftp', password: PASSWORD },
  };
  return { server, definition };
}

const tested = (server: FtpServer): Promise<{ ok: boolean; detail: string }> =>
  testFileServer(server, { uploadFolders: [] });

/** vsftpd itself wants the connections for files to go on with the session of the login. */
describe('the test of a file server over FTP', () => {
  const whole = 'given its name and compared; it has been removed again';

  serverTest('logs in, writes, compares and removes, and says that nothing is encrypted', vsftpdMissing, async () => {
    const { server, definition } = await vsftpd({ password: PASSWORD });
    expect(await tested(definition)).toEqual({
      ok: true,
      detail: `127.0.0.1:${server.port}: logged in as "ftp", without encryption; the directory is there; a test file was written in uploads/a b/ö, ${whole}`,
    });
    expect(readdirSync(join(server.uploads, 'a b/ö'))).toEqual([]);
  });

  serverTest('logs in anonymously without a user', vsftpdMissing, async () => {
    const { definition } = await vsftpd({});
    expect(await tested({ ...definition, credentials: null })).toMatchObject({
      ok: true,
      detail: expect.stringContaining('logged in anonymously'),
    });
  });

  serverTest('says that the login was refused, and never the password', vsftpdMissing, async () => {
    const { definition } = await vsftpd({ password: 'another one' });
    const { ok, detail } = await tested(definition);
    expect({ ok, detail }).toMatchObject({ ok: false, detail: expect.stringContaining('530 Login incorrect') });
    expect(detail).not.toContain(PASSWORD);
  });

  serverTest('says how far it came where the directory is not to be written', vsftpdMissing, async () => {
    const { definition } = await vsftpd({ password: PASSWORD });
    const { ok, detail } = await tested({ ...definition, root: '' });
    expect(ok).toBe(false);
    expect(detail).toMatch(/does not allow it.*It had come so far: .*logged in as "ftp"/);
  });

  for (const implicit of [false, true])
    describe(implicit ? 'with implicit TLS' : 'with explicit TLS', () => {
      const secure = async (): Promise<{ certificate: Certificate; definition: FtpServer }> => {
        const certificate = selfSigned()!;
        const { definition } = await vsftpd({ password: PASSWORD, certificate, implicit });
        return { certificate, definition };
      };

      serverTest('trusts the own authority', vsftpdMissing, async () => {
        const { certificate, definition } = await secure();
        expect(await tested({ ...definition, authority: certificate.cert })).toMatchObject({
          ok: true,
          detail: expect.stringContaining(whole),
        });
      });

      serverTest('shows the certificate that is to be pinned, and trusts it then', vsftpdMissing, async () => {
        const { definition } = await secure();
        const refused = await tested(definition);
        expect(refused).toMatchObject({ ok: false, detail: expect.stringContaining('signed by itself') });
        const [shown] = /(?:[0-9A-F]{2}:){31}[0-9A-F]{2}/.exec(refused.detail)!;
        // The second time it is known.
        for (const _time of [1, 2])
          expect(await tested({ ...definition, certificate: shown })).toMatchObject({
            ok: true,
            detail: expect.stringContaining(`certificate SHA-256 ${shown}`),
          });
      });
    });
});
