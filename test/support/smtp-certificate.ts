import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  key: string;
  cert: string;
}

/** Certificates that an authority of the test's own has signed. */
export interface Authority {
  cert: string;
  /** @param host name or address that it is for; `days` below 0: it has expired */
  issue(host: string, days: number): Certificate;
}

/** An authority whose certificate the test must trust; null where openssl is not installed. */
export function anAuthority(): Authority | null {
  if (selfSigned() === null) return null;
  const dir = mkdtempSync(join(tmpdir(), 'alarmflow-authority-'));
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  const file = (name: string): string => join(dir, name);
  const openssl = (...given: string[]): void => {
    execFileSync('openssl', given, { stdio: 'ignore' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    ...['req', '-x509', ...key, '-days', '2', '-keyout', file('ca.key'), '-out', file('ca.pem')],
    ...['-subj', '/CN=Test authority', '-addext', 'basicConstraints=critical,CA:TRUE'],
  );
  return {
    cert: readFileSync(file('ca.pem'), 'utf8'),
    issue(host, days) {
      openssl('req', ...key, '-keyout', file('leaf.key'), '-out', file('leaf.csr'), '-subj', `/CN=${host}`);
      const kind = /^[\d.]+$/.test(host) ? 'IP' : 'DNS';
      writeFileSync(file('leaf.ext'), `subjectAltName=${kind}:${host}\n`);
      openssl(
        ...['x509', '-req', '-in', file('leaf.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key')],
        ...['-CAcreateserial', '-days', String(days), '-extfile', file('leaf.ext'), '-out', file('leaf.pem')],
      );
      return { key: readFileSync(file('leaf.key'), 'utf8'), cert: readFileSync(file('leaf.pem'), 'utf8') };
    },
  };
}

/** A self-signed certificate for localhost and 127.0.0.1, made by openssl; null where that is not installed. */
export function selfSigned(): Certificate | null {
  const dir = mkdtempSync(join(tmpdir(), 'alarmflow-certificate-'));
  const keyFile = join(dir, 'key.pem');
  const certFile = join(dir, 'cert.pem');
  try {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-keyout', keyFile, '-out', certFile, '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ],
      { stdio: 'ignore' },
    );
    return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || process.env.ALARMFLOW_REQUIRE_ALL === '1') throw error;
    return null;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
