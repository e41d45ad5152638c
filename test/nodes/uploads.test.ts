import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { selfSigned } from '../support/smtp-certificate';
import { archive, errorsOf, type FlowNode, flowNode, nights, run, sink, tab } from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(() => {
  engine = new FakeFlowEngine();
});
afterEach(async () => {
  await helper.unload();
});

const ftps: FlowNode = { ...archive, protocol: 'ftps', port: 21, hostKey: '', version: 2 };
const folder: FlowNode = {
  id: 'archive',
  type: 'alarmflow-file-server',
  protocol: 'folder',
  root: '/mnt/nas/alarms',
  version: 2,
};

describe('file servers', () => {
  it('of the version that knew SFTP alone stay what they were', async () => {
    await run([tab, { ...archive, version: 1 }], engine);
    expect(engine.fileServers.get('archive')).toMatchObject({ protocol: 'sftp', port: 22, credentials: null });
  });

  it('take a fingerprint as openssl prints it, and are anonymous without a user', async () => {
    const certificate = `sha256 Fingerprint=${'ab:'.repeat(31)}AB`;
    await run([tab, { ...ftps, certificate }], engine);
    expect(engine.fileServers.get('archive')).toEqual({
      id: 'archive',
      name: 'Archive',
      protocol: 'ftps',
      host: 'nas.example.org',
      port: 21,
      root: '/alarms',
      certificate: 'AB:'.repeat(31).concat('AB'),
      authority: '',
      dataHost: 'same',
      credentials: null,
    });
  });

  it('take the certificates of an own authority, without what stands around them', async () => {
    const own = selfSigned();
    if (own === null) return;
    await run([tab, { ...ftps, authority: `subject=CN=x\n${own.cert}\n` }], engine);
    expect(engine.fileServers.get('archive')).toMatchObject({ authority: own.cert });
  });

  it('may be a folder, which has a name, no host and no login', async () => {
    await run([tab, folder], engine, { archive: { user: 'left over', password: 'from before' } });
    expect(engine.fileServers.get('archive')).toEqual({
      id: 'archive',
      name: '/mnt/nas/alarms',
      protocol: 'folder',
      root: '/mnt/nas/alarms',
      presence: 'mount',
      marker: '.alarmflow-target',
    });
  });

  it.each([
    [{ ...ftps, protocol: 'gopher' }, 'field "Protocol" is "gopher"'],
    [{ ...ftps, certificate: 'ab:cd' }, 'field "Certificate" is "ab:cd"'],
    [
      { ...ftps, authority: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
      'field "Own authority" is',
    ],
    [{ ...ftps, dataHost: 'there' }, 'field "Files go to" is "there"'],
    [{ ...folder, root: 'mnt/nas' }, 'field "Directory" is "mnt/nas", it must be a whole path'],
    [{ ...folder, root: '/mnt/../etc' }, 'field "Directory" is "/mnt/../etc"'],
    [{ ...folder, root: '' }, 'field "Directory" is ""'],
    [{ ...folder, presence: 'perhaps' }, 'field "Is there when" is "perhaps"'],
    [{ ...folder, marker: '../x' }, 'field "Marker file" is "../x"'],
  ])('refuse %j', async (node, reason) => {
    await run([tab, node], engine);
    expect(engine.fileServers.size).toBe(0);
    expect(errorsOf('archive')).toEqual([expect.stringContaining(reason)]);
  });
});

describe('uploads', () => {
  const started = async (config: Record<string, unknown>): Promise<unknown> => {
    await run([tab, archive, nights, flowNode('upload', { server: 'archive', ...config }), sink], engine);
    return engine.callsOf('defineAction')[0]?.[0];
  };

  it('of the version that knew pictures alone upload them at any time', async () => {
    expect(await started({ version: 1 })).toMatchObject({
      action: { kind: 'upload', params: { pictures: true, clip: null, alarmFile: 'none', scheduleId: null } },
    });
  });

  it('may have a clip, the alarm as a file, and periods', async () => {
    expect(
      await started({
        version: 2,
        clip: true,
        clipBefore: '5',
        clipAfter: 15,
        clipMost: 30,
        alarmFile: 'json',
        periods: 'nights',
      }),
    ).toMatchObject({
      action: {
        params: {
          clip: { beforeSeconds: 5, afterSeconds: 15, mostSeconds: 30 },
          alarmFile: 'json',
          scheduleId: 'nights',
        },
      },
    });
  });

  it.each([
    [{ pictures: false }, 'field "Pictures" is false'],
    [{ clip: true, clipBefore: 0, clipAfter: 0 }, 'field "Until" is 0'],
    [{ clip: true, clipMost: 601 }, 'field "At most" is 601'],
    [{ alarmFile: 'pdf' }, 'field "Alarm" is "pdf"'],
    [{ periods: 'archive' }, 'must be alarmflow-schedule'],
  ])('refuse %j', async (config, reason) => {
    await started({ version: 2, ...config });
    expect(errorsOf('node')).toEqual([expect.stringContaining(reason)]);
  });
});
