import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AlarmflowError } from '../../engine/domain/errors';
import { type ConfigInput, describeConfig, loadConfig, maskedConfig, maskUrl } from '../../engine/host/config';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'alarmflow-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const load = (input: Partial<ConfigInput> = {}) => loadConfig({ flags: {}, env: {}, cwd, command: 'run', ...input });
const fileWith = (content: unknown): string => {
  const path = join(cwd, 'site.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};
const refusal = (input: Partial<ConfigInput>): string => {
  try {
    load(input);
  } catch (error) {
    expect(error).toMatchObject({ code: 'E_CONFIG', family: 'user' });
    return (error as AlarmflowError).message;
  }
  throw new Error('was not refused');
};

describe('configuration', () => {
  it('has defaults for everything', () => {
    const { config, sources } = load();
    expect(config).toMatchObject({
      data: join(cwd, 'data'),
      port: 1880,
      host: '127.0.0.1',
      databaseUrl: null,
      redisUrl: null,
      logLevel: 'info',
      demo: false,
      ingestMaxBytes: 20 * 1024 * 1024,
      trustedProxies: [],
      tlsCert: null,
    });
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
  });

  it.each([
    ['http://10.0.0.5:1880', true],
    ['https://alarms.example.org/site/', true],
    ['10.0.0.5:1880', false],
    ['ftp://10.0.0.5', false],
    ['http://u:p@10.0.0.5', false],
    ['http://10.0.0.5/?a=1', false],
    ['http://', false],
  ])('takes %s for the address that devices push to: %s', (given, allowed) => {
    const input = { env: { ALARMFLOW_PUBLIC_URL: given } };
    if (allowed) expect(load(input).config.publicUrl).toBe(given);
    else expect(refusal(input)).toContain('ALARMFLOW_PUBLIC_URL');
  });

  it('lets messages carry links only where their readers reach the site, and takes a contact for push services', () => {
    const on = { ALARMFLOW_ANSWER_LINKS: 'true' };
    expect(refusal({ env: on })).toContain('a URL, because ALARMFLOW_ANSWER_LINKS is on');
    const { config } = load({ env: { ...on, ALARMFLOW_PUBLIC_URL: 'https://plant.example.org' } });
    expect(config).toMatchObject({
      answerLinks: true,
      answerLinkHours: 24,
      answerSnoozeMinutes: 30,
      pushContact: null,
    });
    for (const contact of ['alarm@example.org', 'https://example.org/contact'])
      expect(load({ env: { ALARMFLOW_PUSH_CONTACT: contact } }).config.pushContact).toBe(contact);
    for (const contact of ['alarm', 'http://example.org', 'a@b'])
      expect(refusal({ env: { ALARMFLOW_PUSH_CONTACT: contact } })).toContain('ALARMFLOW_PUSH_CONTACT');
  });

  it('puts flag before variable before file before default', () => {
    const config = fileWith({ port: 1, siteName: 'from file', logLevel: 'warn' });
    const loaded = load({
      flags: { config, port: '3' },
      env: { ALARMFLOW_PORT: '2', ALARMFLOW_SITE_NAME: 'from variable' },
    });
    expect(loaded.config).toMatchObject({ port: 3, siteName: 'from variable', logLevel: 'warn', host: '127.0.0.1' });
    expect(loaded.sources).toMatchObject({ port: 'flag', siteName: 'env', logLevel: 'file', host: 'default' });
    expect(loaded.file).toBe(config);
  });

  it('reads config.json of the data folder without being told', () => {
    writeFileSync(join(cwd, 'config.json'), '\uFEFF{"siteName":"Hall 4"}');
    expect(load({ flags: { data: cwd } }).config.siteName).toBe('Hall 4');
  });

  it.each([
    [{ ALARMFLOW_INGEST_MAX_BYTES: '2 MiB' }, 'ingestMaxBytes', 2 * 1024 * 1024],
    [{ ALARMFLOW_INGEST_MAX_BYTES: '4096' }, 'ingestMaxBytes', 4096],
    [{ ALARMFLOW_RETENTION_MEDIA_BYTES: '1g' }, 'retentionMediaBytes', 1024 ** 3],
    [{ ALARMFLOW_DEMO: 'yes' }, 'demo', true],
    [{ ALARMFLOW_DEMO: 'off' }, 'demo', false],
    [{ ALARMFLOW_TRUSTED_PROXIES: '10.0.0.1, fd00::/8' }, 'trustedProxies', ['10.0.0.1', 'fd00::/8']],
    [{ DATABASE_URL: 'postgres://u:p@db/site' }, 'databaseUrl', 'postgres://u:p@db/site'],
    [{ REDIS_URL: 'rediss://cache:6380' }, 'redisUrl', 'rediss://cache:6380'],
    [{ ALARMFLOW_PORT: '' }, 'port', 1880],
  ] as const)('reads %j', (env, key, value) => {
    expect(load({ env }).config[key]).toEqual(value);
  });

  it('names every wrong value by the name that was used, with what is allowed', () => {
    const config = fileWith({ logLevel: 'loud', prot: 1880 });
    const message = refusal({ flags: { config, port: '99999' }, env: { ALARMFLOW_HOST: 'not a host' } });
    expect(message).toContain('4 values');
    expect(message).toContain('--port: given "99999"; allowed: a whole number from 0 to 65535');
    expect(message).toContain('ALARMFLOW_HOST: given "not a host"; allowed: an IP address or a host name');
    expect(message).toContain(`${config} "logLevel": given "loud"; allowed: debug, info, warn or error`);
    expect(message).toContain(`${config} "prot": given unknown key; allowed: "port"`);
  });

  it.each(['1880.5', '0x10', 'NaN', '1e3', '-1'])('refuses the port %s', (port) => {
    expect(refusal({ flags: { port } })).toContain('--port');
  });

  it('never shows a secret, also when it is wrong', () => {
    const message = refusal({ env: { DATABASE_URL: 'mysql://root:hunter2@db/x', REDIS_URL: 'hunter2 but no url' } });
    expect(message).toContain('DATABASE_URL: given "mysql://root:***@db/x"');
    expect(message).not.toContain('hunter2');
  });

  it('masks secrets in what it prints', () => {
    const { config } = load({ env: { DATABASE_URL: 'postgres://u:hunter2@db/x?sslpassword=hunter2' } });
    expect(JSON.stringify(maskedConfig(config))).not.toContain('hunter2');
    expect(maskedConfig(config).databaseUrl).toContain('postgres://u:***@db/x');
    expect(maskUrl('hunter2')).toBe('***');
    expect(maskUrl('redis:hunter2')).toBe('***');
  });

  it('does not quote a broken file, which may hold a password', () => {
    const message = refusal({ flags: { config: fileWith('{"databaseUrl": "hunter2" oops}') } });
    expect(message).toContain('no valid JSON');
    expect(message).not.toContain('hunter2');
  });

  it.each([
    ['[]', 'an array'],
    ['7', 'a single value'],
    ['', 'no valid JSON'],
  ])('refuses a file with %j', (content, reason) => {
    expect(refusal({ flags: { config: fileWith(content) } })).toContain(reason);
  });

  it('refuses a file that was named and is not there', () => {
    expect(refusal({ flags: { config: 'nowhere.json' } })).toContain('no such file');
  });

  it('wants certificate and key together', () => {
    expect(refusal({ env: { ALARMFLOW_TLS_CERT: 'c.pem' } })).toContain(
      '--tls-key: given nothing; allowed: a file, because ALARMFLOW_TLS_CERT is set',
    );
  });

  it('makes the demo at the first start of an empty folder only', () => {
    expect(load({ command: 'start' }).config.demo).toBe(true);
    expect(load({ command: 'run' }).config.demo).toBe(false);
    expect(load({ command: 'start', flags: { demo: false } }).config.demo).toBe(false);
    expect(load({ command: 'start', flags: { data: cwd } }).config.demo).toBe(true);
    writeFileSync(join(cwd, 'PG_VERSION'), '17');
    expect(load({ command: 'start', flags: { data: cwd } }).config.demo).toBe(false);
  });

  it.each(['alarmflow.lock', 'cli-token', 'record', 'record.state', 'record.8591.6161894075915'])(
    'makes the demo also when a first start was killed and left %s',
    (name) => {
      writeFileSync(join(cwd, name), '');
      expect(load({ command: 'start', flags: { data: cwd } }).config.demo).toBe(true);
      // Made by the first start that came as far as its flows, of a site without demo as well.
      writeFileSync(join(cwd, 'secret.key'), '');
      expect(load({ command: 'start', flags: { data: cwd } }).config.demo).toBe(false);
    },
  );

  it('warns of an unknown ALARMFLOW_ variable and names the nearest', () => {
    expect(load({ env: { ALARMFLOW_PROT: '1' } }).warnings).toEqual([expect.stringContaining('"ALARMFLOW_PORT"')]);
    expect(load({ env: { ALARMFLOW_REQUIRE_ALL: '1', ALARMFLOW_PORT: '1' } }).warnings).toEqual([]);
  });

  it('describes each value for the documentation', () => {
    const rows = describeConfig();
    expect(rows.find((row) => row.key === 'retentionEventDays')).toMatchObject({
      flag: '--retention-event-days',
      env: 'ALARMFLOW_RETENTION_EVENT_DAYS',
      default: '90',
    });
    expect(rows.every((row) => row.description !== '' && row.allowed !== '')).toBe(true);
    expect(new Set(rows.map((row) => row.env)).size).toBe(rows.length);
  });

  it('meets any file content with a configuration or one user error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
        ),
        (content) => {
          try {
            load({ flags: { config: fileWith(content) } });
          } catch (error) {
            expect(error).toBeInstanceOf(AlarmflowError);
            expect(error).toMatchObject({ code: 'E_CONFIG', family: 'user' });
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
