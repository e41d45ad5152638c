import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { silentLog } from '../../engine/domain/log';
import { createFlowEngine, type FlowEngineParts } from '../../engine/host/flow-engine';
import { DEFAULT_SNMP_ARC, type FileServerDefinition, type SnmpReceiverDefinition } from '../../engine/index';

const archive: Extract<FileServerDefinition, { protocol: 'sftp' }> = {
  protocol: 'sftp',
  id: 'archive',
  name: 'Archive',
  host: 'nas.example.org',
  port: 22,
  root: '',
  hostKey: '',
  credentials: null,
};

const controlRoom: SnmpReceiverDefinition = {
  id: 'noc',
  name: 'Control room',
  host: '192.0.2.30',
  port: 162,
  notification: 'trap',
  access: { version: '2c', community: 'alarm' },
  arc: DEFAULT_SNMP_ARC,
  engineId: '',
};

/** An engine whose other parts have nothing to do. */
function engine() {
  const idle = {
    onNotice: () => undefined,
    onArming: () => undefined,
    flowsStarted: async () => undefined,
    detach: () => undefined,
  };
  const answer = async (): Promise<{ ok: boolean; detail: string }> => ({ ok: true, detail: 'tried' });
  const parts = {
    alarms: idle,
    outputs: idle,
    handlers: [],
    timers: { onDue: () => undefined },
    tests: { testMailServer: answer, testFileServer: answer, testSnmpReceiver: answer },
    clock: new VirtualClock(0),
    log: silentLog,
  };
  return createFlowEngine(parts as unknown as FlowEngineParts);
}

describe('a service of others', () => {
  it('is found by its kind and id', async () => {
    const flow = engine();
    await flow.defineFileServer(archive);
    await flow.defineSnmpReceiver(controlRoom);
    expect(flow.service('file-server', 'archive')).toEqual(archive);
    expect(flow.service('snmp-receiver', 'noc')).toEqual(controlRoom);
  });

  it('is not found under another kind', async () => {
    const flow = engine();
    await flow.defineFileServer(archive);
    expect(flow.service('mail-server', 'archive')).toBeUndefined();
    expect(flow.service('snmp-receiver', 'archive')).toBeUndefined();
  });

  it('stays while a deploy makes its node anew', async () => {
    const flow = engine();
    await flow.defineFileServer(archive);
    await flow.detach('archive');
    expect(flow.service('file-server', 'archive')).toEqual(archive);
    await flow.defineFileServer({ ...archive, root: '/new' });
    await flow.flowsStarted();
    expect(flow.service('file-server', 'archive')?.root).toBe('/new');
  });

  it('is gone when no node has defined it again', async () => {
    const flow = engine();
    await flow.defineFileServer(archive);
    await flow.detach('archive');
    await flow.flowsStarted();
    expect(flow.service('file-server', 'archive')).toBeUndefined();
  });

  it('is tried by its own test button', async () => {
    expect(await engine().testSnmpReceiver(controlRoom)).toEqual({ ok: true, detail: 'tried' });
  });
});
